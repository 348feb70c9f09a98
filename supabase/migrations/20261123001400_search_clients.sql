-- Client search: one function, one round trip.
--
-- security definer and owned by the migration role, which bypasses row-level security: trigram and
-- LIKE operators are not leakproof, so under a policy the planner would not use their indexes. The
-- tenant and visibility predicates come first in every statement, and a null tenant raises.
--
-- Every word must occur somewhere in a client; only when no client has them all are near spellings
-- offered. Results come in tiers, and a cursor says in which tier the page ended:
--   exact     name, e-mail, phone or number is the query           (relevance only)
--   prefix    the name starts with it                              (relevance only)
--   contains  every word occurs
--   near      every word is close to one that occurs
--   far       the same, less close; asked for only when nothing is near

-- One tier: what its rows have in common and how they are ordered.
create type app.search_tier as (
  name text,
  -- The predicate to gather by, through an index of its own; null when the tier is only walked.
  indexed text,
  -- The predicate to walk with; null when the tier is only gathered.
  plain text,
  key text,
  key_type text,
  direction text,
  -- The most matches that are gathered.
  cap int,
  -- The least word similarity of a near spelling.
  threshold text
);

-- The tiers of a search in their order. p_narrow: the filter leaves few enough clients to read them
-- one by one.
create function app.search_tiers(p_terms app.search_terms, p_sort text, p_narrow bool)
returns app.search_tier[]
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_exact constant text :=
    '(c.name_key = $9 or c.email_normal = $9 or c.phone_e164 = $9 or c.number = upper($9))';
  v_prefix constant text := 'c.name_key like $10';
  v_rest text := '';
  v_tiers app.search_tier[] := '{}';
  v_tier app.search_tier;
begin
  v_tier.key := case p_sort
    when 'name' then 'c.name_key' when 'created' then 'c.created_at' else 'c.last_activity_at' end;
  v_tier.key_type := case p_sort when 'name' then 'text' else 'timestamptz' end;
  v_tier.direction := case p_sort when 'name' then 'asc' else 'desc' end;
  if p_terms.folded is null then
    v_tier.name := 'all';
    v_tier.plain := 'true';
    return array[v_tier];
  end if;

  if p_sort = 'relevance' then
    v_tier.name := 'exact';
    v_tier.plain := v_exact;
    v_tiers := array[
      v_tier,
      ('prefix', null, v_prefix || ' and ' || v_exact || ' is not true', 'c.name_key', 'text', 'asc',
       null, null)::app.search_tier];
    v_rest := ' and ' || v_exact || ' is not true and ' || v_prefix || ' is not true';
  end if;

  v_tier.name := 'contains';
  v_tier.plain := p_terms.plain || v_rest;
  v_tier.indexed := case when p_narrow then p_terms.plain else p_terms.indexed end || v_rest;
  -- A search for a name, sorted by name: the matches lie together, far from the beginning.
  v_tier.cap := case p_sort when 'name' then 6000 else 2000 end;
  v_tiers := v_tiers || v_tier;

  if p_terms.near is not null then
    if p_sort = 'relevance' then
      v_tier.key := 'round(extensions.word_similarity($9, c.names_text)::numeric, 4)';
      v_tier.key_type := 'numeric';
    end if;
    v_tier.indexed := p_terms.near;
    v_tier.plain := null;
    -- Of a name that is common and misspelt, these many are as good as any.
    v_tier.cap := 300;
    v_tier.name := 'near';
    v_tier.threshold := '0.6';
    v_tiers := v_tiers || v_tier;
    v_tier.name := 'far';
    v_tier.threshold := '0.4';
    v_tiers := v_tiers || v_tier;
  end if;
  return v_tiers;
end
$$;

-- The first p_limit rows of a tier, after the cursor when the page before ended in this tier.
--   gather  collects the matches through their own index, at most the tier's cap, and sorts those:
--           right when few match, or when they all lie at one end of the order. matches counts them.
--   walk    reads the order's index until the page is full: right when many rows match
create function app.read_tier(
  p_access app.access, p_filter app.client_filter, p_terms app.search_terms, p_tier app.search_tier,
  p_gather bool, p_limit int, p_after jsonb, out ids uuid[], out keys text[], out matches bigint
)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_after text := case when p_after ->> 'tier' = p_tier.name then format(
    '(%%s, %%s) %s ($11::%s, $12)', case p_tier.direction when 'asc' then '>' else '<' end, p_tier.key_type)
    else 'true' end;
begin
  execute format(
    case when p_gather then
      'with hits as materialized ('
      'select c.id, %1$s as key from app.clients as c where %2$s and %3$s limit $14) '
      'select array_agg(p.id), array_agg(p.key::text), (select count(*) from hits) from ('
      'select h.id, h.key from hits as h where %4$s order by h.key %6$s, h.id %6$s limit $13) as p'
    else
      'select array_agg(p.id), array_agg(p.key::text), null from ('
      'select c.id, %1$s as key from app.clients as c '
      'where %2$s and %3$s and %5$s order by %1$s %6$s, c.id %6$s limit $13) as p'
    end,
    p_tier.key, app.client_predicate(p_filter),
    case when p_gather then p_tier.indexed else p_tier.plain end,
    format(v_after, 'h.key', 'h.id'), format(v_after, p_tier.key, 'c.id'), p_tier.direction)
  into ids, keys, matches
  using
    p_access.tenant_id, p_filter.restricted_to, p_filter.stages, p_filter.sources,
    p_filter.consultant_id, p_filter.consultant_name,
    array(select '%' || app.like_literal(w) || '%' from unnest(p_terms.words) as w),
    p_terms.words, p_terms.folded, app.like_literal(p_terms.folded) || '%',
    p_after ->> 'key', app.uuid_or_null(p_after ->> 'id'), p_limit, p_tier.cap;
