-- One and two characters of scripts that need no more (李, 李雷).
create index concurrently clients_search_short_grams on app.clients
  using gin (tenant_id, app.short_grams(search_text))
  where deleted_at is null;
