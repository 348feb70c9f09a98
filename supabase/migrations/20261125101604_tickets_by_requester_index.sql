-- One's own tickets.
create index concurrently tickets_by_requester on app.tickets (
  tenant_id, requester_id, updated_at desc, id desc);
