-- The sales pipeline, aggregated where the rows are.

-- p_filter: {consultant?, source?}. {access, stages: [{stage, count, values: [money]}], total}; every
-- stage appears, in the order of the pipeline; sums never cross currencies.
--
-- security definer owned by the migration role, as in search: under row-level security the planner
-- re-checks 100,000 rows. Tenant and visibility predicates come first, a null tenant raises.
create function api.pipeline(p_filter jsonb default '{}')
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('viewer');
  v_filter app.client_filter := app.read_client_filter(v_access, p_filter);
  v_stages jsonb;
  v_total bigint;
begin
  execute format($query$
    with counts as (
      select c.stage, count(*) as clients
      from app.clients as c
      where %1$s
      group by c.stage
    ),
    sums as (
      select c.stage, v.currency, sum(v.total_minor)::bigint as total_minor
      from app.clients as c
      join app.client_values as v on v.tenant_id = $1 and v.client_id = c.id
      where %1$s
      group by c.stage, v.currency
    )
    select
      jsonb_agg(jsonb_build_object(
        'stage', s.stage,
        'count', coalesce(n.clients, 0),
        'values', (
          select coalesce(jsonb_agg(app.money_json(m.total_minor, m.currency) order by m.currency), '[]')
          from sums as m
          where m.stage = s.stage)
      ) order by s.position),
      coalesce(sum(n.clients), 0)
    from unnest(array['QUOTED', 'NEGOTIATING', 'BOOKED', 'PAID', 'TRAVELLED', 'LOST'])
      with ordinality as s (stage, position)
    left join counts as n on n.stage = s.stage
    $query$, app.client_predicate(v_filter))
  into v_stages, v_total
  using v_access.tenant_id, v_filter.restricted_to, v_filter.stages, v_filter.sources,
        v_filter.consultant_id, v_filter.consultant_name;
  return jsonb_build_object('access', app.access_json(v_access), 'stages', v_stages, 'total', v_total);
end
$$;
call app.publish_function('api.pipeline', 'authenticated', null);
