-- Filter by stage; the pipeline counts from it without touching the table.
create index concurrently clients_by_stage on app.clients (tenant_id, stage, last_activity_at desc, id desc)
  where deleted_at is null;
