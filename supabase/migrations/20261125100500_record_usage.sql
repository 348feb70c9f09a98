-- What a question costs is counted also when nobody waited for its answer. And no single count can
-- spend a day: counts come in by functions that a user may call as they like.

-- As before; a question costs at most so much that the largest prompt and answer fit several times.
create or replace function app.count_usage(p_tenant uuid, p_metric text, p_period date, p_amount bigint)
returns void
language sql
set search_path = ''
as $$
  insert into app.usage_counters as u (tenant_id, metric, period, used)
  values (
    p_tenant, p_metric, p_period,
    case
      when p_metric in ('llm_prompt_tokens', 'llm_completion_tokens') then least(p_amount, 50000)
      when p_metric = 'llm_cost_micros' then least(p_amount, 50000000)
      else p_amount
    end)
  on conflict (tenant_id, metric, period) do update
  set used = u.used + excluded.used, updated_at = now()
$$;

-- As before, and null when there is no limit: greatest leaves nulls out.
create or replace function app.llm_tokens_left(p_tenant uuid)
returns bigint
language sql
stable
set search_path = ''
as $$
  select case when a.allowance is not null then greatest(0, a.allowance - coalesce((
    select sum(u.used)::bigint
    from app.usage_counters as u
    where u.tenant_id = p_tenant and u.metric in ('llm_prompt_tokens', 'llm_completion_tokens')
      and u.period = app.tenant_today(p_tenant)), 0)) end
  from (select app.llm_tokens_per_day(p_tenant) as allowance) as a
$$;

-- Counts for the agency's day what the language model cost without an answer that is stored.
-- p_usage: {prompt_tokens, completion_tokens, cost_micros}. Reply data: {tokens_left}. It carries no
-- Idempotency-Key: the question may be asked again under its own.
create function api.record_usage(p_usage jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_today date := app.tenant_today(v_access.tenant_id);
  v_metric text;
begin
  foreach v_metric in array array['prompt_tokens', 'completion_tokens', 'cost_micros'] loop
    if coalesce(p_usage ->> v_metric, '') !~ '^[0-9]{1,9}$' then
      perform app.invalid('usage', 'holds three whole numbers of at most nine digits');
    end if;
  end loop;
  foreach v_metric in array array['prompt_tokens', 'completion_tokens', 'cost_micros'] loop
    perform app.count_usage(
      v_access.tenant_id, 'llm_' || v_metric, v_today, (p_usage ->> v_metric)::bigint);
  end loop;
  return jsonb_build_object('tokens_left', app.llm_tokens_left(v_access.tenant_id));
end
$$;

call app.publish_function('api.record_usage', 'authenticated');
