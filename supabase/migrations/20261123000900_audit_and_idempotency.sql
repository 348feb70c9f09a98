-- What was done, by whom, and which commands were already answered.

create table app.audit_log (
  tenant_id uuid not null references app.tenants (id),
  id bigint generated always as identity,
  occurred_at timestamptz not null default now(),
  actor_kind text not null check (actor_kind in ('member', 'admin', 'platform')),
  actor text not null,
  action text not null check (action ~ '^[a-z_]+\.[a-z_]+$'),
  entity_id uuid,
  -- Facts that name no person: counts, states, field names.
  details jsonb not null default '{}' check (jsonb_typeof(details) = 'object'),
  request_id text,
  primary key (tenant_id, id)
);
create index audit_log_by_time on app.audit_log (tenant_id, occurred_at desc, id desc);
create index audit_log_by_entity on app.audit_log (tenant_id, entity_id, id desc);

-- Personal before and after values live beside the log, where erasure can clear them.
create table app.audit_personal (
  tenant_id uuid not null,
  audit_id bigint not null,
  subject_id uuid not null,
  before jsonb,
  after jsonb,
  primary key (tenant_id, audit_id),
  foreign key (tenant_id, audit_id) references app.audit_log (tenant_id, id)
);
create index audit_personal_by_subject on app.audit_personal (tenant_id, subject_id);

create function app.refuse_change()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = '42501';
end
$$;
create trigger audit_log_is_append_only
  before update or delete on app.audit_log
  for each row execute function app.refuse_change();
create trigger audit_log_is_never_truncated
  before truncate on app.audit_log
  for each statement execute function app.refuse_change();

-- The reply to every command that carried an Idempotency-Key, for 24 hours. The scope is the tenant;
-- null is the platform's own scope.
create table app.idempotency_keys (
  tenant_id uuid references app.tenants (id),
  principal text not null,
  route text not null,
  key text not null check (key ~ '^[\x21-\x7e]{1,255}$'),
  fingerprint text not null,
  reply jsonb not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '24 hours',
  constraint idempotency_keys_once unique nulls not distinct (tenant_id, principal, route, key)
);

call app.isolate_table('app.audit_log', 'select, insert');
call app.open_to_platform('app.audit_log', 'insert');
-- An identity value comes back through RETURNING.
grant select (id) on app.audit_log to frontdesk_platform;
call app.isolate_table('app.audit_personal', 'select, insert, update (before, after)');
call app.isolate_table('app.idempotency_keys', 'select, insert, delete');
call app.open_to_platform('app.idempotency_keys', 'select, insert, delete');

-- Writes one audit row, and its personal side row when there is something personal to keep.
create function app.write_audit(
  p_tenant uuid,
  p_actor_kind text,
  p_actor text,
  p_action text,
  p_entity uuid,
  p_command jsonb,
  p_details jsonb default '{}',
  p_before jsonb default null,
  p_after jsonb default null
)
returns void
language plpgsql
set search_path = ''
as $$
declare
  v_id bigint;
begin
  insert into app.audit_log (tenant_id, actor_kind, actor, action, entity_id, details, request_id)
  values (p_tenant, p_actor_kind, p_actor, p_action, p_entity, p_details, p_command ->> 'request_id')
  returning id into v_id;
  if p_before is not null or p_after is not null then
    insert into app.audit_personal (tenant_id, audit_id, subject_id, before, after)
    values (p_tenant, v_id, p_entity, p_before, p_after);
  end if;
end
$$;

-- Claims the command's Idempotency-Key. Returns the stored reply when this very request was
-- answered before, null when the command must run (or carries no key).
-- Raises idempotency_in_progress while another transaction works on the key, and
-- idempotency_key_reused when the key came with another request.
create function app.claim_key(p_tenant uuid, p_principal text, p_command jsonb)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_key text := p_command ->> 'idempotency_key';
  v_route text := coalesce(p_command ->> 'route', '');
  v_stored app.idempotency_keys;
begin
  if v_key is null then
    return null;
  end if;
  -- The lock ends with the transaction, so a crashed worker never leaves a key in progress.
  if not pg_try_advisory_xact_lock(hashtextextended(
    concat_ws(E'\x1f', coalesce(p_tenant::text, 'platform'), p_principal, v_route, v_key), 0)) then
    perform app.fail(409, 'idempotency_in_progress',
                     'A request with this Idempotency-Key is still being worked on.');
  end if;

  select * into v_stored
  from app.idempotency_keys as k
  where (k.tenant_id = p_tenant or num_nulls(k.tenant_id, p_tenant) = 2) and k.principal = p_principal
    and k.route = v_route and k.key = v_key;
  if not found then
    return null;
  end if;
  if v_stored.expires_at <= now() then
    delete from app.idempotency_keys as k
    where (k.tenant_id = p_tenant or num_nulls(k.tenant_id, p_tenant) = 2) and k.principal = p_principal
      and k.route = v_route and k.key = v_key;
    return null;
  end if;
  if v_stored.fingerprint is distinct from coalesce(p_command ->> 'fingerprint', '') then
    perform app.fail(422, 'idempotency_key_reused', 'This Idempotency-Key was used for another request.');
  end if;
  return v_stored.reply || '{"replayed": true}';
end
$$;

-- The reply of a command: {"status", "data", "replayed", "outbox"}; kept when the command had a key.
create function app.reply(
  p_tenant uuid,
  p_principal text,
  p_command jsonb,
  p_status int,
  p_data jsonb,
  p_outbox jsonb default '[]'
)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_reply jsonb := jsonb_build_object(
    'status', p_status, 'data', p_data, 'replayed', false, 'outbox', p_outbox);
begin
  if p_command ->> 'idempotency_key' is not null then
    insert into app.idempotency_keys (tenant_id, principal, route, key, fingerprint, reply)
    values (
      p_tenant, p_principal, coalesce(p_command ->> 'route', ''), p_command ->> 'idempotency_key',
      coalesce(p_command ->> 'fingerprint', ''), v_reply);
  end if;
  return v_reply;
end
$$;
