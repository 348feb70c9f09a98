-- The default order of tickets.
create index concurrently tickets_by_update on app.tickets (tenant_id, updated_at desc, id desc);
