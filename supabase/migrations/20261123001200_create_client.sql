-- Creating one client: checked, numbered, logged, answered, in one transaction.

-- Checks the fields of a new client and fills in what is missing. One set of rules for the command
-- and the import. Returns a row that is not yet numbered; raises invalid_request.
create function app.new_client(p_access app.access, p_input jsonb, p_default_source text)
returns app.clients
language plpgsql
set search_path = ''
as $$
declare
  v_client app.clients;
  v_consultant text := coalesce(app.text_of(p_input -> 'consultant', 'id'), app.text_of(p_input, 'consultant_id'));
  v_now timestamptz := now();
begin
  v_client.tenant_id := p_access.tenant_id;
  v_client.id := app.require_uuid(p_input, 'id');
  v_client.name := app.require_text(p_input, 'name');
  v_client.external_id := app.text_of(p_input, 'external_id');
  if length(v_client.external_id) > 200 then
    perform app.invalid('external_id', 'has at most 200 characters');
  end if;
  v_client.email := app.text_of(p_input, 'email');
  if v_client.email is not null and (
    length(v_client.email) > 320 or v_client.email !~ '^[^@\s]+@[^@\s]+\.[^@\s]+$') then
    perform app.invalid('email', 'is not an e-mail address');
  end if;
  v_client.phone := app.text_of(p_input, 'phone');
  if length(v_client.phone) > 50 then
    perform app.invalid('phone', 'has at most 50 characters');
  end if;
  v_client.phone_e164 := coalesce(app.text_of(p_input, 'phone_e164'), app.phone_e164(v_client.phone));
  if v_client.phone_e164 !~ '^\+[1-9][0-9]{6,14}$' then
    perform app.invalid('phone_e164', 'must be an E.164 number');
  end if;
  v_client.company := app.text_of(p_input, 'company');
  if length(v_client.company) > 200 then
    perform app.invalid('company', 'has at most 200 characters');
  end if;
  v_client.source := coalesce(app.text_of(p_input, 'source'), p_default_source);
  if v_client.source not in ('manual', 'quote', 'email', 'website', 'import') then
    perform app.invalid('source', 'must be manual, quote, email, website or import');
  end if;
  v_client.stage := coalesce(upper(app.text_of(p_input, 'stage')), 'QUOTED');
  if v_client.stage not in ('QUOTED', 'NEGOTIATING', 'BOOKED', 'PAID', 'TRAVELLED', 'LOST') then
    perform app.invalid('stage', 'must be QUOTED, NEGOTIATING, BOOKED, PAID, TRAVELLED or LOST');
  end if;
  v_client.tags := coalesce(app.texts_of(p_input, 'tags'), '{}');
  if cardinality(v_client.tags) > 50 then
    perform app.invalid('tags', 'holds at most 50');
  end if;
  v_client.notes := app.text_of(p_input, 'notes');
  if length(v_client.notes) > 10000 then
    perform app.invalid('notes', 'has at most 10000 characters');
  end if;

  select c.id, c.name into v_client.consultant_id, v_client.consultant_name
  from app.find_consultant(p_access, coalesce(v_consultant, app.text_of(p_input, 'consultant'))) as c;
  -- Who sees only their own clients must own what they create.
  if p_access.visibility = 'own' and v_client.consultant_id is distinct from p_access.user_id then
    if v_client.consultant_id is not null or v_client.consultant_name is not null then
      perform app.fail(403, 'permission_denied', 'You can only keep clients of your own.');
    end if;
    select c.id, c.name into v_client.consultant_id, v_client.consultant_name
    from app.find_consultant(p_access, p_access.user_id::text) as c;
  end if;

  v_client.version := 1;
  v_client.created_at := least(coalesce(app.time_of(p_input, 'created_at'), v_now), v_now);
  v_client.updated_at := v_now;
  v_client.last_activity_at := v_client.created_at;
  return v_client;
end
$$;

-- A consultant given as member id, member e-mail or plain name; both null when none was given.
-- An unknown id is refused; any other unknown text is kept as the name of somebody without account.
create function app.find_consultant(p_access app.access, p_text text, out id uuid, out name text)
language plpgsql
stable
set search_path = ''
as $$
declare
  v_id uuid := app.uuid_or_null(p_text);
begin
  if p_text is null then
    return;
  end if;
  select m.user_id, coalesce(m.name, m.email) into id, name
  from app.tenant_members as m
  where m.tenant_id = p_access.tenant_id and m.status = 'active' and m.role <> 'visitor'
    and (m.user_id = v_id or m.email_normal = lower(p_text));
  if id is null and v_id is not null then
    perform app.invalid('consultant', 'is not a member of this agency');
  end if;
  if id is null then
    name := left(p_text, 200);
  end if;
end
$$;

-- A timestamp field, refused with the field's name when it is none.
create function app.time_of(p_value jsonb, p_field text)
returns timestamptz
language plpgsql
stable
set search_path = ''
set timezone = 'UTC'
as $$
begin
  return app.text_of(p_value, p_field)::timestamptz;
exception when datetime_field_overflow or invalid_datetime_format then
  perform app.invalid(p_field, 'must be an ISO 8601 time');
end
$$;

-- p_client: {id, name, external_id?, email?, phone?, phone_e164?, company?, source?, stage?, tags?,
-- consultant?, notes?}; consultant is a member's id or e-mail, or a name. Reply data: the client. 201.
create function api.create_client(p_client jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_client app.clients;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_client := app.new_client(v_access, p_client - 'created_at', 'manual');
  v_client.number := app.take_number(v_access.tenant_id, 'client', v_access.time_zone);
  v_client := app.insert_client(v_client);
  insert into app.activities (tenant_id, id, client_id, type, description, actor_id)
  values (v_access.tenant_id, gen_random_uuid(), v_client.id, 'client_created', 'Client created', v_access.user_id);
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'client.created', v_client.id, p_command,
    jsonb_build_object('source', v_client.source, 'stage', v_client.stage),
    null, app.client_json(v_client));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 201,
    app.client_json(v_client) || '{"values": []}');
end
$$;

-- Inserts the row; a taken e-mail, phone or id becomes a conflict that names the field.
create function app.insert_client(p_client app.clients)
returns app.clients
language plpgsql
set search_path = ''
as $$
declare
  v_client app.clients;
  v_constraint text;
  v_field text;
begin
  insert into app.clients (
    tenant_id, id, number, external_id, name, email, phone, phone_e164, company, source, stage,
    consultant_id, consultant_name, tags, notes, created_at, updated_at, last_activity_at)
  values (
    p_client.tenant_id, p_client.id, p_client.number, p_client.external_id, p_client.name,
    p_client.email, p_client.phone, p_client.phone_e164, p_client.company, p_client.source, p_client.stage, p_client.consultant_id,
    p_client.consultant_name, p_client.tags, p_client.notes, p_client.created_at,
    p_client.updated_at, p_client.last_activity_at)
  returning * into v_client;
  return v_client;
exception when unique_violation then
  get stacked diagnostics v_constraint = constraint_name;
  v_field := case v_constraint
    when 'clients_unique_email' then 'email'
    when 'clients_unique_phone' then 'phone'
    when 'clients_unique_external_id' then 'external_id'
    else 'id'
  end;
  perform app.fail(409, 'conflict', format('A client with this %s exists already.', v_field),
                   jsonb_build_object('field', v_field));
end
$$;
call app.publish_function('api.create_client', 'authenticated');
