-- What leaves a document must leave storage: which index versions may still hold it.

alter table app.tenants
  -- The knowledge version of the last change that removed or hid text. An index built from an older
  -- one is neither kept nor gone back to.
  add column knowledge_erased_version bigint not null default 0,
  -- An index built from an older knowledge version than this gives nothing to the next build.
  add column knowledge_rebuild_version bigint not null default 0;
grant update (knowledge_erased_version, knowledge_rebuild_version) on app.tenants to frontdesk_app;

-- The command counts its change in the same transaction, before or after it changes the row; the
-- next knowledge version is at least the one that it ends with.
create function app.note_erasure()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update app.tenants as t
  set knowledge_erased_version = t.knowledge_version + 1
  where t.id = new.tenant_id and t.knowledge_erased_version < t.knowledge_version + 1;
  return null;
end
$$;
-- Titles are text too: every passage carries its document's.
create trigger knowledge_documents_note_erasure
  after update on app.knowledge_documents
  for each row
  when (
    (old.deleted_at is null and new.deleted_at is not null)
    or old.sha256 <> new.sha256
    or old.title <> new.title
    or (old.visibility = 'public' and new.visibility <> 'public'))
  execute function app.note_erasure();

-- {tenant_id, tenant_slug, tenant_status, knowledge_version, erased_version, rebuild_version,
-- index_version, locale, documents: [document], deleted: [object names that may go]}
create or replace function api.platform_index_source(p_tenant uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
begin
  perform app.enter_tenant(p_tenant);
  return (
    select jsonb_build_object(
      'tenant_id', t.id,
      'tenant_slug', t.slug,
      'tenant_status', t.status,
      'knowledge_version', t.knowledge_version,
      'erased_version', t.knowledge_erased_version,
      'rebuild_version', t.knowledge_rebuild_version,
      'index_version', t.index_version,
      'locale', (select s.locale from app.tenant_settings as s where s.tenant_id = p_tenant),
      'documents', (
        select coalesce(jsonb_agg(app.document_json(d) order by d.created_at, d.id), '[]')
        from app.knowledge_documents as d
        where d.tenant_id = p_tenant and d.deleted_at is null),
      'deleted', app.objects_that_may_go(p_tenant))
    from app.tenants as t
    where t.id = p_tenant);
end
$$;

-- p_results: [{document_id, state: indexed or failed, reason?, chunks?, sha256?}]. A document that was
-- deleted, or has another file than that by now, keeps its state. p_knowledge_version is the one the
-- source had; {documents, current}: current is false when something changed since, so the index must
-- be built again. A version older than the one written down comes too late and changes nothing.
create or replace function api.platform_mark_indexed(
  p_tenant uuid, p_version text, p_results jsonb, p_knowledge_version bigint default null
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_count int;
  v_tenant app.tenants;
begin
  perform app.enter_tenant(p_tenant);
  select * into v_tenant from app.tenants as t where t.id = p_tenant for update;
  if p_version collate "C" < v_tenant.index_version collate "C" then
    return jsonb_build_object(
      'documents', 0, 'knowledge_version', v_tenant.knowledge_version, 'current', false);
  end if;
  update app.knowledge_documents as d
  set status = r.state, reason = left(r.reason, 2000), chunk_count = r.chunks,
      indexed_version = case r.state when 'indexed' then p_version end,
      indexed_at = case r.state when 'indexed' then now() end, updated_at = now()
  from jsonb_to_recordset(coalesce(p_results, '[]'))
    as r (document_id uuid, state text, reason text, chunks int, sha256 text)
  where d.tenant_id = p_tenant and d.id = r.document_id and d.deleted_at is null
    and d.sha256 = coalesce(r.sha256, d.sha256);
  get diagnostics v_count = row_count;
  update app.tenants as t
  set index_version = coalesce(p_version, t.index_version),
      indexed_at = case when p_version is not null then now() else t.indexed_at end, updated_at = now()
  where t.id = p_tenant;
  return jsonb_build_object(
    'documents', v_count,
    'knowledge_version', v_tenant.knowledge_version,
    'current', p_knowledge_version is null or p_knowledge_version = v_tenant.knowledge_version);
end
$$;

call app.publish_function('api.platform_index_source', 'service_role');
call app.publish_function('api.platform_mark_indexed', 'service_role');
