-- Near spellings of names and companies.
create index concurrently clients_names_trigrams on app.clients
  using gin (tenant_id, names_text extensions.gin_trgm_ops)
  where deleted_at is null;
