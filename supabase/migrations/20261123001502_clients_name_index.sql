-- Sort by name, and names that start with the query.
create index concurrently clients_by_name on app.clients (tenant_id, name_key, id)
  where deleted_at is null;
