-- The indexer's side: what to index, and what became of it. One named tenant a call.

-- {tenant_id, tenant_slug, tenant_status, knowledge_version, index_version, locale, documents: [document],
-- deleted: [object names that may go]}
create function api.platform_index_source(p_tenant uuid)
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
      'index_version', t.index_version,
      'locale', (select s.locale from app.tenant_settings as s where s.tenant_id = p_tenant),
      'documents', (
        select coalesce(jsonb_agg(app.document_json(d) order by d.created_at, d.id), '[]')
        from app.knowledge_documents as d
        where d.tenant_id = p_tenant and d.deleted_at is null),
      'deleted', (
        select coalesce(jsonb_agg(d.object_name order by d.deleted_at), '[]')
        from app.knowledge_documents as d
        where d.tenant_id = p_tenant and d.deleted_at is not null))
    from app.tenants as t
    where t.id = p_tenant);
end
$$;

-- p_results: [{document_id, state: indexed or failed, reason?, chunks?}]. A document that was deleted
-- meanwhile stays deleted. p_knowledge_version is the one the source had; {documents, current}: current
-- is false when something changed since, so the index must be built again.
create function api.platform_mark_indexed(
  p_tenant uuid, p_version text, p_results jsonb, p_knowledge_version bigint default null
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_count int;
  v_current bigint;
begin
  perform app.enter_tenant(p_tenant);
  update app.knowledge_documents as d
  set status = r.state, reason = left(r.reason, 2000), chunk_count = r.chunks,
      indexed_version = case r.state when 'indexed' then p_version end,
      indexed_at = case r.state when 'indexed' then now() end, updated_at = now()
  from jsonb_to_recordset(coalesce(p_results, '[]'))
    as r (document_id uuid, state text, reason text, chunks int)
  where d.tenant_id = p_tenant and d.id = r.document_id and d.deleted_at is null;
  get diagnostics v_count = row_count;
  update app.tenants as t
  set index_version = coalesce(p_version, t.index_version),
      indexed_at = case when p_version is not null then now() else t.indexed_at end, updated_at = now()
  where t.id = p_tenant
  returning t.knowledge_version into v_current;
  return jsonb_build_object(
    'documents', v_count,
    'knowledge_version', v_current,
    'current', p_knowledge_version is null or p_knowledge_version = v_current);
end
$$;

call app.publish_function('api.platform_index_source', 'service_role');
call app.publish_function('api.platform_mark_indexed', 'service_role');
