-- One round trip before an answer: who asks, what was said before, what the agency has set, and how
-- many tokens it may still spend today. One after it, which counts what the model cost.

-- {query_terms?: {query type: [term]}, retention_days?: int or null}
alter table app.tenant_settings
  add column helpdesk jsonb not null default '{}' check (jsonb_typeof(helpdesk) = 'object');

-- scripted: Frontdesk's own words, a greeting or the offer of a colleague.
alter table app.messages drop constraint messages_mode_check;
alter table app.messages add constraint messages_mode_check
  check (mode in ('generated', 'extractive', 'no_answer', 'scripted'));
alter table app.messages
  add column prompt_tokens int check (prompt_tokens >= 0),
  add column completion_tokens int check (completion_tokens >= 0),
  add column cost_micros bigint check (cost_micros >= 0);

-- Today in the tenant's time zone, which is where a day's allowance begins and ends.
create function app.tenant_today(p_tenant uuid)
returns date
language sql
stable
set search_path = ''
as $$
  select (now() at time zone coalesce(
    (select s.time_zone from app.tenant_settings as s where s.tenant_id = p_tenant), 'UTC'))::date
$$;

-- Tokens of the language model that an agency may use a day: its own quota, or its plan's. Null when
-- there is no limit.
create function app.llm_tokens_per_day(p_tenant uuid)
returns bigint
language sql
stable
set search_path = ''
as $$
  select nullif(coalesce(
    (select (s.quotas ->> 'llm_tokens_per_day')::bigint
     from app.tenant_settings as s where s.tenant_id = p_tenant),
    (select case t.plan when 'enterprise' then 20000000 when 'pro' then 2000000 else 200000 end
     from app.tenants as t where t.id = p_tenant)), -1)
$$;

create function app.count_usage(p_tenant uuid, p_metric text, p_period date, p_amount bigint)
returns void
language sql
set search_path = ''
as $$
  insert into app.usage_counters as u (tenant_id, metric, period, used)
  values (p_tenant, p_metric, p_period, p_amount)
  on conflict (tenant_id, metric, period) do update
  set used = u.used + excluded.used, updated_at = now()
$$;

-- What is left of today's tokens, never negative; null when there is no limit. Answers under way are
-- counted when they are stored.
create function app.llm_tokens_left(p_tenant uuid)
returns bigint
language sql
stable
set search_path = ''
as $$
  select greatest(0, app.llm_tokens_per_day(p_tenant) - coalesce((
    select sum(u.used)::bigint
    from app.usage_counters as u
    where u.tenant_id = p_tenant and u.metric in ('llm_prompt_tokens', 'llm_completion_tokens')
      and u.period = app.tenant_today(p_tenant)), 0))
$$;

