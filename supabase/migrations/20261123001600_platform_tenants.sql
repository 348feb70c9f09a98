-- Tenants as the platform sees them: create, read, list, suspend, resume. Service role only; each
-- names its tenant. These run as frontdesk_platform, which reaches no client, quote or document.

create function app.operation_json(p_operation app.operations)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_operation.id,
    'tenant_id', p_operation.tenant_id,
    'kind', p_operation.kind,
    'state', p_operation.state,
    'payload', p_operation.payload,
    'requested_by', p_operation.requested_by,
    'run_after', app.utc(p_operation.run_after),
    'attempts', p_operation.attempts,
    'last_error', p_operation.last_error,
    'leased_by', p_operation.leased_by,
    'leased_until', app.utc(p_operation.leased_until),
    'created_at', app.utc(p_operation.created_at),
    'finished_at', app.utc(p_operation.finished_at),
    'steps', (
      select coalesce(jsonb_agg(jsonb_build_object(
          'step', s.step, 'state', s.state, 'attempts', s.attempts, 'error', s.error,
          'started_at', app.utc(s.started_at), 'finished_at', app.utc(s.finished_at)
        ) order by s.started_at, s.step), '[]')
      from app.operation_steps as s
      where s.tenant_id = p_operation.tenant_id and s.operation_id = p_operation.id))
$$;

create function app.tenant_json(p_tenant app.tenants)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_tenant.id,
    'slug', p_tenant.slug,
    'name', p_tenant.name,
    'status', p_tenant.status,
    'status_reason', p_tenant.status_reason,
    'plan', p_tenant.plan,
    'knowledge_version', p_tenant.knowledge_version,
    'index_version', p_tenant.index_version,
    'indexed_at', app.utc(p_tenant.indexed_at),
    'created_at', app.utc(p_tenant.created_at),
    'updated_at', app.utc(p_tenant.updated_at))
$$;

-- Writes the nudge of an operation. The message only says where to look.
create function app.nudge_operation(p_tenant uuid, p_operation uuid)
returns jsonb
language sql
set search_path = ''
as $$
  select app.promise_event(
    p_tenant, 'tenant_operations', 'frontdesk.tenant.operation.v1',
    jsonb_build_object('operation_id', p_operation))
$$;

