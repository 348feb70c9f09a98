-- What an agency sets for its helpdesk: words of its own for the classifier, and how long conversations
-- are kept.

create function app.helpdesk_settings_json(p_tenant uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'query_terms', coalesce(s.helpdesk -> 'query_terms', '{}'),
    'retention_days', s.helpdesk -> 'retention_days')
  from (select 1) as always
  left join app.tenant_settings as s on s.tenant_id = p_tenant
$$;

-- Refuses terms that are not {query type: [text]}, at most 50 a type of at most 50 characters. Each word
-- of a term has a letter or digit; a star may end it and stands for the rest of the word.
create function app.require_query_terms(p_terms jsonb)
returns jsonb
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_types constant text[] := array[
    'comparison', 'pricing', 'platform_help', 'booking', 'hotel_info', 'destination', 'general',
    'greeting', 'hand_off'];
  v_type text;
  v_terms jsonb;
begin
  if jsonb_typeof(p_terms) is distinct from 'object' then
    perform app.invalid('query_terms', 'must be an object of query types');
  end if;
  for v_type, v_terms in select * from jsonb_each(p_terms) loop
    if v_type <> all (v_types) then
      perform app.invalid('query_terms.' || left(v_type, 100), 'is not a query type');
    end if;
    if jsonb_typeof(v_terms) <> 'array' or jsonb_array_length(v_terms) > 50 then
      perform app.invalid('query_terms.' || v_type, 'must be a list of at most 50');
    end if;
    if exists (
      select from jsonb_array_elements(v_terms) as t
      where jsonb_typeof(t) <> 'string' or length(t #>> '{}') > 50
        or t #>> '{}' !~ '^\s*([^\s*]*[[:alnum:]][^\s*]*\*?)(\s+[^\s*]*[[:alnum:]][^\s*]*\*?)*\s*$'
    ) then
      perform app.invalid(
        'query_terms.' || v_type, 'holds words of at most 50 characters, each with a letter or digit');
    end if;
  end loop;
  return p_terms;
end
$$;

-- {access, settings: {query_terms, retention_days}}
create function api.read_helpdesk_settings()
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
begin
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'settings', app.helpdesk_settings_json(v_access.tenant_id));
end
$$;

-- p_changes: any of {query_terms, retention_days}; each replaces what was there; null takes it away:
-- no terms, kept for ever. Reply data: the settings.
create function api.change_helpdesk_settings(p_changes jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('owner');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_changes jsonb := jsonb_strip_nulls(jsonb_build_object(
    'query_terms', p_changes -> 'query_terms', 'retention_days', p_changes -> 'retention_days'));
  v_before jsonb;
  v_changed text[];
begin
  if v_replay is not null then
    return v_replay;
  end if;
  if v_changes ? 'query_terms' then
    perform app.require_query_terms(v_changes -> 'query_terms');
  end if;
  if v_changes ? 'retention_days' and (
    jsonb_typeof(v_changes -> 'retention_days') <> 'number'
    or v_changes ->> 'retention_days' !~ '^[0-9]{1,4}$'
    or (v_changes ->> 'retention_days')::int not between 1 and 3650
  ) then
    perform app.invalid('retention_days', 'must be a whole number of days from 1 to 3650, or null');
  end if;

  insert into app.tenant_settings (tenant_id) values (v_access.tenant_id) on conflict (tenant_id) do nothing;
  select s.helpdesk into v_before
  from app.tenant_settings as s where s.tenant_id = v_access.tenant_id
  for update;
  v_changed := array(
    select f from unnest(array['query_terms', 'retention_days']) as f
    where p_changes ? f and v_before -> f is distinct from v_changes -> f);
  if v_changed <> '{}' then
    update app.tenant_settings as s
    set helpdesk = (s.helpdesk - v_changed) || v_changes, updated_at = now()
    where s.tenant_id = v_access.tenant_id;
    perform app.write_audit(
      v_access.tenant_id, 'member', v_access.user_id::text, 'helpdesk.settings_changed',
      v_access.tenant_id, p_command,
      jsonb_build_object(
        'fields', v_changed,
        'retention_days', jsonb_build_object(
          'from', v_before -> 'retention_days',
          'to', app.helpdesk_settings_json(v_access.tenant_id) -> 'retention_days')));
  end if;
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 200,
    app.helpdesk_settings_json(v_access.tenant_id));
end
$$;

call app.publish_function('api.read_helpdesk_settings', 'authenticated');
call app.publish_function('api.change_helpdesk_settings', 'authenticated');
