-- Sort by creation.
create index concurrently clients_by_creation on app.clients (tenant_id, created_at desc, id desc)
  where deleted_at is null;
