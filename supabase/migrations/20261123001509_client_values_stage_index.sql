-- The pipeline's sums, read from the index alone.
create index concurrently client_values_by_stage on app.client_values (tenant_id, stage, currency)
  include (total_minor)
  where deleted_at is null;
