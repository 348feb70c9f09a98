-- Tickets by when they were opened.
create index concurrently tickets_by_creation on app.tickets (tenant_id, created_at desc, id desc);