-- p_tenant: {id, slug, name, plan?, operation_id?, …}. The whole of it becomes the payload of the
-- 'create' operation, for the provisioner's steps (settings, members). Reply data: the tenant with
-- `operations`. 202; a taken slug is a conflict.
create function api.platform_create_tenant(p_tenant jsonb, p_actor text, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_replay jsonb := app.claim_key(null, p_actor, p_command);
  v_tenant app.tenants;
  v_operation app.operations;
  v_event jsonb;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_tenant.id := app.require_uuid(p_tenant, 'id');
  v_tenant.slug := app.require_text(p_tenant, 'slug', 40);
  v_tenant.name := app.require_text(p_tenant, 'name');
  v_tenant.plan := coalesce(app.text_of(p_tenant, 'plan'), 'lite');
  if v_tenant.slug !~ '^[a-z][a-z0-9-]{1,39}$' then
    perform app.invalid('slug', 'has 2 to 40 lower-case letters, digits or hyphens and starts with a letter');
  end if;
  if v_tenant.plan not in ('lite', 'pro', 'enterprise') then
    perform app.invalid('plan', 'must be lite, pro or enterprise');
  end if;
  begin
    insert into app.tenants (id, slug, name, plan)
    values (v_tenant.id, v_tenant.slug, v_tenant.name, v_tenant.plan)
    returning * into v_tenant;
  exception when unique_violation then
    perform app.fail(409, 'conflict', 'A tenant with this slug or id exists already.',
                     '{"field": "slug"}');
  end;
  insert into app.operations (tenant_id, id, kind, payload, requested_by)
  values (
    v_tenant.id, coalesce(app.uuid_or_null(p_tenant ->> 'operation_id'), gen_random_uuid()),
    'create', p_tenant, p_actor)
  returning * into v_operation;
  v_event := app.nudge_operation(v_tenant.id, v_operation.id);
  perform app.write_audit(
    v_tenant.id, 'admin', p_actor, 'tenant.created', v_tenant.id, p_command,
    jsonb_build_object('slug', v_tenant.slug, 'plan', v_tenant.plan));
  return app.reply(
    null, p_actor, p_command, 202,
    app.tenant_json(v_tenant) || jsonb_build_object(
      'operations', jsonb_build_array(app.operation_json(v_operation))),
    jsonb_build_array(v_event));
end
$$;

-- The tenant with its settings and its operations, newest first, with their steps; not_found.
create function api.platform_read_tenant(p_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_tenant app.tenants;
begin
  select * into v_tenant from app.tenants as t where t.id = p_id;
  if not found then
    perform app.fail(404, 'not_found', 'There is no such tenant.');
  end if;
  return app.tenant_json(v_tenant) || jsonb_build_object(
    'settings', (
      select jsonb_build_object(
        'currency', s.currency, 'locale', s.locale, 'time_zone', s.time_zone,
        'client_visibility', s.client_visibility, 'company', s.company, 'bank', s.bank,
        'email_sender', s.email_sender, 'branding', s.branding, 'quotas', s.quotas)
      from app.tenant_settings as s
      where s.tenant_id = p_id),
    'operations', (
      select coalesce(jsonb_agg(app.operation_json(o) order by o.created_at desc, o.id desc), '[]')
      from app.operations as o
      where o.tenant_id = p_id));
end
$$;

-- p_filter: {status?: text or [text], slug?}; newest first; p_after is the `next` of the page before.
-- {rows: [tenant], next}
create function api.platform_list_tenants(
  p_filter jsonb default '{}', p_limit int default 50, p_after jsonb default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_statuses text[] := app.texts_of(p_filter, 'status');
  v_slug text := app.text_of(p_filter, 'slug');
  v_limit int := least(greatest(coalesce(p_limit, 50), 1), 200);
  v_rows jsonb;
begin
  select coalesce(jsonb_agg(app.tenant_json(t) order by t.created_at desc, t.id desc), '[]')
  into v_rows
  from (
    select * from app.tenants as t
    where (v_statuses is null or t.status = any (v_statuses))
      and (v_slug is null or t.slug = v_slug)
      and (p_after is null or (t.created_at, t.id) < (
        (p_after ->> 'created_at')::timestamptz, (p_after ->> 'id')::uuid))
    order by t.created_at desc, t.id desc
    limit v_limit + 1
  ) as t;
  return jsonb_build_object(
    'rows', case when jsonb_array_length(v_rows) > v_limit then v_rows - v_limit else v_rows end,
    'next', case when jsonb_array_length(v_rows) > v_limit then jsonb_build_object(
      'created_at', v_rows -> (v_limit - 1) -> 'created_at', 'id', v_rows -> (v_limit - 1) -> 'id') end);
end
$$;

-- Moves a tenant between active and suspended. Access ends with this transaction: every function
-- reads the status. Already being there is fine; any other state is an invalid_transition.
create function app.change_tenant_status(
  p_tenant uuid, p_from text, p_to text, p_reason text, p_actor text, p_command jsonb
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_replay jsonb := app.claim_key(null, p_actor, p_command);
  v_tenant app.tenants;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  select * into v_tenant from app.tenants as t where t.id = p_tenant for update;
  if not found then
    perform app.fail(404, 'not_found', 'There is no such tenant.');
  end if;
  if v_tenant.status not in (p_from, p_to) then
    perform app.fail(
      409, 'invalid_transition', format('A tenant that is %s cannot become %s.', v_tenant.status, p_to),
      jsonb_build_object('status', v_tenant.status, 'allowed', jsonb_build_array(p_from)));
  end if;
  update app.tenants as t
  set status = p_to, status_reason = p_reason, updated_at = now()
  where t.id = p_tenant
  returning * into v_tenant;
  perform app.write_audit(
    p_tenant, 'admin', p_actor, case p_to when 'active' then 'tenant.resumed' else 'tenant.suspended' end,
    p_tenant, p_command, jsonb_strip_nulls(jsonb_build_object('reason', p_reason)));
  return app.reply(null, p_actor, p_command, 200, app.tenant_json(v_tenant));
end
$$;

-- Reply data: the tenant.
create function api.platform_suspend_tenant(
  p_tenant uuid, p_reason text, p_actor text, p_command jsonb default '{}'
)
returns jsonb
language sql
security definer
set search_path = ''
as $$ select app.change_tenant_status(p_tenant, 'active', 'suspended', p_reason, p_actor, p_command) $$;

create function api.platform_resume_tenant(
  p_tenant uuid, p_reason text, p_actor text, p_command jsonb default '{}'
)
returns jsonb
language sql
security definer
set search_path = ''
as $$ select app.change_tenant_status(p_tenant, 'suspended', 'active', p_reason, p_actor, p_command) $$;

call app.publish_function('api.platform_create_tenant', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_read_tenant', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_list_tenants', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_suspend_tenant', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_resume_tenant', 'service_role', 'frontdesk_platform');
