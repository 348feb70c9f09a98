-- One and two characters: 李, 李雷, the beginnings of words, and marks such as %.
create index concurrently clients_search_short_pieces on app.clients
  using gin (tenant_id, app.short_pieces(search_text))
  where deleted_at is null;