end
$$;

-- What a page of hits needs to be drawn and continued.
create type app.search_hits as (
  ids uuid[],
  last_tier text,
  last_key text,
  more boolean
);

-- The next p_limit hits after a cursor, tier by tier.
create function app.find_clients(
  p_access app.access, p_filter app.client_filter, p_terms app.search_terms,
  p_sort text, p_limit int, p_after jsonb
)
returns app.search_hits
language plpgsql
stable
set search_path = ''
as $$
declare
  v_hits app.search_hits := row('{}'::uuid[], null, null, false);
  v_tier app.search_tier;
  v_reached bool := p_after is null;
  v_wanted int;
  v_read record;
begin
  foreach v_tier in array app.search_tiers(
    p_terms, p_sort, coalesce(p_filter.consultant_id, p_filter.restricted_to) is not null)
  loop
    v_reached := v_reached or p_after ->> 'tier' = v_tier.name;
    continue when not v_reached;
    -- Near spellings are an answer of their own, never a tail behind literal matches.
    exit when v_tier.threshold is not null and p_after ->> 'tier' is distinct from v_tier.name
      and (cardinality(v_hits.ids) > 0 or p_after is not null);

    -- One more than the page holds says whether there is another page.
    v_wanted := p_limit + 1 - cardinality(v_hits.ids);
    if v_tier.threshold is not null then
      perform set_config('pg_trgm.word_similarity_threshold', v_tier.threshold, true);
    end if;
    v_read := app.read_tier(
      p_access, p_filter, p_terms, v_tier, v_tier.indexed is not null, v_wanted, p_after);
    if v_read.matches >= v_tier.cap and v_tier.plain is not null then
      -- Too many to gather: so many that walking the order soon fills the page.
      v_read := app.read_tier(p_access, p_filter, p_terms, v_tier, false, v_wanted, p_after);
    end if;
    continue when v_read.ids is null;

    v_hits.more := cardinality(v_read.ids) = v_wanted;
    v_hits.ids := (v_hits.ids || v_read.ids)[:p_limit];
    -- When the row beyond the page is the first of its tier, the page ended in the tier before.
    if not v_hits.more or v_wanted > 1 then
      v_hits.last_tier := v_tier.name;
      v_hits.last_key := v_read.keys[least(v_wanted - 1, cardinality(v_read.keys))];
    end if;
    exit when v_hits.more;
  end loop;
  if not coalesce(v_reached, false) then
    perform app.fail(400, 'invalid_cursor', 'This cursor does not belong to this list.');
  end if;
  return v_hits;
end
$$;

-- p_filter as in app.read_client_filter; p_sort relevance, name, created or last_activity; p_after is
-- the `next` of the page before. {access, rows: […], next}; next is null on the last page.
create function api.search_clients(
  p_query text default null,
  p_filter jsonb default '{}',
  p_sort text default 'relevance',
  p_limit int default 25,
  p_after jsonb default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
set jit = off
-- Trigram operators are costed as if they were free, and some searches would read the whole table.
set enable_seqscan = off
as $$
declare
  v_access app.access := app.require_role('viewer');
  v_filter app.client_filter := app.read_client_filter(v_access, p_filter);
  v_terms app.search_terms := app.read_search_terms(p_query);
  v_hits app.search_hits;
  v_rows jsonb;
begin
  if p_sort not in ('relevance', 'name', 'created', 'last_activity') or p_sort is null then
    perform app.invalid('sort', 'must be relevance, name, created or last_activity');
  end if;
  if p_limit not between 1 and 100 or p_limit is null then
    perform app.invalid('limit', 'must be between 1 and 100');
  end if;
  v_hits := app.find_clients(v_access, v_filter, v_terms, p_sort, p_limit, p_after);

  -- Only the page's rows are joined with what hangs on them.
  select coalesce(jsonb_agg(app.client_json(c) || jsonb_build_object(
      'last_activity', a.activity,
      'latest_quote', q.quote,
      'values', coalesce(v.totals, '[]'),
      'matched', app.matched_field(c, v_terms.words[1])
    ) order by h.position), '[]')
  into v_rows
  from unnest(v_hits.ids) with ordinality as h (id, position)
  join app.clients as c on c.tenant_id = v_access.tenant_id and c.id = h.id
  left join lateral (
    select jsonb_build_object(
      'type', a.type, 'description', a.description, 'occurred_at', app.utc(a.occurred_at)) as activity
    from app.activities as a
    where a.tenant_id = v_access.tenant_id and a.client_id = c.id
    order by a.occurred_at desc, a.id desc
    limit 1
  ) as a on true
  left join lateral (
    select jsonb_build_object(
      'id', q.id, 'number', q.number, 'status', q.status,
      'total', app.money_json(q.total_minor, q.currency), 'destination', q.destination) as quote
    from app.quotes as q
    where q.tenant_id = v_access.tenant_id and q.client_id = c.id and q.deleted_at is null
    order by q.created_at desc, q.id desc
    limit 1
  ) as q on true
  left join lateral (
    select jsonb_agg(app.money_json(v.total_minor, v.currency) order by v.currency) as totals
    from app.client_values as v
    where v.tenant_id = v_access.tenant_id and v.client_id = c.id
  ) as v on true;

  return jsonb_build_object(
    'access', app.access_json(v_access),
    'rows', v_rows,
    'next', case when v_hits.more then jsonb_build_object(
      'tier', v_hits.last_tier, 'key', v_hits.last_key, 'id', v_hits.ids[cardinality(v_hits.ids)]) end);
end
$$;
call app.publish_function('api.search_clients', 'authenticated', null);
