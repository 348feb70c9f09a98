-- Who am I, and which tenant does a new token name.

-- {access, user_id, tenant: {id, slug, name, plan}}
create function api.access()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
begin
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'user_id', v_access.user_id,
    'tenant', (
      select jsonb_build_object('id', t.id, 'slug', t.slug, 'name', t.name, 'plan', t.plan)
      from app.tenants as t
      where t.id = v_access.tenant_id));
end
$$;
call app.publish_function('api.access', 'authenticated');

-- Supabase Auth's custom access token hook. A user may belong to several tenants; the one chosen in
-- app_metadata.tenant_id wins while the membership lives, otherwise the oldest membership. The claim
-- only chooses: SQL reads membership and role again on every call.
create function app.access_token_hook(event jsonb)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := coalesce(event -> 'claims', '{}') - 'tenant_id';
  v_user uuid := app.uuid_or_null(event ->> 'user_id');
  v_chosen uuid := app.uuid_or_null(v_claims -> 'app_metadata' ->> 'tenant_id');
  v_tenant uuid;
begin
  select m.tenant_id into v_tenant
  from app.tenant_members as m
  where m.user_id = v_user and m.status = 'active'
  order by m.tenant_id is not distinct from v_chosen desc, m.created_at, m.tenant_id
  limit 1;
  if v_tenant is not null then
    v_claims := v_claims || jsonb_build_object('tenant_id', v_tenant);
  end if;
  return event || jsonb_build_object('claims', v_claims);
end
$$;

-- Supabase Auth exists where this is hosted; a laptop mints its own tokens.
do $$
begin
  if exists (select from pg_catalog.pg_roles where rolname = 'supabase_auth_admin') then
    grant usage on schema app to supabase_auth_admin;
    grant execute on function app.access_token_hook(jsonb) to supabase_auth_admin;
  end if;
end
$$;
revoke execute on function app.access_token_hook(jsonb) from frontdesk_app, frontdesk_platform;
