-- Retention looks for transcripts of tickets that were closed long ago.
create index concurrently tickets_by_closing on app.tickets (tenant_id, closed_at, id)
  where closed_at is not null;
