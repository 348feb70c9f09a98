-- Filter by consultant, and the tenants in which everyone sees their own clients alone.
create index concurrently clients_by_consultant on app.clients (tenant_id, consultant_id, last_activity_at desc, id desc)
  where deleted_at is null;
