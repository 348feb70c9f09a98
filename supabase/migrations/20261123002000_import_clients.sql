-- Importing clients with the quotes and activities they had before: up to 500 rows in one command,
-- each row on its own, so that a wrong one is reported and leaves the others alone.

-- The client a row speaks of, found by external id, e-mail or phone, in that order.
create function app.known_client(p_client app.clients)
returns app.clients
language sql
stable
set search_path = ''
as $$
  select c
  from app.clients as c
  where c.tenant_id = p_client.tenant_id and c.deleted_at is null
    and (c.external_id = p_client.external_id or c.email_normal = lower(p_client.email)
      or c.phone_e164 = p_client.phone_e164)
  order by (c.external_id = p_client.external_id) is true desc,
    (c.email_normal = lower(p_client.email)) is true desc
  limit 1
$$;

-- Adds the quotes that the client does not have yet (by number, or by day, total and destination when
-- the row gives none); returns how many.
create function app.import_quotes(p_access app.access, p_client uuid, p_quotes jsonb)
returns int
language plpgsql
set search_path = ''
as $$
declare
  v_input jsonb;
  v_quote app.quotes;
  v_own_number text[];
  v_count int := 0;
begin
  for v_input in select jsonb_array_elements(coalesce(p_quotes, '[]')) loop
    v_quote.number := app.text_of(v_input, 'number');
    v_quote.currency := upper(coalesce(
      app.text_of(v_input, 'currency'), app.text_of(v_input -> 'total', 'currency'), p_access.currency));
    v_quote.total_minor := app.money_minor(
      case jsonb_typeof(v_input -> 'total') when 'object' then v_input -> 'total' ->> 'amount'
        else v_input ->> 'total' end, v_quote.currency);
    v_quote.destination := app.text_of(v_input, 'destination');
    v_quote.status := coalesce(app.text_of(v_input, 'status'), 'sent');
    if v_quote.status not in
      ('draft', 'quoted', 'sent', 'viewed', 'accepted', 'declined', 'expired', 'converted') then
      perform app.invalid('quotes.status', format('%s is not a state of a quote', v_quote.status));
    end if;
    v_quote.created_at := least(coalesce(app.time_of(v_input, 'created_at'), now()), now());

    continue when exists (
      select from app.quotes as q
      where q.tenant_id = p_access.tenant_id and q.client_id = p_client
        and case when v_quote.number is not null then q.number = v_quote.number
          else q.currency = v_quote.currency and q.total_minor = v_quote.total_minor
            and q.destination is not distinct from v_quote.destination
            and (q.created_at = v_quote.created_at or v_input -> 'created_at' is null) end);

    if v_quote.number is null then
      v_quote.number := app.take_number(
        p_access.tenant_id, 'quote', p_access.time_zone, v_quote.created_at);
    else
      -- A number in our own form moves the counter past it, so that it is never given out again.
      v_own_number := regexp_match(v_quote.number, '^Q-([0-9]{4})-([0-9]{1,9})$');
      if v_own_number is not null then
        insert into app.number_counters as c (tenant_id, kind, year, last_number)
        values (p_access.tenant_id, 'quote', v_own_number[1]::int, v_own_number[2]::bigint)
        on conflict (tenant_id, kind, year) do update
        set last_number = greatest(c.last_number, excluded.last_number);
      end if;
    end if;
    insert into app.quotes (
      tenant_id, id, client_id, number, status, title, destination, travel_from, travel_to, currency,
      subtotal_minor, total_minor, created_by, created_at)
    values (
      p_access.tenant_id, coalesce(app.uuid_or_null(v_input ->> 'id'), gen_random_uuid()), p_client,
      v_quote.number, v_quote.status, app.text_of(v_input, 'title'), v_quote.destination,
      app.text_of(v_input, 'travel_from')::date, app.text_of(v_input, 'travel_to')::date,
      v_quote.currency, v_quote.total_minor, v_quote.total_minor, p_access.user_id, v_quote.created_at);
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;

