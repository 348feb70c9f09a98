-- The sums of one source.
create index concurrently client_values_by_source
  on app.client_values (tenant_id, source, stage, currency)
  include (total_minor)
  where deleted_at is null;
