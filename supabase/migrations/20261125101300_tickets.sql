-- Tickets as they are read: one, or a list.

-- The life of a ticket: from where to where it may go. The one place that knows; docs/helpdesk.md draws
-- it.
create function app.ticket_transitions()
returns table (from_status text, to_status text)
language sql
immutable
as $$
  values
    ('open', 'in_progress'),
    ('in_progress', 'open'),
    ('in_progress', 'resolved'),
    ('resolved', 'open'),
    ('resolved', 'closed'),
    ('closed', 'open')
$$;

-- The ticket when the caller may see it: their own, or any for staff; not_found otherwise. With p_lock
-- it stays as it is until the transaction ends.
create function app.visible_ticket(p_access app.access, p_id uuid, p_lock boolean default false)
returns app.tickets
language plpgsql
set search_path = ''
as $$
declare
  v_ticket app.tickets;
begin
  if p_lock then
    select * into v_ticket from app.tickets as t
    where t.tenant_id = p_access.tenant_id and t.id = p_id
    for update;
  else
    select * into v_ticket from app.tickets as t
    where t.tenant_id = p_access.tenant_id and t.id = p_id;
  end if;
  if v_ticket.id is null or not (v_ticket.requester_id = p_access.user_id or app.is_staff(p_access)) then
    perform app.fail(404, 'not_found', 'There is no such ticket.');
  end if;
  return v_ticket;
end
$$;

-- Clients by id: {id: {id, number, name}}, those alone whom the agency shows the caller. Visitors see none.
create function app.clients_json(p_access app.access, p_clients uuid[])
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_object_agg(
    c.id, jsonb_build_object('id', c.id, 'number', c.number, 'name', c.name)), '{}')
  from app.clients as c
  where c.tenant_id = p_access.tenant_id and c.id = any (p_clients) and c.deleted_at is null
    and p_access.role <> 'visitor'
$$;

-- A ticket in a list, with what people_json and clients_json know.
create function app.ticket_json(p_ticket app.tickets, p_people jsonb, p_clients jsonb)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_ticket.id,
    'number', p_ticket.number,
    'subject', p_ticket.subject,
    'description', p_ticket.description,
    'status', p_ticket.status,
    'priority', p_ticket.priority,
    'requester', p_people -> p_ticket.requester_id::text,
    'assignee', p_people -> p_ticket.assignee_id::text,
    'client', p_clients -> p_ticket.client_id::text,
    'contact', p_ticket.contact,
    'conversation_id', p_ticket.conversation_id,
    'answer_id', p_ticket.answer_id,
    'version', p_ticket.version,
    'created_at', app.utc(p_ticket.created_at),
    'updated_at', app.utc(p_ticket.updated_at),
    'resolved_at', app.utc(p_ticket.resolved_at),
    'closed_at', app.utc(p_ticket.closed_at))
$$;

create function app.ticket_event_json(p_event app.ticket_events, p_people jsonb)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_event.id,
    'type', p_event.type,
    'visibility', p_event.visibility,
    'actor', p_people -> p_event.actor_id::text,
    'text', p_event.text,
    'details', p_event.details,
    'created_at', app.utc(p_event.created_at))
$$;

-- A ticket with its transcript and its newest 500 events in order; requesters see the public ones.
create function app.ticket_file_json(p_access app.access, p_ticket app.tickets)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_events app.ticket_events[] := array(
    select e from app.ticket_events as e
    where e.tenant_id = p_ticket.tenant_id and e.ticket_id = p_ticket.id
      and (e.visibility = 'public' or app.is_staff(p_access))
    order by e.position desc
    limit 500);
  v_people jsonb := app.people_json(
    p_access,
    array[p_ticket.requester_id, p_ticket.assignee_id] || array(select e.actor_id from unnest(v_events) as e));
begin
  return app.ticket_json(p_ticket, v_people, app.clients_json(p_access, array[p_ticket.client_id]))
    || jsonb_build_object(
      'transcript', (
        select t.messages from app.ticket_transcripts as t
        where t.tenant_id = p_ticket.tenant_id and t.ticket_id = p_ticket.id),
      'events', (
        select coalesce(jsonb_agg(app.ticket_event_json(v_events[i], v_people) order by i desc), '[]')
        from generate_subscripts(v_events, 1) as i));
