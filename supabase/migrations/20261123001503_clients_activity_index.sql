-- Sort by last activity, the default order.
create index concurrently clients_by_activity on app.clients (tenant_id, last_activity_at desc, id desc)
  where deleted_at is null;
