-- The latest activities of a client.
create index concurrently activities_by_client on app.activities (tenant_id, client_id, occurred_at desc, id desc);
