-- Filter by consultant, count their stages; in some agencies everyone sees only their own clients.
create index concurrently clients_by_consultant on app.clients (tenant_id, consultant_id, stage)
  where deleted_at is null;
