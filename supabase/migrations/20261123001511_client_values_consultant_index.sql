-- The sums of one consultant.
create index concurrently client_values_by_consultant
  on app.client_values (tenant_id, consultant_id, stage, currency)
  include (total_minor)
  where deleted_at is null;
