-- Publishing what commands promised, and sweeping up after crashes.

-- Claims unpublished events, oldest first, for p_lease_seconds; skips what another publisher holds.
-- [{id, tenant_id, topic, event, attempts}]
create function api.platform_claim_outbox(p_limit int, p_worker text, p_lease_seconds int)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_events jsonb;
begin
  with due as (
    select o.tenant_id, o.id
    from app.outbox as o
    where o.published_at is null
      and (o.claimed_until is null or o.claimed_until <= clock_timestamp())
    order by o.created_at, o.id
    limit least(greatest(coalesce(p_limit, 100), 1), 1000)
    for update skip locked
  ),
  claimed as (
    update app.outbox as o
    set claimed_by = p_worker, attempts = o.attempts + 1,
        claimed_until = clock_timestamp() + make_interval(secs => greatest(coalesce(p_lease_seconds, 60), 1))
    from due
    where o.tenant_id = due.tenant_id and o.id = due.id
    returning o.*
  )
  select coalesce(jsonb_agg(jsonb_build_object(
      'id', c.id, 'tenant_id', c.tenant_id, 'topic', c.topic, 'event', c.event, 'attempts', c.attempts
    ) order by c.created_at, c.id), '[]')
  into v_events
  from claimed as c;
  return v_events;
end
$$;

-- Marks events as published; returns how many were not yet.
create function api.platform_mark_published(p_ids uuid[])
returns int
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_count int;
begin
  update app.outbox as o
  set published_at = clock_timestamp(), claimed_by = null, claimed_until = null
  where o.id = any (p_ids) and o.published_at is null;
  get diagnostics v_count = row_count;
  return v_count;
end
$$;

-- Housekeeping as of p_now: nudges every tenant whose oldest open operation is due and held by nobody
-- and was not nudged in the last minute; drops expired idempotency keys and events published a week
-- ago. {nudged, keys_purged, events_purged, unpublished}
create function api.platform_sweep(p_now timestamptz default now())
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_nudged int := 0;
  v_keys int;
  v_events int;
  v_operation record;
begin
  for v_operation in
    select distinct on (o.tenant_id) o.tenant_id, o.id, o.run_after, o.leased_until, o.nudged_at
    from app.operations as o
    where o.state in ('pending', 'running')
    order by o.tenant_id, o.created_at, o.id
  loop
    continue when v_operation.run_after > p_now
      or v_operation.leased_until > p_now
      or v_operation.nudged_at > p_now - interval '1 minute';
    update app.operations as o
    set nudged_at = p_now
    where o.tenant_id = v_operation.tenant_id and o.id = v_operation.id;
    perform app.nudge_operation(v_operation.tenant_id, v_operation.id);
    v_nudged := v_nudged + 1;
  end loop;

  delete from app.idempotency_keys as k where k.expires_at <= p_now;
  get diagnostics v_keys = row_count;
  delete from app.outbox as o where o.published_at < p_now - interval '7 days';
  get diagnostics v_events = row_count;
  return jsonb_build_object(
    'nudged', v_nudged, 'keys_purged', v_keys, 'events_purged', v_events,
    'unpublished', (select count(*) from app.outbox as o where o.published_at is null));
end
$$;

call app.publish_function('api.platform_claim_outbox', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_mark_published', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_sweep', 'service_role', 'frontdesk_platform');
