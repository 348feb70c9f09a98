-- All of the tenant's conversations, the newest activity first; retention reads it from the other end.
create index concurrently conversations_by_activity on app.conversations (tenant_id, updated_at desc, id desc);
