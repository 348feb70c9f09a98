-- What is looked for: a query taken apart once, as the search index is folded.

-- The query as search sees it.
create type app.search_terms as (
  folded text,
  words text[],
  indexed text,
  plain text,
  near text
);

-- The pieces of a word that stand in the index wherever the word occurs: marks and foreign characters.
-- (The ASCII letters of a word count only where a word begins.)
create function app.marks_of(p_word text)
returns text[]
language sql
immutable parallel safe
set search_path = ''
as $$ select array(select piece from unnest(app.short_pieces(p_word)) as piece where piece !~ '^[a-z0-9]+$') $$;

-- Takes a query apart, into predicates over app.clients as c with $7 the words as LIKE patterns and $8
-- the words themselves. indexed and plain say the same: the one reads an index of its own, the other is
-- cheap to evaluate on rows that come in another order. near is for other spellings; null when a word
-- is too short to have any. Null when there is nothing to look for.
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
  if v_terms.folded ~ '^[0-9+()/. -]+$' and length(v_digits) >= 3 then
    -- A telephone number, however it is written: one run of digits without the leading zero.
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
        -- Marks and letters mixed: the pieces narrow it down. (LIKE would tempt the planner to ask the
        -- trigram index, which knows nothing of marks.)
        else format(
          'app.short_pieces(c.search_text) @> app.marks_of(($8)[%1$s]) '
          'and strpos(c.search_text, ($8)[%1$s]) > 0', i)
      end, ' and ' order by i),
    string_agg(
      case
        when word ~ '^[a-z0-9]{1,2}$' then
          format('c.search_text ~ (''(^|[^a-z0-9])'' || ($8)[%s])', i)
        else format('c.search_text like ($7)[%s]', i)
      end, ' and ' order by i),
    case when bool_and(word ~ '[[:alnum:]]{3}') then
      string_agg(format('($8)[%s] operator(extensions.<%%) c.names_text', i), ' and ' order by i) end
  into v_terms.indexed, v_terms.plain, v_terms.near
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
