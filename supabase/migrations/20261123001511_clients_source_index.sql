-- Filter by source; counts by stage and source come from it alone.
create index concurrently clients_by_source on app.clients (tenant_id, stage, source)
  where deleted_at is null;
