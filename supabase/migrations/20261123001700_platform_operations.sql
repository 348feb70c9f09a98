-- The provisioner's side: lease an operation, record its steps, finish it or give it back.

-- Leases the tenant's oldest open operation when it is due and nobody holds it. One at a time: while
-- the oldest is leased or waiting, younger ones wait. Null when there is nothing to do.
create function api.platform_lease_operation(p_tenant uuid, p_worker text, p_lease_seconds int)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_operation app.operations;
  v_now timestamptz := clock_timestamp();
begin
  if p_lease_seconds is null or p_lease_seconds not between 1 and 3600 then
    perform app.invalid('lease_seconds', 'must be between 1 and 3600');
  end if;
  select * into v_operation
  from app.operations as o
  where o.tenant_id = p_tenant and o.state in ('pending', 'running')
  order by o.created_at, o.id
  limit 1
  for update;
  if not found or v_operation.run_after > v_now or v_operation.leased_until > v_now then
    return null;
  end if;
  update app.operations as o
  set state = 'running', attempts = o.attempts + 1, leased_by = p_worker,
      leased_until = v_now + make_interval(secs => p_lease_seconds), lease_seconds = p_lease_seconds,
      updated_at = now()
  where o.tenant_id = p_tenant and o.id = v_operation.id
  returning * into v_operation;
  return app.operation_json(v_operation) || jsonb_build_object(
    'tenant', (select app.tenant_json(t) from app.tenants as t where t.id = p_tenant));
end
$$;

-- The operation that this worker holds by a live lease; raises conflict when it holds none, so that a
-- worker whose lease ran out cannot write over its successor.
create function app.held_operation(p_operation uuid, p_worker text)
returns app.operations
language plpgsql
set search_path = ''
as $$
declare
  v_operation app.operations;
begin
  select * into v_operation
  from app.operations as o
  where o.id = p_operation and o.state = 'running' and o.leased_by = p_worker
    and o.leased_until > clock_timestamp()
  for update;
  if not found then
    perform app.fail(409, 'conflict', 'This worker does not hold the operation any more.');
  end if;
  return v_operation;
end
$$;

-- Records a step (running, succeeded, failed) and renews the lease. Returns the operation.
create function api.platform_record_step(
  p_operation uuid, p_worker text, p_step text, p_state text, p_error text default null
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_operation app.operations := app.held_operation(p_operation, p_worker);
begin
  insert into app.operation_steps as s (tenant_id, operation_id, step, state, error, finished_at)
  values (
    v_operation.tenant_id, p_operation, p_step, p_state, left(p_error, 2000),
    case when p_state <> 'running' then clock_timestamp() end)
  on conflict (tenant_id, operation_id, step) do update
  set state = excluded.state,
      error = excluded.error,
      attempts = s.attempts + case when excluded.state = 'running' then 1 else 0 end,
      finished_at = excluded.finished_at;
  update app.operations as o
  set leased_until = clock_timestamp() + make_interval(secs => o.lease_seconds), updated_at = now()
  where o.tenant_id = v_operation.tenant_id and o.id = p_operation
  returning * into v_operation;
  return app.operation_json(v_operation);
end
$$;

-- Ends an operation (succeeded or failed). A 'create' that succeeds makes the tenant active, one that
-- fails leaves it failed, with the reason. Returns the operation.
create function api.platform_finish_operation(
  p_operation uuid, p_worker text, p_state text, p_reason text default null
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_operation app.operations := app.held_operation(p_operation, p_worker);
begin
  if p_state is null or p_state not in ('succeeded', 'failed') then
    perform app.invalid('state', 'must be succeeded or failed');
  end if;
  update app.operations as o
  set state = p_state, last_error = case p_state when 'failed' then left(p_reason, 2000) end,
      leased_by = null, leased_until = null, finished_at = clock_timestamp(), updated_at = now()
  where o.tenant_id = v_operation.tenant_id and o.id = p_operation
  returning * into v_operation;
  if v_operation.kind = 'create' then
    update app.tenants as t
    set status = case p_state when 'succeeded' then 'active' else 'failed' end,
        status_reason = case p_state when 'failed' then left(p_reason, 2000) end,
        updated_at = now()
    where t.id = v_operation.tenant_id and t.status in ('provisioning', 'failed');
  end if;
  perform app.write_audit(
    v_operation.tenant_id, 'platform', p_worker, 'operation.' || p_state, p_operation, '{}',
    jsonb_build_object('kind', v_operation.kind, 'attempts', v_operation.attempts));
  return app.operation_json(v_operation);
end
$$;

-- Gives an operation back to be tried again at p_retry_at (now when null). Returns the operation.
create function api.platform_release_operation(
  p_operation uuid, p_worker text, p_error text default null, p_retry_at timestamptz default null
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_operation app.operations := app.held_operation(p_operation, p_worker);
begin
  update app.operations as o
  set state = 'pending', last_error = left(p_error, 2000), leased_by = null, leased_until = null,
      run_after = coalesce(p_retry_at, clock_timestamp()), updated_at = now()
  where o.tenant_id = v_operation.tenant_id and o.id = p_operation
  returning * into v_operation;
  return app.operation_json(v_operation);
end
$$;

call app.publish_function('api.platform_lease_operation', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_record_step', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_finish_operation', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_release_operation', 'service_role', 'frontdesk_platform');
