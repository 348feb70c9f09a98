-- Filter by source, and count its stages.
create index concurrently clients_by_source on app.clients (tenant_id, source, stage)
  where deleted_at is null;
