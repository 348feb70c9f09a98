-- Tenants, their members and settings, and the functions that say who is calling.

create table app.tenants (
  id uuid primary key,
  slug text not null unique check (slug ~ '^[a-z][a-z0-9-]{1,39}$'),
  name text not null check (length(name) between 1 and 200),
  status text not null default 'provisioning' check (
    status in ('provisioning', 'active', 'suspended', 'failed', 'pending_purge', 'purging', 'deleted')),
  status_reason text,
  plan text not null default 'lite' check (plan in ('lite', 'pro', 'enterprise')),
  -- Counts changes of the knowledge documents; index_version is what was last published.
  knowledge_version bigint not null default 0,
  index_version text,
  indexed_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz
);
create index tenants_by_creation on app.tenants (created_at desc, id desc);

create table app.tenant_members (
  tenant_id uuid not null references app.tenants (id),
  user_id uuid not null,
  role text not null check (role in ('owner', 'agent', 'viewer', 'visitor')),
  status text not null default 'active' check (status in ('active', 'removed')),
  email text,
  email_normal text generated always as (lower(btrim(email))) stored,
  name text,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  removed_at timestamptz,
  primary key (tenant_id, user_id)
);
create index tenant_members_by_email on app.tenant_members (tenant_id, email_normal);
-- The access-token hook asks the other way round: which tenants does this user belong to?
create index tenant_members_by_user on app.tenant_members (user_id) where status = 'active';

