-- How long conversations are kept. An agency says so; maintenance carries it out, a batch at a time.

alter table app.tenant_settings
  -- When retention was last carried out to its end.
  add column retention_applied_at timestamptz;

-- Agencies that limit how long conversations are kept and whose turn it is: not since p_before. Those
-- that have waited longest come first. Suspended ones count: their data ages all the same.
-- [tenant ids]
create function api.platform_due_retention(p_before timestamptz, p_limit int default 100)
returns jsonb
language sql
stable
security definer
set search_path = ''
as $$
  select coalesce(jsonb_agg(d.tenant_id order by d.retention_applied_at nulls first, d.tenant_id), '[]')
  from (
    select s.tenant_id, s.retention_applied_at
    from app.tenant_settings as s
    join app.tenants as t on t.id = s.tenant_id
    where s.helpdesk ->> 'retention_days' is not null and t.status in ('active', 'suspended')
      and (s.retention_applied_at is null or s.retention_applied_at < p_before)
    order by s.retention_applied_at nulls first, s.tenant_id
    limit least(greatest(coalesce(p_limit, 100), 1), 1000)
  ) as d
$$;

-- Deletes the agency's conversations whose last activity, as of p_now, is longer ago than it keeps them,
-- at most p_limit, the oldest first; and takes the transcript from at most p_limit tickets that were
-- closed longer ago than that. The tickets stay, and those that are not closed keep their transcript.
-- A conversation that is being continued at this moment is left to the next time.
-- {conversations, messages, feedback, transcripts, more}; more says that there may be others.
create function api.platform_apply_retention(
  p_tenant uuid, p_now timestamptz default now(), p_limit int default 500
)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_limit int := least(greatest(coalesce(p_limit, 500), 1), 5000);
  v_days int;
  v_before timestamptz;
  v_conversations uuid[];
  v_ticket app.tickets;
  v_transcripts int := 0;
  v_deleted jsonb;
  v_more boolean;
begin
  perform app.enter_tenant(p_tenant);
  select (s.helpdesk ->> 'retention_days')::int into v_days
  from app.tenant_settings as s where s.tenant_id = p_tenant;
  if v_days is null then
    return '{"conversations": 0, "messages": 0, "feedback": 0, "transcripts": 0, "more": false}';
  end if;
  v_before := p_now - make_interval(days => v_days);

  v_conversations := array(
    select c.id from app.conversations as c
    where c.tenant_id = p_tenant and c.updated_at < v_before
    order by c.updated_at, c.id
    limit v_limit
    for update skip locked);
  v_deleted := app.delete_conversations(p_tenant, v_conversations);

  for v_ticket in
    select t.* from app.tickets as t
    join app.ticket_transcripts as s on s.tenant_id = t.tenant_id and s.ticket_id = t.id
    where t.tenant_id = p_tenant and t.closed_at < v_before
    order by t.closed_at, t.id
    limit v_limit
    for update of t skip locked
  loop
    delete from app.ticket_transcripts as s where s.tenant_id = p_tenant and s.ticket_id = v_ticket.id;
    perform app.add_ticket_event(v_ticket, null, 'transcript_removed', 'public');
    v_transcripts := v_transcripts + 1;
  end loop;

  v_more := cardinality(v_conversations) = v_limit or v_transcripts = v_limit;
  if not v_more then
    update app.tenant_settings as s set retention_applied_at = p_now where s.tenant_id = p_tenant;
  end if;
  if cardinality(v_conversations) + v_transcripts > 0 then
    perform app.write_audit(
      p_tenant, 'platform', 'maintenance', 'retention.applied', p_tenant, '{}',
      v_deleted || jsonb_build_object('transcripts', v_transcripts, 'retention_days', v_days));
  end if;
  return v_deleted || jsonb_build_object('transcripts', v_transcripts, 'more', v_more);
end
$$;

call app.publish_function('api.platform_due_retention', 'service_role', 'frontdesk_platform');
call app.publish_function('api.platform_apply_retention', 'service_role');
