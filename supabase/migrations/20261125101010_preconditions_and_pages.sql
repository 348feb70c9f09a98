-- What several commands and lists share: optimistic concurrency, pages, optional ids, people.

-- Refuses a change whose If-Match names none of the versions that it may be based on. p_command holds
-- `if_match`, a JSON array of entity tags; absent or null when the caller did not ask.
-- Raises precondition_failed.
create function app.require_match(p_version int, p_command jsonb)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if jsonb_typeof(p_command -> 'if_match') = 'array' and not (p_command -> 'if_match') ? p_version::text then
    perform app.fail(412, 'precondition_failed', 'Somebody changed this in between. Read it again.',
                     jsonb_build_object('version', p_version));
  end if;
end
$$;

-- The reply of a list: {access, rows, next}. p_rows holds one row more than the page when there is
-- another page; `next` is made of these keys of the page's last row.
create function app.page_json(p_access app.access, p_rows jsonb, p_limit int, variadic p_keys text[])
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'access', app.access_json(p_access),
    'rows', case when jsonb_array_length(p_rows) > p_limit then p_rows - p_limit else p_rows end,
    'next', case when jsonb_array_length(p_rows) > p_limit then (
      select jsonb_object_agg(k, p_rows -> (p_limit - 1) -> k) from unnest(p_keys) as k) end)
$$;

create function app.require_page_size(p_limit int)
returns void
language plpgsql
set search_path = ''
as $$
begin
  if p_limit is null or p_limit not between 1 and 100 then
    perform app.invalid('page_size', 'must be between 1 and 100');
  end if;
end
$$;

-- A uuid field that may be absent or null; refuses anything else.
create function app.optional_uuid(p_value jsonb, p_field text)
returns uuid
language plpgsql
set search_path = ''
as $$
begin
  if app.text_of(p_value, p_field) is null then
    return null;
  end if;
  return app.require_uuid(p_value, p_field);
end
$$;

-- A text field that may be absent or null, with a largest length.
create function app.optional_text(p_value jsonb, p_field text, p_max int)
returns text
language plpgsql
set search_path = ''
as $$
begin
  if app.text_of(p_value, p_field) is null then
    return null;
  end if;
  return app.require_text(p_value, p_field, p_max);
end
$$;

-- A field that holds one of a few words, or is absent; refuses anything else and names the words.
create function app.optional_word(p_value jsonb, p_field text, variadic p_words text[])
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_word text := app.text_of(p_value, p_field);
begin
  if v_word <> all (p_words) then
    perform app.invalid(p_field, 'must be one of ' || array_to_string(p_words, ', '));
  end if;
  return v_word;
end
$$;

create function app.require_word(p_value jsonb, p_field text, variadic p_words text[])
returns text
language plpgsql
set search_path = ''
as $$
begin
  return coalesce(
    app.optional_word(p_value, p_field, variadic p_words),
    app.require_text(p_value, p_field));
end
$$;

-- Who works for the agency and sees what everybody asks.
create function app.is_staff(p_access app.access)
returns boolean
language sql
immutable
as $$ select p_access.role in ('owner', 'agent') $$;

-- People by id: {id: {id, name}}, read at once for all that a reply names. Staff see an address where
-- there is no name; a visitor is not told the staff's addresses.
create function app.people_json(p_access app.access, p_users uuid[])
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(u.id, jsonb_build_object(
    'id', u.id, 'name', coalesce(m.name, case when app.is_staff(p_access) then m.email end))), '{}')
  from (select distinct id from unnest(p_users) as id where id is not null) as u
  left join app.tenant_members as m on m.tenant_id = p_access.tenant_id and m.user_id = u.id
$$;