create table app.tenant_settings (
  tenant_id uuid primary key references app.tenants (id),
  currency char(3) not null default 'EUR' check (currency ~ '^[A-Z]{3}$'),
  locale text not null default 'en' check (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$'),
  time_zone text not null default 'UTC',
  -- 'own': everyone but the owner sees only the clients they are the consultant of.
  client_visibility text not null default 'all' check (client_visibility in ('all', 'own')),
  company jsonb not null default '{}' check (jsonb_typeof(company) = 'object'),
  bank jsonb not null default '{}' check (jsonb_typeof(bank) = 'object'),
  email_sender jsonb not null default '{}' check (jsonb_typeof(email_sender) = 'object'),
  branding jsonb not null default '{}' check (jsonb_typeof(branding) = 'object'),
  quotas jsonb not null default '{}' check (jsonb_typeof(quotas) = 'object'),
  updated_at timestamptz not null default now()
);

-- The caller, as SQL knows them; never as the token claims.
create type app.access as (
  user_id uuid,
  tenant_id uuid,
  role text,
  visibility text,
  tenant_slug text,
  currency text,
  locale text,
  time_zone text
);

-- Who calls, for which tenant, with which role. The token only says `sub` and `tenant_id`; status,
-- membership and role are read here on every call.
-- Raises tenant_required, tenant_suspended, membership_revoked.
create function app.current_access()
returns app.access
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_claims jsonb := auth.jwt();
  v_tenant uuid := app.uuid_or_null(v_claims ->> 'tenant_id');
  v_user uuid := app.uuid_or_null(v_claims ->> 'sub');
  v_access app.access;
  v_tenant_status text;
begin
  -- The role GUC is what PostgREST switched to; inside a definer function current_user is its owner.
  if current_setting('role') is distinct from 'authenticated' or v_user is null then
    perform app.fail(403, 'permission_denied', 'Only a signed-in member may do this.');
  end if;
  if v_tenant is null then
    perform app.fail(403, 'tenant_required', 'This token names no tenant. Choose one and sign in again.');
  end if;

  select
    m.user_id, m.tenant_id, m.role,
    case when m.role = 'owner' then 'all' else coalesce(s.client_visibility, 'all') end,
    t.slug, coalesce(s.currency, 'EUR'), coalesce(s.locale, 'en'), coalesce(s.time_zone, 'UTC'),
    t.status
  into
    v_access.user_id, v_access.tenant_id, v_access.role, v_access.visibility,
    v_access.tenant_slug, v_access.currency, v_access.locale, v_access.time_zone,
    v_tenant_status
  from app.tenant_members as m
  join app.tenants as t on t.id = m.tenant_id
  left join app.tenant_settings as s on s.tenant_id = m.tenant_id
  where m.tenant_id = v_tenant and m.user_id = v_user and m.status = 'active';

  -- A stranger learns the same about a suspended agency as about one that does not exist.
  if not found then
    perform app.fail(403, 'membership_revoked', 'You are not a member of this agency.');
  end if;
  if v_tenant_status <> 'active' then
    perform app.fail(403, 'tenant_suspended', 'This agency''s account is not active.');
  end if;
  return v_access;
end
$$;

-- For platform functions: works for this tenant from here to the end of the transaction.
create function app.enter_tenant(p_tenant uuid)
returns void
language plpgsql
security definer
set search_path = ''
as $$
begin
  if current_setting('role') is distinct from 'service_role' then
    perform app.fail(403, 'permission_denied', 'Only the platform may do this.');
  end if;
  if not exists (select from app.tenants where id = p_tenant) then
    perform app.fail(404, 'not_found', 'There is no such tenant.');
  end if;
  perform set_config('frontdesk.tenant_id', p_tenant::text, true);
end
$$;

-- The one tenant this statement may touch; every policy compares with it. Never null: it raises.
create function app.tenant_id()
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_tenant uuid;
begin
  if current_setting('role') = 'service_role' then
    v_tenant := nullif(current_setting('frontdesk.tenant_id', true), '')::uuid;
    if v_tenant is null then
      perform app.fail(403, 'tenant_required', 'This platform function names no tenant.');
    end if;
    return v_tenant;
  end if;
  return (app.current_access()).tenant_id;
end
$$;

-- The consultant whose clients alone the caller may see, or null for all of the tenant's.
create function app.restricted_to()
returns uuid
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access;
begin
  if current_setting('role') = 'service_role' then
    return null;
  end if;
  v_access := app.current_access();
  return case when v_access.visibility = 'own' then v_access.user_id end;
end
$$;

create function app.role_rank(p_role text)
returns int
language sql
immutable
as $$ select array_position(array['visitor', 'viewer', 'agent', 'owner'], p_role) $$;

-- The caller's access when their role is at least that one; raises permission_denied otherwise.
create function app.require_role(p_minimum text)
returns app.access
language plpgsql
stable
set search_path = ''
as $$
declare
  v_access app.access := app.current_access();
begin
  if app.role_rank(v_access.role) >= app.role_rank(p_minimum) then
    return v_access;
  end if;
  perform app.fail(403, 'permission_denied', 'Your role does not allow this.',
                   jsonb_build_object('required_role', p_minimum));
end
$$;

-- What every query says beside its payload, so that one round trip authorises and answers.
create function app.access_json(p_access app.access)
returns jsonb
language sql
immutable
as $$
  select jsonb_build_object(
    'role', p_access.role,
    'visibility', p_access.visibility,
    'tenant_slug', p_access.tenant_slug,
    'currency', p_access.currency,
    'locale', p_access.locale,
    'time_zone', p_access.time_zone)
$$;

call app.isolate_table('app.tenant_members', 'select, insert, update');
call app.isolate_table('app.tenant_settings', 'select, insert, update');

alter table app.tenants enable row level security;
alter table app.tenants force row level security;
revoke all on app.tenants from public, anon, authenticated, service_role;
grant select, update (knowledge_version, index_version, indexed_at, updated_at) on app.tenants to frontdesk_app;
create policy tenant_isolation on app.tenants for all to frontdesk_app
  using (id = (select app.tenant_id())) with check (id = (select app.tenant_id()));
call app.open_to_platform('app.tenants', 'select, insert, update');
call app.open_to_platform('app.tenant_settings', 'select');
