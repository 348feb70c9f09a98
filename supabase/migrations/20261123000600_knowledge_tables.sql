-- Documents the helpdesk answers from. The bytes lie in object storage, the published index too.

create table app.knowledge_documents (
  tenant_id uuid not null references app.tenants (id),
  id uuid not null,
  title text not null check (length(title) between 1 and 300),
  filename text not null check (length(filename) between 1 and 300),
  content_type text not null check (length(content_type) <= 200),
  size_bytes bigint not null check (size_bytes >= 0),
  sha256 text not null check (sha256 ~ '^[0-9a-f]{64}$'),
  object_name text not null check (length(object_name) between 1 and 1000),
  visibility text not null default 'internal' check (visibility in ('public', 'internal')),
  language text check (language ~ '^[a-z]{2,3}$'),
  tags text[] not null default '{}' check (cardinality(tags) <= 50),
  status text not null default 'pending' check (status in ('pending', 'indexed', 'failed')),
  reason text check (length(reason) <= 2000),
  chunk_count int check (chunk_count >= 0),
  indexed_version text,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  indexed_at timestamptz,
  deleted_at timestamptz,
  primary key (tenant_id, id)
);
create index knowledge_documents_by_creation on app.knowledge_documents (tenant_id, created_at desc, id desc)
  where deleted_at is null;
create index knowledge_documents_by_status on app.knowledge_documents (tenant_id, status)
  where deleted_at is null;

call app.isolate_table('app.knowledge_documents', 'select, insert, update');
