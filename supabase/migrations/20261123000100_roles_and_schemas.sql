-- Who owns what, before anything exists.
--
-- `app` holds tables and helpers and is never exposed; `api` holds the commands and queries that
-- PostgREST serves. No caller role (anon, authenticated, service_role) gets a table grant: a caller
-- may execute `api` functions, and each of those runs as one of two roles that cannot log in and
-- cannot bypass row-level security:
--   frontdesk_app       works for one tenant; every policy compares tenant_id with app.tenant_id()
--   frontdesk_platform  works across tenants on tenants, operations, outbox and idempotency keys alone

create extension if not exists pg_trgm with schema extensions;
create extension if not exists btree_gin with schema extensions;
create extension if not exists unaccent with schema extensions;

do $$
begin
  if not exists (select from pg_catalog.pg_roles where rolname = 'frontdesk_app') then
    create role frontdesk_app nologin noinherit;
  end if;
  if not exists (select from pg_catalog.pg_roles where rolname = 'frontdesk_platform') then
    create role frontdesk_platform nologin noinherit;
  end if;
  -- Membership lets the migration role hand functions over and replace them later. PostgreSQL 16
  -- made inheritance a property of the grant.
  if current_setting('server_version_num')::int >= 160000 then
    execute 'grant frontdesk_app, frontdesk_platform to current_user with inherit true, set true';
  else
    grant frontdesk_app, frontdesk_platform to current_user;
  end if;
end
$$;

create schema if not exists app;
create schema if not exists api;

grant usage, create on schema app, api to frontdesk_app, frontdesk_platform;
grant usage on schema extensions to frontdesk_app, frontdesk_platform;
grant usage on schema api to anon, authenticated, service_role;

-- Nothing is executable or readable by accident.
alter default privileges revoke execute on functions from public;
alter default privileges in schema app grant execute on functions to frontdesk_app, frontdesk_platform;
alter default privileges in schema app revoke all on tables from public, anon, authenticated, service_role;
alter default privileges in schema api revoke execute on functions from anon, authenticated, service_role;

-- Hands an api function to the role it runs as and lets exactly one caller role execute it.
-- p_owner null leaves it with the migration role, which bypasses RLS: search functions only.
create procedure app.publish_function(
  p_function regproc,
  p_caller text,
  p_owner text default 'frontdesk_app'
)
language plpgsql
set search_path = ''
as $$
declare
  v_signature text := p_function::regprocedure::text;
begin
  execute format('revoke all on function %s from public, anon, authenticated, service_role', v_signature);
  execute format('grant execute on function %s to %I', v_signature, p_caller);
  if p_owner is not null then
    execute format('alter function %s owner to %I', v_signature, p_owner);
  end if;
end
$$;

-- Row-level security for a table with a tenant_id: enabled, forced, one policy, the least grants.
create procedure app.isolate_table(p_table regclass, p_grants text)
language plpgsql
set search_path = ''
as $$
begin
  execute format('alter table %s enable row level security', p_table);
  execute format('alter table %s force row level security', p_table);
  execute format('revoke all on %s from public, anon, authenticated, service_role', p_table);
  execute format('grant %s on %s to frontdesk_app', p_grants, p_table);
  execute format(
    'create policy tenant_isolation on %s for all to frontdesk_app '
    'using (tenant_id = (select app.tenant_id())) with check (tenant_id = (select app.tenant_id()))',
    p_table
  );
end
$$;

-- The few tables that platform functions must see across tenants.
create procedure app.open_to_platform(p_table regclass, p_grants text)
language plpgsql
set search_path = ''
as $$
begin
  execute format('grant %s on %s to frontdesk_platform', p_grants, p_table);
  execute format(
    'create policy platform_access on %s for all to frontdesk_platform using (true) with check (true)',
    p_table
  );
end
$$;
