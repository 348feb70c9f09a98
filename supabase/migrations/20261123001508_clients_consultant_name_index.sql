-- Filter by a consultant who is known by name alone.
create index concurrently clients_by_consultant_name on app.clients (tenant_id, lower(consultant_name))
  where deleted_at is null;