-- {access, answer, history: [{role, text, mode}], query_terms, tokens_left, index_version}. answer is the one that
-- this Idempotency-Key got before, as api.find_answer gives it, or null. history is the end of the
-- caller's own conversation, empty when it is new; a colleague's may be read but not continued:
-- not_found.
create function api.begin_answer(p_conversation uuid default null, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_owner uuid;
begin
  select c.user_id into v_owner
  from app.conversations as c
  where c.tenant_id = v_access.tenant_id and c.id = p_conversation;
  if v_owner <> v_access.user_id then
    perform app.fail(404, 'not_found', 'There is no such conversation.');
  end if;
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'answer', (
      select jsonb_build_object(
        'conversation_id', m.conversation_id, 'id', m.id, 'text', m.text, 'mode', m.mode,
        'degraded', m.degraded, 'degraded_reason', m.degraded_reason, 'query_type', m.query_type,
        'citations', m.citations, 'timings', m.timings)
      from app.messages as m
      where m.tenant_id = v_access.tenant_id
        and m.id = app.uuid_or_null(v_replay #>> '{data,answer_id}')),
    'history', (
      select coalesce(jsonb_agg(jsonb_build_object('role', m.role, 'text', m.text, 'mode', m.mode)
        order by m.position), '[]')
      from (
        select * from app.messages as m
        where m.tenant_id = v_access.tenant_id and m.conversation_id = p_conversation
        order by m.position desc
        limit 20
      ) as m),
    'query_terms', coalesce((
      select s.helpdesk -> 'query_terms'
      from app.tenant_settings as s where s.tenant_id = v_access.tenant_id), '{}'),
    'tokens_left', app.llm_tokens_left(v_access.tenant_id),
    'index_version', (select t.index_version from app.tenants as t where t.id = v_access.tenant_id));
end
$$;

-- As before (p_answer: {conversation_id, question_id, answer_id, question, answer, mode, degraded?,
-- degraded_reason?, query_type?, citations?, timings?, title?}), and p_answer.usage?: {prompt_tokens,
-- completion_tokens, cost_micros}, counted for the agency's day. Reply data: {conversation_id,
-- question_id, answer_id, position}. 201.
create or replace function api.record_answer(p_answer jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_conversation uuid;
  v_question uuid;
  v_answer uuid;
  v_owner uuid;
  v_position int;
  v_usage jsonb := p_answer -> 'usage';
  v_today date := app.tenant_today(v_access.tenant_id);
  v_metric text;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_conversation := app.require_uuid(p_answer, 'conversation_id');
  v_question := coalesce(app.uuid_or_null(p_answer ->> 'question_id'), gen_random_uuid());
  v_answer := app.require_uuid(p_answer, 'answer_id');
  if app.text_of(p_answer, 'mode') is null
    or app.text_of(p_answer, 'mode') not in ('generated', 'extractive', 'no_answer', 'scripted') then
    perform app.invalid('mode', 'must be generated, extractive, no_answer or scripted');
  end if;
  foreach v_metric in array array['prompt_tokens', 'completion_tokens', 'cost_micros'] loop
    if coalesce(v_usage ->> v_metric, '0') !~ '^[0-9]{1,9}$' then
      perform app.invalid('usage', 'holds whole numbers of at most nine digits');
    end if;
  end loop;

  insert into app.conversations as c (tenant_id, id, user_id, channel, title)
  values (
    v_access.tenant_id, v_conversation, v_access.user_id,
    case v_access.role when 'visitor' then 'website' else 'staff' end,
    left(coalesce(app.text_of(p_answer, 'title'), app.require_text(p_answer, 'question', 20000)), 200))
  -- The update locks the row: two answers to one conversation take their places one after the other.
  on conflict (tenant_id, id) do update set updated_at = now()
  returning c.user_id into v_owner;
  if v_owner <> v_access.user_id then
    perform app.fail(404, 'not_found', 'There is no such conversation.');
  end if;

  select coalesce(max(m.position), 0) into v_position
  from app.messages as m
  where m.tenant_id = v_access.tenant_id and m.conversation_id = v_conversation;
  begin
    insert into app.messages (tenant_id, id, conversation_id, position, role, text)
    values (
      v_access.tenant_id, v_question, v_conversation, v_position + 1, 'user',
      app.require_text(p_answer, 'question', 20000));
    insert into app.messages (
      tenant_id, id, conversation_id, position, role, text, mode, degraded, degraded_reason,
      query_type, citations, timings, prompt_tokens, completion_tokens, cost_micros)
    values (
      v_access.tenant_id, v_answer, v_conversation, v_position + 2, 'assistant',
      app.require_text(p_answer, 'answer', 20000), app.text_of(p_answer, 'mode'),
      coalesce((p_answer ->> 'degraded')::boolean, false), app.text_of(p_answer, 'degraded_reason'),
      app.text_of(p_answer, 'query_type'), coalesce(p_answer -> 'citations', '[]'),
      coalesce(p_answer -> 'timings', '{}'), (v_usage ->> 'prompt_tokens')::int,
      (v_usage ->> 'completion_tokens')::int, (v_usage ->> 'cost_micros')::bigint);
  exception when unique_violation then
    perform app.fail(409, 'conflict', 'This answer was recorded already.', '{"field": "answer_id"}');
  end;
  foreach v_metric in array array['prompt_tokens', 'completion_tokens', 'cost_micros'] loop
    if coalesce((v_usage ->> v_metric)::bigint, 0) > 0 then
      perform app.count_usage(
        v_access.tenant_id, 'llm_' || v_metric, v_today, (v_usage ->> v_metric)::bigint);
    end if;
  end loop;
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 201,
    jsonb_build_object(
      'conversation_id', v_conversation, 'question_id', v_question, 'answer_id', v_answer,
      'position', v_position + 2));
end
$$;

-- What the language model cost, by day, the newest first: {access, tokens_per_day, tokens_left, today,
-- days: [{day, prompt_tokens, completion_tokens, cost_micros}]}; the last p_days days.
create function api.read_usage(p_days int default 31)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('owner');
  v_today date := app.tenant_today(v_access.tenant_id);
begin
  if p_days is null or p_days not between 1 and 366 then
    perform app.invalid('days', 'must be between 1 and 366');
  end if;
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'tokens_per_day', app.llm_tokens_per_day(v_access.tenant_id),
    'tokens_left', app.llm_tokens_left(v_access.tenant_id),
    'today', v_today,
    'days', (
      select coalesce(jsonb_agg(jsonb_build_object(
          'day', d.period, 'prompt_tokens', d.prompt_tokens,
          'completion_tokens', d.completion_tokens, 'cost_micros', d.cost_micros
        ) order by d.period desc), '[]')
      from (
        select u.period,
          coalesce(sum(u.used) filter (where u.metric = 'llm_prompt_tokens'), 0) as prompt_tokens,
          coalesce(sum(u.used) filter (where u.metric = 'llm_completion_tokens'), 0) as completion_tokens,
          coalesce(sum(u.used) filter (where u.metric = 'llm_cost_micros'), 0) as cost_micros
        from app.usage_counters as u
        where u.tenant_id = v_access.tenant_id and u.period > v_today - p_days
          and u.metric in ('llm_prompt_tokens', 'llm_completion_tokens', 'llm_cost_micros')
        group by u.period
      ) as d));
end
$$;

call app.publish_function('api.begin_answer', 'authenticated');
call app.publish_function('api.read_usage', 'authenticated');
