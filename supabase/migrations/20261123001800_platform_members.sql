-- Members and settings, changed by the provisioner for one named tenant.

create function app.member_json(p_member app.tenant_members)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'user_id', p_member.user_id,
    'role', p_member.role,
    'status', p_member.status,
    'email', p_member.email,
    'name', p_member.name,
    'created_at', app.utc(p_member.created_at))
$$;

-- Adds a member or changes one's role; a removed member comes back. Returns the member.
create function api.platform_upsert_member(
  p_tenant uuid, p_user uuid, p_role text, p_email text default null, p_name text default null
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_member app.tenant_members;
begin
  perform app.enter_tenant(p_tenant);
  if p_role is null or p_role not in ('owner', 'agent', 'viewer', 'visitor') then
    perform app.invalid('role', 'must be owner, agent, viewer or visitor');
  end if;
  if p_user is null then
    perform app.invalid('user', 'is required');
  end if;
  insert into app.tenant_members as m (tenant_id, user_id, role, email, name)
  values (p_tenant, p_user, p_role, p_email, p_name)
  on conflict (tenant_id, user_id) do update
  set role = excluded.role, status = 'active', removed_at = null, updated_at = now(),
      email = coalesce(excluded.email, m.email), name = coalesce(excluded.name, m.name)
  returning * into v_member;
  perform app.write_audit(
    p_tenant, 'platform', 'platform', 'member.upserted', p_user, '{}',
    jsonb_build_object('role', p_role), null, jsonb_build_object('email', p_email, 'name', p_name));
  return app.member_json(v_member);
end
$$;

-- Ends a membership: the next call with that user's token gets membership_revoked. The row stays, so
-- that clients keep their consultant's name. Returns the member; not_found when there is none.
create function api.platform_remove_member(p_tenant uuid, p_user uuid)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_member app.tenant_members;
begin
  perform app.enter_tenant(p_tenant);
  update app.tenant_members as m
  set status = 'removed', removed_at = coalesce(m.removed_at, now()), updated_at = now()
  where m.tenant_id = p_tenant and m.user_id = p_user
  returning * into v_member;
  if not found then
    perform app.fail(404, 'not_found', 'There is no such member.');
  end if;
  perform app.write_audit(p_tenant, 'platform', 'platform', 'member.removed', p_user, '{}');
  return app.member_json(v_member);
end
$$;

-- Sets the settings that p_settings names, keeps the others. Returns the settings.
-- p_settings: {currency?, locale?, time_zone?, client_visibility?, company?, bank?, email_sender?,
-- branding?, quotas?}
create function api.platform_seed_settings(p_tenant uuid, p_settings jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_settings app.tenant_settings;
  v_time_zone text := app.text_of(p_settings, 'time_zone');
begin
  perform app.enter_tenant(p_tenant);
  if v_time_zone is not null and not exists (
    select from pg_catalog.pg_timezone_names as z where z.name = v_time_zone) then
    perform app.invalid('time_zone', 'must be a name of the IANA time zone database');
  end if;
  insert into app.tenant_settings (tenant_id) values (p_tenant) on conflict (tenant_id) do nothing;
  update app.tenant_settings as s
  set currency = coalesce(app.text_of(p_settings, 'currency'), s.currency),
      locale = coalesce(app.text_of(p_settings, 'locale'), s.locale),
      time_zone = coalesce(v_time_zone, s.time_zone),
      client_visibility = coalesce(app.text_of(p_settings, 'client_visibility'), s.client_visibility),
      company = coalesce(p_settings -> 'company', s.company),
      bank = coalesce(p_settings -> 'bank', s.bank),
      email_sender = coalesce(p_settings -> 'email_sender', s.email_sender),
      branding = coalesce(p_settings -> 'branding', s.branding),
      quotas = coalesce(p_settings -> 'quotas', s.quotas),
      updated_at = now()
  where s.tenant_id = p_tenant
  returning * into v_settings;
  return to_jsonb(v_settings) - 'tenant_id' - 'updated_at';
exception when check_violation then
  perform app.fail(400, 'invalid_request', 'A setting has a value that is not allowed.');
end
$$;

call app.publish_function('api.platform_upsert_member', 'service_role');
call app.publish_function('api.platform_remove_member', 'service_role');
call app.publish_function('api.platform_seed_settings', 'service_role');
