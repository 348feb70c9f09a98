-- What somebody has to work on, and what nobody does yet.
create index concurrently tickets_by_assignee on app.tickets (
  tenant_id, assignee_id, updated_at desc, id desc);
