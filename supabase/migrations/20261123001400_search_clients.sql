-- Client search: one function, one round trip.
--
-- security definer and owned by the migration role, which bypasses row-level security: trigram and
-- LIKE operators are not leakproof, so under a policy the planner would not use their indexes. The
-- tenant and visibility predicates come first in every statement, and a null tenant raises.
--
-- What is looked for is folded as the index is (app.fold). Every word must occur somewhere in a
-- client; only when no client has them all are near spellings offered. Results come in tiers, and a
-- cursor says in which tier the page ended:
--   exact     name, e-mail, phone or number is the query           (relevance only)
--   prefix    the name starts with it                              (relevance only)
--   contains  every word occurs
--   near      every word is close to one that occurs
--   far       the same, less close; asked for only when nothing is near

-- The query as search sees it.
create type app.search_terms as (
  folded text,
  number text,
  phone text,
  words text[],
  indexed text,
  plain text
);

-- The pieces of a word that stand in the index wherever the word occurs: marks and foreign characters.
-- (The ASCII letters of a word count only where a word begins.)
create function app.marks_of(p_word text)
returns text[]
language sql
immutable parallel safe
set search_path = ''
as $$ select array(select piece from unnest(app.short_pieces(p_word)) as piece where piece !~ '^[a-z0-9]+$') $$;

-- Takes a query apart. indexed and plain are the same predicate over app.clients as c, with $7 the
-- words as LIKE patterns and $8 the words themselves: the one for reading an index of its own, the
-- other, cheap to evaluate, for filtering rows that come in another order.
create function app.read_search_terms(p_query text)
returns app.search_terms
language plpgsql
stable
set search_path = ''
as $$
declare
  v_terms app.search_terms;
  v_digits text := ltrim(regexp_replace(p_query, '[^0-9]', '', 'g'), '0');
begin
  if length(p_query) > 200 then
    perform app.invalid('query', 'has at most 200 characters');
  end if;
  v_terms.folded := btrim(regexp_replace(app.fold(p_query), '\s+', ' ', 'g'));
  if coalesce(v_terms.folded, '') = '' then
    return null;
  end if;
  v_terms.number := upper(v_terms.folded);
  if v_terms.folded ~ '^[0-9+()/. -]+$' and length(v_digits) >= 3 then
    -- A telephone number, however it is written: one run of digits without the leading zero.
    v_terms.phone := v_digits;
    v_terms.words := array[v_digits];
  else
    v_terms.words := (regexp_split_to_array(v_terms.folded, ' '))[1:8];
  end if;
  select
    string_agg(
      case
        -- Long enough for a trigram: the trigram index answers LIKE.
        when word ~ '[[:alnum:]]{3}' then format('c.search_text like ($7)[%s]', i)
        -- One or two characters that are an entry of the index of short pieces.
        when word ~ '^([a-z0-9]{1,2}|[^\x01-\x7f]{1,2})$' then
          format('app.short_pieces(c.search_text) @> array[($8)[%s]]', i)
        -- Marks and letters mixed: the pieces narrow it down, LIKE decides.
        else format(
          'app.short_pieces(c.search_text) @> app.marks_of(($8)[%1$s]) and c.search_text like ($7)[%1$s]', i)
      end, ' and ' order by i),
    string_agg(
      case
        when word ~ '^[a-z0-9]{1,2}$' then
          format('c.search_text ~ (''(^|[^a-z0-9])'' || ($8)[%s])', i)
        else format('c.search_text like ($7)[%s]', i)
      end, ' and ' order by i)
  into v_terms.indexed, v_terms.plain
  from unnest(v_terms.words) with ordinality as w (word, i);
  return v_terms;
end
$$;

-- The field that matched, for the reader of the list: name, company, email, phone or number. A near
-- spelling is of the name or the company.
create function app.matched_field(p_client app.clients, p_word text)
returns text
language sql
stable
as $$
  select case
    when p_word is null then null
    when strpos(p_client.name_key, p_word) > 0 then 'name'
    when strpos(p_client.email_normal, p_word) > 0 then 'email'
    when strpos(lower(p_client.number), p_word) > 0 then 'number'
    when strpos(app.fold(p_client.company), p_word) > 0 then 'company'
    when strpos(p_client.names_text, p_word) = 0 and strpos(p_client.search_text, p_word) > 0 then 'phone'
    when extensions.word_similarity(p_word, app.fold(p_client.company))
      > greatest(extensions.word_similarity(p_word, p_client.name_key),
                 extensions.word_similarity(p_word, app.fold_expanded(p_client.name))) then 'company'
    else 'name'
  end
$$;

-- What a page of hits needs to be drawn and continued.
create type app.search_hits as (ids uuid[], last_tier text, last_key text, more boolean);

-- The rows of one tier, as SQL with the parameters of app.find_clients.
--   walk    reads a sort order's index until the page is full: right when many rows match
--   gather  collects the matches through their own index, at most $15 of them, and sorts those: right
--           when few match, or when they all lie at one end of the sort order
create function app.tier_query(p_base text, p_tier text, p_key text, p_type text, p_order text, p_after bool, p_gather bool)
returns text
language sql
immutable
as $$
  select format(
    case when p_gather then
      'with hits as materialized (select c.id, %3$s as key from app.clients as c where %1$s and %2$s limit $15) '
      'select array_agg(p.id), array_agg(p.key::text), (select count(*) from hits) from ('
      'select h.id, h.key from hits as h %6$s order by h.key %5$s, h.id %5$s limit $14) as p'
    else
      'select array_agg(p.id), array_agg(p.key::text), 0 from ('
      'select c.id, %3$s as key from app.clients as c '
      'where %1$s and %2$s %7$s order by %3$s %5$s, c.id %5$s limit $14) as p'
    end,
    p_base, p_tier, p_key, p_type, p_order,
    case when p_after then format('where (h.key, h.id) %s ($12::%s, $13)', c.comparison, p_type) end,
    case when p_after then format('and (%s, c.id) %s ($12::%s, $13)', p_key, c.comparison, p_type) end)
  from (select case p_order when 'asc' then '>' else '<' end) as c (comparison)