-- Adds the activities that the client does not have yet; returns how many.
create function app.import_activities(p_access app.access, p_client uuid, p_activities jsonb)
returns int
language plpgsql
set search_path = ''
as $$
declare
  v_input jsonb;
  v_at timestamptz;
  v_type text;
  v_description text;
  v_count int := 0;
begin
  for v_input in select jsonb_array_elements(coalesce(p_activities, '[]')) loop
    v_at := least(app.time_of(v_input, 'occurred_at'), now());
    v_type := coalesce(app.text_of(v_input, 'type'), 'note');
    if v_type !~ '^[a-z][a-z_]{1,39}$' then
      perform app.invalid('activities.type', 'has lower-case letters and underscores');
    end if;
    v_description := app.require_text(v_input, 'description', 5000);
    continue when exists (
      select from app.activities as a
      where a.tenant_id = p_access.tenant_id and a.client_id = p_client and a.type = v_type
        and a.description = v_description and (v_at is null or a.occurred_at = v_at));
    insert into app.activities (
      tenant_id, id, client_id, type, description, metadata, actor_id, occurred_at)
    values (
      p_access.tenant_id, coalesce(app.uuid_or_null(v_input ->> 'id'), gen_random_uuid()), p_client,
      v_type, v_description, coalesce(v_input -> 'metadata', '{}'), p_access.user_id, coalesce(v_at, now()));
    v_count := v_count + 1;
  end loop;
  return v_count;
end
$$;

-- Imports one row: created, updated or skipped (known and unchanged). What the row does not say stays.
create function app.import_client(p_access app.access, p_row jsonb, p_on_known text)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_new app.clients := app.new_client(p_access, p_row, 'import');
  v_known app.clients := app.known_client(v_new);
  v_changed app.clients := v_known;
  v_outcome text := 'created';
  v_added int;
begin
  if v_known.id is null then
    v_new.number := app.take_number(p_access.tenant_id, 'client', p_access.time_zone);
    v_known := app.insert_client(v_new);
  elsif p_on_known = 'skip' then
    return 'skipped';
  else
    v_changed.name := v_new.name;
    v_changed.external_id := coalesce(v_new.external_id, v_known.external_id);
    v_changed.email := coalesce(v_new.email, v_known.email);
    v_changed.phone := coalesce(v_new.phone, v_known.phone);
    v_changed.phone_e164 := coalesce(v_new.phone_e164, v_known.phone_e164);
    v_changed.company := coalesce(v_new.company, v_known.company);
    v_changed.notes := coalesce(v_new.notes, v_known.notes);
    if p_row ? 'stage' then
      v_changed.stage := v_new.stage;
    end if;
    if p_row ? 'tags' then
      v_changed.tags := v_new.tags;
    end if;
    if v_new.consultant_id is not null or v_new.consultant_name is not null then
      v_changed.consultant_id := v_new.consultant_id;
      v_changed.consultant_name := v_new.consultant_name;
    end if;
    v_outcome := case when v_changed is distinct from v_known then 'updated' else 'skipped' end;
    if v_outcome = 'updated' then
      update app.clients as c
      set name = v_changed.name, external_id = v_changed.external_id, email = v_changed.email,
          phone = v_changed.phone, phone_e164 = v_changed.phone_e164, company = v_changed.company,
          notes = v_changed.notes, stage = v_changed.stage, tags = v_changed.tags,
          consultant_id = v_changed.consultant_id, consultant_name = v_changed.consultant_name,
          version = c.version + 1, updated_at = now()
      where c.tenant_id = v_known.tenant_id and c.id = v_known.id;
      if v_changed.stage <> v_known.stage then
        insert into app.activities (tenant_id, id, client_id, type, description, metadata, actor_id)
        values (
          v_known.tenant_id, gen_random_uuid(), v_known.id, 'stage_change',
          format('Stage changed from %s to %s', v_known.stage, v_changed.stage),
          jsonb_build_object('from', v_known.stage, 'to', v_changed.stage), p_access.user_id);
      end if;
    end if;
  end if;

  v_added := app.import_quotes(p_access, v_known.id, p_row -> 'quotes')
    + app.import_activities(p_access, v_known.id, p_row -> 'activities');
  if v_added > 0 or v_outcome = 'updated' then
    perform app.refresh_client_values(p_access.tenant_id, v_known.id);
    update app.clients as c
    set last_activity_at = greatest(c.created_at, (
      select max(a.occurred_at) from app.activities as a
      where a.tenant_id = c.tenant_id and a.client_id = c.id))
    where c.tenant_id = p_access.tenant_id and c.id = v_known.id;
  end if;
  return case when v_outcome = 'skipped' and v_added > 0 then 'updated' else v_outcome end;
