-- The tenant's life as operations with steps, the outbox that nudges workers, and usage counters.

create table app.operations (
  tenant_id uuid not null references app.tenants (id),
  id uuid not null,
  kind text not null check (
    kind in ('create', 'suspend', 'resume', 'export', 'delete', 'restore', 'purge')),
  state text not null default 'pending' check (
    state in ('pending', 'running', 'succeeded', 'failed', 'cancelled')),
  payload jsonb not null default '{}' check (jsonb_typeof(payload) = 'object'),
  requested_by text not null,
  run_after timestamptz not null default now(),
  attempts int not null default 0,
  last_error text,
  -- A worker owns the operation while its lease lives; each recorded step renews it.
  leased_by text,
  leased_until timestamptz,
  lease_seconds int,
  nudged_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id, id),
  check ((state in ('succeeded', 'failed', 'cancelled')) = (finished_at is not null))
);
create index operations_by_creation on app.operations (tenant_id, created_at desc, id desc);
create index operations_open on app.operations (tenant_id, created_at, id)
  where state in ('pending', 'running');

create table app.operation_steps (
  tenant_id uuid not null,
  operation_id uuid not null,
  step text not null check (step ~ '^[a-z][a-z_]{0,63}$'),
  state text not null check (state in ('running', 'succeeded', 'failed')),
  attempts int not null default 1,
  error text,
  started_at timestamptz not null default now(),
  finished_at timestamptz,
  primary key (tenant_id, operation_id, step),
  foreign key (tenant_id, operation_id) references app.operations (tenant_id, id)
);

-- Events that a committed command promised. Messages are nudges: publishing one twice is harmless.
create table app.outbox (
  tenant_id uuid not null references app.tenants (id),
  id uuid not null default gen_random_uuid(),
  topic text not null check (topic in ('tenant_operations', 'knowledge')),
  event jsonb not null check (jsonb_typeof(event) = 'object'),
  created_at timestamptz not null default now(),
  published_at timestamptz,
  attempts int not null default 0,
  claimed_by text,
  claimed_until timestamptz,
  primary key (tenant_id, id)
);
create index outbox_unpublished on app.outbox (tenant_id, created_at, id) where published_at is null;

create table app.usage_counters (
  tenant_id uuid not null references app.tenants (id),
  metric text not null check (metric ~ '^[a-z][a-z_]{0,63}$'),
  -- The first day of the month, or of the year, in the tenant's time zone.
  period date not null,
  used bigint not null default 0 check (used >= 0),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, metric, period)
);

call app.isolate_table('app.operations', 'select');
call app.open_to_platform('app.operations', 'select, insert, update');
call app.isolate_table('app.operation_steps', 'select');
call app.open_to_platform('app.operation_steps', 'select, insert, update');
call app.isolate_table('app.outbox', 'select, insert');
call app.open_to_platform('app.outbox', 'select, insert, update, delete');
call app.isolate_table('app.usage_counters', 'select, insert, update');

-- Promises an event in the caller's transaction and returns it, so that the function that called
-- can publish it at once; the sweep publishes what nobody did.
create function app.promise_event(p_tenant uuid, p_topic text, p_type text, p_data jsonb)
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid := gen_random_uuid();
  v_event jsonb := jsonb_build_object(
    'specversion', '1.0',
    'id', v_id,
    'type', p_type,
    'source', 'frontdesk/' || p_topic,
    'time', app.utc(clock_timestamp()),
    'tenant_id', p_tenant,
    'data', p_data);
begin
  insert into app.outbox (tenant_id, id, topic, event) values (p_tenant, v_id, p_topic, v_event);
  return jsonb_build_object('id', v_id, 'topic', p_topic, 'event', v_event);
end
$$;
