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
set jit = off
as $$
declare
  v_access app.access := app.require_role('viewer');
  v_filter app.client_filter := app.read_client_filter(v_access, p_filter);
  v_stages jsonb;
  v_total bigint;
begin
  -- One index-only scan for each stage, and for each stage and currency that occurs: no row is hashed
  -- and no table is joined. client_values carries the columns that the predicate reads.
  execute format($query$
    with recursive stages as materialized (
      select s.stage, s.position, (select count(*) from app.clients as c where %1$s and c.stage = s.stage) as clients
      from unnest(array['QUOTED', 'NEGOTIATING', 'BOOKED', 'PAID', 'TRAVELLED', 'LOST'])
        with ordinality as s (stage, position)
    ),
    -- The distinct (stage, currency) pairs, found by skipping through the index.
    pairs as (
      (
        select c.stage, c.currency from app.client_values as c
        where c.tenant_id = $1 and c.deleted_at is null
        order by c.stage, c.currency limit 1
      )
      union all
      select following.stage, following.currency
      from pairs as p
      cross join lateral (
        select c.stage, c.currency from app.client_values as c
        where c.tenant_id = $1 and c.deleted_at is null and (c.stage, c.currency) > (p.stage, p.currency)
        order by c.stage, c.currency limit 1
      ) as following
    ),
    sums as materialized (
      select p.stage, p.currency, (
        select sum(c.total_minor)::bigint from app.client_values as c
        where %1$s and c.stage = p.stage and c.currency = p.currency) as total_minor
      from pairs as p
    )
    select
      jsonb_agg(jsonb_build_object(
        'stage', s.stage,
        'count', s.clients,
        'values', (
          select coalesce(jsonb_agg(app.money_json(m.total_minor, m.currency) order by m.currency), '[]')
          from sums as m
          where m.stage = s.stage and m.total_minor is not null)
      ) order by s.position),
      sum(s.clients)
    from stages as s
    $query$, app.client_predicate(v_filter))
  into v_stages, v_total
  using v_access.tenant_id, v_filter.restricted_to, v_filter.stages, v_filter.sources,
        v_filter.consultant_id, v_filter.consultant_name;
  return jsonb_build_object('access', app.access_json(v_access), 'stages', v_stages, 'total', v_total);
end
$$;
call app.publish_function('api.pipeline', 'authenticated', null);
