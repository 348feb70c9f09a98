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

-- The query as search sees it.
create type app.search_terms as (
  folded text,
  number text,
  phone text,
  words text[],
  predicate text
);

-- Takes a query apart. predicate is over app.clients as c with $7 the words as LIKE patterns and $8
-- the words themselves.
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
  select string_agg(
    case
      -- Long enough for a trigram: the trigram index answers LIKE.
      when word ~ '[[:alnum:]]{3}' then format('c.search_text like ($7)[%s]', i)
      -- A syllable or two in a script without spaces: the index of short pieces answers, exactly.
      when word ~ '[^\x01-\x7f]' and length(word) <= 2 then
        format('app.short_grams(c.search_text) @> array[($8)[%s]]', i)
      -- One or two letters: the beginning of a word.
      when word ~ '^[[:alnum:]]{1,2}$' then format('c.search_text ~ (''\m'' || ($8)[%s])', i)
      else format('c.search_text like ($7)[%s]', i)
    end, ' and ' order by i)
  into v_terms.predicate
  from unnest(v_terms.words) with ordinality as w (word, i);
  return v_terms;
end
$$;

-- The field that matched, for the reader of the list: name, company, email, phone or number; for a near spelling the field that comes closest.
create function app.matched_field(p_client app.clients, p_terms app.search_terms)
returns text
language sql
stable
set search_path = ''
as $$
  select f.field
  from (
    values
      (1, 'name', concat_ws(' ', p_client.name_key, app.fold_expanded(p_client.name))),
      (2, 'company', concat_ws(' ', app.fold(p_client.company), app.fold_expanded(p_client.company))),
      (3, 'email', p_client.email_normal),
      (4, 'phone', regexp_replace(concat_ws(' ', p_client.phone, p_client.phone_e164), '[^0-9 ]', '', 'g')),
      (5, 'number', lower(p_client.number))
  ) as f (position, field, content)
  where p_terms.folded is not null and f.content <> ''
  order by
    strpos(f.content, p_terms.words[1]) > 0 desc,
    case when strpos(f.content, p_terms.words[1]) = 0
      then extensions.word_similarity(p_terms.words[1], f.content) end desc,
    f.position
  limit 1
$$;

-- What a page of hits needs to be drawn and continued.
create type app.search_hits as (ids uuid[], last_tier text, last_key text, more boolean);

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
  v_tiers text[];
  v_tier text;
  v_exact constant text :=
    '(c.name_key = $9 or c.email_normal = $9 or c.number = $10 or c.phone_e164 = $9)';
  v_prefix constant text := 'c.name_key like $11';
  v_near text;
  v_tier_predicate text;
  v_order text;
  v_key text;
  v_after text;
  v_ids uuid[];
  v_keys text[];
begin
  select string_agg(format('($8)[%1$s] operator(extensions.<%%) c.search_text', i), ' and ')
  into v_near
  from generate_subscripts(p_terms.words, 1) as i;

  v_tiers := case
    when p_terms.folded is null then array['all']
    when p_sort = 'relevance' then array['exact', 'prefix', 'contains', 'near']
    else array['contains', 'near']
  end;
  if p_after is not null then
    v_tiers := v_tiers[array_position(v_tiers, p_after ->> 'tier'):];
    if cardinality(v_tiers) = 0 or v_tiers is null then
      perform app.fail(400, 'invalid_cursor', 'This cursor does not belong to this list.');
    end if;
  end if;

  foreach v_tier in array v_tiers loop
    -- Near spellings are an answer of their own, never a tail behind literal matches.
    exit when v_tier = 'near' and p_after ->> 'tier' is distinct from 'near'
      and (cardinality(v_hits.ids) > 0 or p_after is not null);

    v_tier_predicate := case v_tier
      when 'all' then 'true'
      when 'exact' then v_exact
      when 'prefix' then v_prefix || ' and ' || v_exact || ' is not true'
      when 'contains' then p_terms.predicate || case when p_sort = 'relevance'
        then ' and ' || v_exact || ' is not true and ' || v_prefix || ' is not true' else '' end
      when 'near' then v_near
    end;
    if v_tier = 'near' and p_sort = 'relevance' then
      v_key := 'round(extensions.word_similarity($9, c.search_text)::numeric, 4)';
      v_order := 'desc';
    elsif p_sort = 'name' or v_tier = 'prefix' then
      v_key := 'c.name_key';
      v_order := 'asc';
    elsif p_sort = 'created' then
      v_key := 'c.created_at';
      v_order := 'desc';
    else
      v_key := 'c.last_activity_at';
      v_order := 'desc';
    end if;
    v_after := case when p_after ->> 'tier' = v_tier then format(
      'and (%s, c.id) %s (%s, $13)', v_key, case v_order when 'asc' then '>' else '<' end,
      case v_key when 'c.name_key' then '$12' when 'c.created_at' then '$12::timestamptz'
        when 'c.last_activity_at' then '$12::timestamptz' else '$12::numeric' end) end;

    execute format(
      'select array_agg(h.id), array_agg(h.key) from ('
      'select c.id, (%2$s)::text as key from app.clients as c '
      'where %1$s and %3$s %5$s order by %2$s %4$s, c.id %4$s limit $14) as h',
      app.client_predicate(p_filter), v_key, v_tier_predicate, v_order, coalesce(v_after, ''))
    into v_ids, v_keys
    using
      p_access.tenant_id, p_filter.restricted_to, p_filter.stages, p_filter.sources,
      p_filter.consultant_id, p_filter.consultant_name,
      array(select '%' || app.like_literal(w) || '%' from unnest(p_terms.words) as w),
      p_terms.words, p_terms.folded, p_terms.number, app.like_literal(p_terms.folded) || '%',
      p_after ->> 'key', app.uuid_or_null(p_after ->> 'id'),
      p_limit + 1 - cardinality(v_hits.ids);

    if v_ids is not null then
      v_hits.ids := v_hits.ids || v_ids;
      v_hits.more := cardinality(v_hits.ids) > p_limit;
      if v_hits.more then
        -- The page may end on the last hit of an earlier tier: nothing of this one is on it.
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
      'matched', app.matched_field(c, v_terms)
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