end
$$;

-- {access, ticket: {…, transcript, events}}
create function api.read_ticket(p_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
begin
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'ticket', app.ticket_file_json(v_access, app.visible_ticket(v_access, p_id)));
end
$$;

-- A user in a filter: an id, or me; null when absent.
create function app.user_filter(p_access app.access, p_filter jsonb, p_field text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
begin
  if app.text_of(p_filter, p_field) = 'me' then
    return p_access.user_id;
  end if;
  return app.optional_uuid(p_filter, p_field);
end
$$;

-- p_filter: {status?: [text], priority?: [text], assignee?: id, me or none, requester?: id or me,
-- client?: id, q?: in number or subject, created_since?, created_until?, updated_since?,
-- updated_until?}; since counts, until does not. p_sort: updated or created, the newest first. Members
-- below agent find their own tickets alone. {access, rows: [ticket], next}
create function api.list_tickets(
  p_filter jsonb default '{}', p_sort text default 'updated', p_limit int default 20,
  p_after jsonb default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_key text := case p_sort when 'updated' then 'updated_at' when 'created' then 'created_at' end;
  v_nobodys boolean := app.text_of(p_filter, 'assignee') is not distinct from 'none';
  v_words text := app.text_of(p_filter, 'q');
  v_requester uuid;
  v_page app.tickets[];
  v_people jsonb;
  v_clients jsonb;
  v_rows jsonb;
begin
  perform app.require_page_size(p_limit);
  if v_key is null then
    perform app.invalid('sort', 'must be one of updated, created');
  end if;
  v_requester := app.user_filter(v_access, p_filter, 'requester');
  if not app.is_staff(v_access) then
    if v_requester <> v_access.user_id then
      return app.page_json(v_access, '[]', p_limit, v_key, 'id');
    end if;
    v_requester := v_access.user_id;
  end if;
  execute format(
    'select array_agg(p order by p.%1$I desc, p.id desc) from ('
    '  select * from app.tickets as t'
    '  where t.tenant_id = $1'
    '    and ($2 is null or t.status = any ($2))'
    '    and ($3 is null or t.priority = any ($3))'
    '    and (not $4 or t.assignee_id is null)'
    '    and ($5 is null or t.assignee_id = $5)'
    '    and ($6 is null or t.requester_id = $6)'
    '    and ($7 is null or t.client_id = $7)'
    '    and ($8 is null or t.created_at >= $8) and ($9 is null or t.created_at < $9)'
    '    and ($10 is null or t.updated_at >= $10) and ($11 is null or t.updated_at < $11)'
    '    and ($12 is null or t.search_text like $12)'
    '    and ($13 is null or (t.%1$I, t.id) < ($13, $14))'
    '  order by t.%1$I desc, t.id desc'
    '  limit $15'
    ') as p',
    v_key)
  into v_page
  using
    v_access.tenant_id, app.texts_of(p_filter, 'status'), app.texts_of(p_filter, 'priority'), v_nobodys,
    case when not v_nobodys then app.user_filter(v_access, p_filter, 'assignee') end, v_requester,
    app.optional_uuid(p_filter, 'client'),
    app.time_of(p_filter, 'created_since'), app.time_of(p_filter, 'created_until'),
    app.time_of(p_filter, 'updated_since'), app.time_of(p_filter, 'updated_until'),
    '%' || app.like_literal(app.fold(v_words)) || '%',
    (p_after ->> v_key)::timestamptz, (p_after ->> 'id')::uuid, p_limit + 1;
  v_people := app.people_json(
    v_access, array(select unnest(array[t.requester_id, t.assignee_id]) from unnest(v_page) as t));
  v_clients := app.clients_json(v_access, array(select t.client_id from unnest(v_page) as t));
  select coalesce(jsonb_agg(app.ticket_json(v_page[i], v_people, v_clients) order by i), '[]')
  into v_rows
  from generate_subscripts(v_page, 1) as i;
  return app.page_json(v_access, v_rows, p_limit, v_key, 'id');
end
$$;

call app.publish_function('api.read_ticket', 'authenticated');
call app.publish_function('api.list_tickets', 'authenticated');
