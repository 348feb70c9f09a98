-- Deleting a conversation asks which tickets came out of it.
create index concurrently tickets_by_conversation on app.tickets (tenant_id, conversation_id)
  where conversation_id is not null;