end
$$;

-- p_rows: up to 500 of {id, row?, name, … as in api.create_client, created_at?, quotes?: [{number?,
-- title?, destination?, status?, currency?, total, travel_from?, travel_to?, created_at?}], activities?:
-- [{type?, description, occurred_at?, metadata?}]}. p_options: {on_known?: 'update' (default) or 'skip'}.
-- Reply data: {created, updated, skipped, errors: [{row, field, message}]}; row is the row's own
-- number, or its place counted from 1.
create function api.import_clients(p_rows jsonb, p_options jsonb default '{}', p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_on_known text := coalesce(app.text_of(p_options, 'on_known'), 'update');
  v_counts jsonb := '{"created": 0, "updated": 0, "skipped": 0}';
  v_errors jsonb := '[]';
  v_row record;
  v_outcome text;
  v_message text;
  v_code text;
  v_details text;
  v_column text;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  if p_rows is null or jsonb_typeof(p_rows) <> 'array' or jsonb_array_length(p_rows) not between 1 and 500 then
    perform app.invalid('rows', 'must be a list of 1 to 500 rows');
  end if;
  if v_on_known not in ('update', 'skip') then
    perform app.invalid('options.on_known', 'must be update or skip');
  end if;

  for v_row in
    select coalesce((e.row ->> 'row')::int, e.place) as number, e.row as input
    from jsonb_array_elements(p_rows) with ordinality as e (row, place)
  loop
    begin
      v_outcome := app.import_client(v_access, v_row.input, v_on_known);
      v_counts := v_counts || jsonb_build_object(v_outcome, (v_counts ->> v_outcome)::int + 1);
    exception
      -- What the caller wrote is the row's fault; anything else is ours and ends the command.
      when sqlstate 'PT400' or sqlstate 'PT403' or sqlstate 'PT409' or unique_violation
        or check_violation or datetime_field_overflow or invalid_datetime_format then
        get stacked diagnostics
          v_message = message_text, v_code = returned_sqlstate, v_details = pg_exception_hint,
          v_column = constraint_name;
        v_errors := v_errors || case
          when v_code = 'PT400' then jsonb_build_object('row', v_row.number)
            || (v_details::jsonb -> 'errors' -> 0)
          when v_code = 'PT409' then jsonb_build_object(
            'row', v_row.number, 'field', v_details::jsonb ->> 'field', 'message', v_message)
          when v_code = 'PT403' then jsonb_build_object(
            'row', v_row.number, 'field', 'consultant', 'message', v_message)
          when v_column = 'quotes_tenant_id_number_key' then jsonb_build_object(
            'row', v_row.number, 'field', 'quotes.number', 'message', 'is taken by another quote')
          when v_column like 'clients_unique_%' then jsonb_build_object(
            'row', v_row.number, 'field', substr(v_column, 16), 'message', 'is taken by another client')
          else jsonb_build_object('row', v_row.number, 'field', '', 'message', 'holds a value that is not allowed')
        end;
    end;
  end loop;

  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'clients.imported', null, p_command,
    v_counts || jsonb_build_object('errors', jsonb_array_length(v_errors)));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 200,
    v_counts || jsonb_build_object('errors', v_errors));
end
$$;
call app.publish_function('api.import_clients', 'authenticated');
