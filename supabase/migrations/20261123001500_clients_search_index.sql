-- Words of three letters and more, misspelt ones too.
create index concurrently clients_search_trigrams on app.clients
  using gin (tenant_id, search_text extensions.gin_trgm_ops)
  where deleted_at is null;
