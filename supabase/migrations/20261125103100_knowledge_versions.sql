-- How far an agency's index is, asking for a new one, and going back to an earlier one.

-- {knowledge_version, index_version, documents: {pending, indexed, failed}}
create function app.knowledge_json(p_tenant uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'knowledge_version', t.knowledge_version,
    'index_version', t.index_version,
    'documents', (
      select jsonb_build_object(
        'pending', count(*) filter (where d.status = 'pending'),
        'indexed', count(*) filter (where d.status = 'indexed'),
        'failed', count(*) filter (where d.status = 'failed'))
      from app.knowledge_documents as d
      where d.tenant_id = p_tenant and d.deleted_at is null))
  from app.tenants as t
  where t.id = p_tenant
$$;

-- {access, knowledge: {knowledge_version, index_version, documents: {pending, indexed, failed}}}
create function api.knowledge_status()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('viewer');
begin
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'knowledge', app.knowledge_json(v_access.tenant_id));
end
$$;

-- p_options: {force?: boolean}. Makes the indexer look whether the index says what the documents say;
-- with force a version is built from the documents alone, though nothing changed. Reply data: as
-- app.knowledge_json. 202.
create function api.reindex_knowledge(p_options jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_force boolean;
  v_event jsonb;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  if coalesce(jsonb_typeof(p_options -> 'force'), 'null') not in ('boolean', 'null') then
    perform app.invalid('force', 'must be true or false');
  end if;
  v_force := coalesce((p_options ->> 'force')::boolean, false);
  if v_force then
    v_event := app.knowledge_changed(v_access.tenant_id);
    update app.tenants as t
    set knowledge_rebuild_version = t.knowledge_version
    where t.id = v_access.tenant_id;
  else
    v_event := app.promise_event(
      v_access.tenant_id, 'knowledge', 'frontdesk.knowledge.changed.v1',
      (select jsonb_build_object('knowledge_version', t.knowledge_version)
       from app.tenants as t where t.id = v_access.tenant_id));
  end if;
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'knowledge.reindex_requested', null,
    p_command, jsonb_build_object('force', v_force));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 202,
    app.knowledge_json(v_access.tenant_id), jsonb_build_array(v_event));
end
$$;

-- Writes down that an earlier index version serves again. p_built_from is the knowledge version it was
-- built from; a conflict when text was removed since. {knowledge_version}
create function api.platform_roll_back_index(
  p_tenant uuid, p_version text, p_built_from bigint, p_actor text
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_tenant app.tenants;
begin
  perform app.enter_tenant(p_tenant);
  select * into v_tenant from app.tenants as t where t.id = p_tenant for update;
  if p_built_from < v_tenant.knowledge_erased_version then
    perform app.fail(409, 'conflict', 'This version holds text that was removed since.');
  end if;
  update app.tenants as t
  set index_version = p_version, indexed_at = now(), updated_at = now()
  where t.id = p_tenant;
  perform app.write_audit(
    p_tenant, 'platform', p_actor, 'knowledge.rolled_back', null, '{}',
    jsonb_build_object('from', v_tenant.index_version, 'to', p_version));
  return jsonb_build_object('knowledge_version', v_tenant.knowledge_version);
end
$$;

call app.publish_function('api.knowledge_status', 'authenticated');
call app.publish_function('api.reindex_knowledge', 'authenticated');
call app.publish_function('api.platform_roll_back_index', 'service_role');