$$;

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
  v_base text := app.client_predicate(p_filter);
  v_tiers text[] := case
    when p_terms.folded is null then array['all']
    when p_sort = 'relevance' then array['exact', 'prefix', 'contains', 'near', 'far']
    else array['contains', 'near', 'far']
  end;
  v_tier text;
  v_exact constant text :=
    '(c.name_key = $9 or c.email_normal = $9 or c.number = $10 or c.phone_e164 = $9)';
  v_prefix constant text := 'c.name_key like $11';
  v_close text;
  v_predicate text;
  v_key text;
  v_type text;
  v_order text;
  v_continues bool;
  v_gather bool;
  -- One consultant's clients are few enough to be read one by one.
  v_narrow bool := coalesce(p_filter.consultant_id, p_filter.restricted_to) is not null;
  v_cap int;
  v_ids uuid[];
  v_keys text[];
  v_count int;
begin
  if p_after is not null then
    v_tiers := v_tiers[array_position(v_tiers, p_after ->> 'tier'):];
    if v_tiers is null then
      perform app.fail(400, 'invalid_cursor', 'This cursor does not belong to this list.');
    end if;
  end if;
  select string_agg(format('($8)[%s] operator(extensions.<%%) c.names_text', i), ' and ')
  into v_close
  from generate_subscripts(p_terms.words, 1) as i;

  foreach v_tier in array v_tiers loop
    v_continues := coalesce(p_after ->> 'tier' = v_tier, false);
    -- Near spellings are an answer of their own, never a tail behind literal matches.
    exit when v_tier in ('near', 'far') and not v_continues
      and (cardinality(v_hits.ids) > 0 or p_after is not null);

    v_predicate := case v_tier
      when 'all' then 'true'
      when 'exact' then v_exact
      when 'prefix' then v_prefix || ' and ' || v_exact || ' is not true'
      when 'contains' then case when p_sort = 'relevance' then ' and ' || v_exact || ' is not true and ' || v_prefix || ' is not true' else '' end
      else v_close
    end;
    if v_tier in ('near', 'far') and p_sort = 'relevance' then
      v_key := 'round(extensions.word_similarity($9, c.names_text)::numeric, 4)';
      v_type := 'numeric';
      v_order := 'desc';
    elsif p_sort = 'name' or v_tier = 'prefix' then
      v_key := 'c.name_key';
      v_type := 'text';
      v_order := 'asc';
    else
      v_key := case p_sort when 'created' then 'c.created_at' else 'c.last_activity_at' end;
      v_type := 'timestamptz';
      v_order := 'desc';
    end if;

    v_gather := v_tier in ('contains', 'near', 'far');
    v_cap := case
      -- Of a name that is common and misspelt, these many are as good as any.
      when v_tier in ('near', 'far') then 500
      -- A search for a name, sorted by name: the matches lie together, far from the beginning.
      when p_sort = 'name' then 6000
      else 2000
    end;
    if v_tier in ('near', 'far') then
      perform set_config('pg_trgm.word_similarity_threshold', case v_tier when 'near' then '0.6' else '0.4' end, true);
    end if;
    loop
      execute app.tier_query(
        v_base,
        case when v_tier <> 'contains' then v_predicate
          when v_gather and not v_narrow then p_terms.indexed || v_predicate else p_terms.plain || v_predicate end,
        v_key, v_type, v_order, v_continues, v_gather)
      into v_ids, v_keys, v_count
      using
        p_access.tenant_id, p_filter.restricted_to, p_filter.stages, p_filter.sources,
        p_filter.consultant_id, p_filter.consultant_name,
        array(select '%' || app.like_literal(w) || '%' from unnest(p_terms.words) as w),
        p_terms.words, p_terms.folded, p_terms.number, app.like_literal(p_terms.folded) || '%',
        p_after ->> 'key', app.uuid_or_null(p_after ->> 'id'),
        p_limit + 1 - cardinality(v_hits.ids), v_cap;
      exit when v_count < v_cap or v_tier in ('near', 'far');
      -- Too many to gather: so many that walking the order soon fills the page.
      v_gather := false;
      v_cap := v_count + 1;
    end loop;

    if v_ids is not null then
      v_hits.ids := v_hits.ids || v_ids;
      v_hits.more := cardinality(v_hits.ids) > p_limit;
      if v_hits.more then
        -- The row beyond the page may be the first of its tier; then the page ended in the one before.
        if cardinality(v_ids) > 1 then
          v_hits.last_tier := v_tier;
          v_hits.last_key := v_keys[cardinality(v_keys) - 1];
        end if;
        v_hits.ids := v_hits.ids[:p_limit];
        return v_hits;
      end if;
      v_hits.last_tier := v_tier;
      v_hits.last_key := v_keys[cardinality(v_keys)];
    end if;
  end loop;
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
