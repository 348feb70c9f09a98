-- The pipeline's counts, read from the index alone whatever the filter.
create index concurrently clients_for_pipeline on app.clients (tenant_id, stage)
  include (source, consultant_id)
  where deleted_at is null;
