-- Tickets: opened, changed, moved on, commented. Each command writes down what it did, as an event that
-- people read and as a line of the audit log that names no person.

-- Appends to a ticket's history; whoever calls holds the ticket's lock, or has just made it.
create function app.add_ticket_event(
  p_ticket app.tickets, p_actor uuid, p_type text, p_visibility text, p_details jsonb default '{}',
  p_text text default null, p_id uuid default gen_random_uuid()
)
returns app.ticket_events
language sql
set search_path = ''
as $$
  insert into app.ticket_events (
    tenant_id, id, ticket_id, position, type, visibility, actor_id, text, details)
  select p_ticket.tenant_id, p_id, p_ticket.id, coalesce(max(e.position), 0) + 1, p_type, p_visibility,
    p_actor, p_text, p_details
  from app.ticket_events as e
  where e.tenant_id = p_ticket.tenant_id and e.ticket_id = p_ticket.id
  returning *
$$;

-- Refuses an assignee who cannot work on it: only active owners and agents of this agency can.
create function app.assignee_of(p_access app.access, p_value jsonb, p_field text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  v_assignee uuid := app.optional_uuid(p_value, p_field);
begin
  if v_assignee is not null and not exists (
    select from app.tenant_members as m
    where m.tenant_id = p_access.tenant_id and m.user_id = v_assignee and m.status = 'active'
      and m.role in ('owner', 'agent')
  ) then
    perform app.invalid(p_field, 'must be an active owner or agent of this agency');
  end if;
  return v_assignee;
end
$$;

-- A client that the caller sees; not_found otherwise. Visitors see none.
create function app.client_of(p_access app.access, p_value jsonb, p_field text)
returns uuid
language plpgsql
stable
set search_path = ''
as $$
declare
  v_client uuid := app.optional_uuid(p_value, p_field);
begin
  if v_client is not null and not exists (
    select from app.clients as c
    where c.tenant_id = p_access.tenant_id and c.id = v_client and c.deleted_at is null
      and p_access.role <> 'visitor'
  ) then
    perform app.fail(404, 'not_found', 'There is no such client.', jsonb_build_object('field', p_field));
  end if;
  return v_client;
end
$$;

-- {name?, email?, phone?}, null when there is nothing in it. A visitor leaves a way to be reached.
create function app.contact_of(p_access app.access, p_contact jsonb)
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_contact jsonb;
begin
  if p_contact is not null and jsonb_typeof(p_contact) not in ('object', 'null') then
    perform app.invalid('contact', 'must be an object');
  end if;
  if app.text_of(p_contact, 'email') !~ '^[^@\s]+@[^@\s]+\.[^@\s]+$' then
    perform app.invalid('contact.email', 'is not an e-mail address');
  end if;
  v_contact := jsonb_strip_nulls(jsonb_build_object(
    'name', app.optional_text(p_contact, 'name', 200),
    'email', app.optional_text(p_contact, 'email', 320),
    'phone', app.optional_text(p_contact, 'phone', 50)));
  if p_access.role = 'visitor' and not v_contact ?| array['email', 'phone'] then
    perform app.invalid('contact', 'needs an e-mail address or a phone number');
  end if;
  return nullif(v_contact, '{}');
end
$$;

-- The last 200 messages of a conversation, as a ticket keeps them.
create function app.transcript_of(p_tenant uuid, p_conversation uuid)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select coalesce(jsonb_agg(app.message_json(m) order by m.position), '[]')
  from (
    select * from app.messages as m
    where m.tenant_id = p_tenant and m.conversation_id = p_conversation
    order by m.position desc
    limit 200
  ) as m
$$;

-- p_ticket: {id, subject?, description?, conversation_id?, answer_id?, priority?, client_id?, contact?}.
-- From a conversation, or from an answer of one, it takes the transcript along, and the question as its
-- subject unless there is one. Reply data: the ticket with transcript and events. 201.
create function api.create_ticket(p_ticket jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_ticket app.tickets;
  v_answer app.messages;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_ticket.id := app.require_uuid(p_ticket, 'id');
  v_ticket.conversation_id := app.optional_uuid(p_ticket, 'conversation_id');
  v_ticket.answer_id := app.optional_uuid(p_ticket, 'answer_id');
  if v_ticket.conversation_id is not null then
    perform app.visible_conversation(v_access, v_ticket.conversation_id);
  end if;
  if v_ticket.answer_id is not null then
    v_answer := app.visible_answer(v_access, v_ticket.answer_id);
    if v_ticket.conversation_id <> v_answer.conversation_id then
      perform app.invalid('answer_id', 'is not of this conversation');
    end if;
    v_ticket.conversation_id := v_answer.conversation_id;
  end if;
  if v_ticket.conversation_id is not null then
    v_ticket.subject := left(
      app.question_before(v_access.tenant_id, v_ticket.conversation_id, v_answer.position), 300);
  end if;
  v_ticket.subject := coalesce(app.optional_text(p_ticket, 'subject', 300), btrim(v_ticket.subject));
  if v_ticket.subject is null then
    perform app.invalid('subject', 'is required when there is no conversation');
  end if;
  v_ticket.description := coalesce(app.optional_text(p_ticket, 'description', 20000), '');
  v_ticket.priority := coalesce(
    app.optional_word(p_ticket, 'priority', 'low', 'normal', 'high', 'urgent'), 'normal');
  v_ticket.client_id := app.client_of(v_access, p_ticket, 'client_id');
  v_ticket.contact := app.contact_of(v_access, p_ticket -> 'contact');
  v_ticket.number := app.take_number(v_access.tenant_id, 'ticket', v_access.time_zone);
  begin
    insert into app.tickets (
      tenant_id, id, number, subject, description, priority, client_id, conversation_id, answer_id,
      contact, requester_id)
    values (
      v_access.tenant_id, v_ticket.id, v_ticket.number, v_ticket.subject, v_ticket.description,
      v_ticket.priority, v_ticket.client_id, v_ticket.conversation_id, v_ticket.answer_id,
      v_ticket.contact, v_access.user_id)
    returning * into v_ticket;
  exception when unique_violation then
    perform app.fail(409, 'conflict', 'A ticket with this id exists already.', '{"field": "id"}');
  end;
  if v_ticket.conversation_id is not null then
    insert into app.ticket_transcripts (tenant_id, ticket_id, messages)
    values (
      v_access.tenant_id, v_ticket.id,
      app.transcript_of(v_access.tenant_id, v_ticket.conversation_id));
  end if;
  perform app.add_ticket_event(v_ticket, v_access.user_id, 'opened', 'public');
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'ticket.opened', v_ticket.id, p_command,
    jsonb_build_object(
      'number', v_ticket.number, 'priority', v_ticket.priority,
      'from_conversation', v_ticket.conversation_id is not null));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 201,
    app.ticket_file_json(v_access, v_ticket));
end
$$;

-- p_changes: any of {subject, description, priority, assignee_id, client_id}; null takes an assignee or
-- client away. Reply data: the ticket with transcript and events. What changes nothing leaves no trace.
create function api.change_ticket(p_id uuid, p_changes jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_before app.tickets;
  v_ticket app.tickets;
  v_edited text[];
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_before := app.visible_ticket(v_access, p_id, true);
  perform app.require_match(v_before.version, p_command);
  v_ticket := v_before;
  if p_changes ? 'subject' then
    v_ticket.subject := app.require_text(p_changes, 'subject', 300);
  end if;
  if p_changes ? 'description' then
    v_ticket.description := coalesce(app.optional_text(p_changes, 'description', 20000), '');
  end if;
  if p_changes ? 'priority' then
    v_ticket.priority := app.require_word(p_changes, 'priority', 'low', 'normal', 'high', 'urgent');
  end if;
  if p_changes ? 'assignee_id' then
    v_ticket.assignee_id := app.assignee_of(v_access, p_changes, 'assignee_id');
  end if;
  if p_changes ? 'client_id' then
    v_ticket.client_id := app.client_of(v_access, p_changes, 'client_id');
  end if;
  v_edited := array_remove(array[
    case when v_ticket.subject <> v_before.subject then 'subject' end,
    case when v_ticket.description <> v_before.description then 'description' end,
    case when v_ticket.priority <> v_before.priority then 'priority' end,
    case when v_ticket.client_id is distinct from v_before.client_id then 'client_id' end], null);

  if v_ticket is distinct from v_before then
    update app.tickets as t
    set subject = v_ticket.subject, description = v_ticket.description, priority = v_ticket.priority,
        assignee_id = v_ticket.assignee_id, client_id = v_ticket.client_id, version = t.version + 1,
        updated_at = now()
    where t.tenant_id = v_access.tenant_id and t.id = p_id
    returning * into v_ticket;
    if v_edited <> '{}' then
      perform app.add_ticket_event(
        v_ticket, v_access.user_id, 'edited', 'internal', jsonb_build_object('fields', v_edited));
      perform app.write_audit(
        v_access.tenant_id, 'member', v_access.user_id::text, 'ticket.edited', p_id, p_command,
        jsonb_build_object('fields', v_edited));
    end if;
    if v_ticket.assignee_id is distinct from v_before.assignee_id then
      perform app.add_ticket_event(
        v_ticket, v_access.user_id, 'assigned', 'internal',
        jsonb_build_object('from', v_before.assignee_id, 'to', v_ticket.assignee_id));
      perform app.write_audit(
        v_access.tenant_id, 'member', v_access.user_id::text, 'ticket.assigned', p_id, p_command,
        jsonb_build_object('from', v_before.assignee_id, 'to', v_ticket.assignee_id));
    end if;
  end if;
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 200,
    app.ticket_file_json(v_access, v_ticket));
end
$$;

-- p_change: {status, note?}; a note is a comment for colleagues. Raises invalid_transition, whose details
-- say {status, allowed}. Reply data: the ticket with transcript and events.
create function api.change_ticket_status(p_id uuid, p_change jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_status text;
  v_note text;
  v_before app.tickets;
  v_ticket app.tickets;
  v_allowed text[];
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_before := app.visible_ticket(v_access, p_id, true);
  perform app.require_match(v_before.version, p_command);
  v_status := app.require_word(p_change, 'status', 'open', 'in_progress', 'resolved', 'closed');
  v_note := app.optional_text(p_change, 'note', 10000);
  v_allowed := array(
    select t.to_status from app.ticket_transitions() as t where t.from_status = v_before.status);
  if v_status <> all (v_allowed) then
    perform app.fail(
      409, 'invalid_transition',
      format('A ticket that is %s cannot become %s.', v_before.status, v_status),
      jsonb_build_object('status', v_before.status, 'allowed', v_allowed));
  end if;
  update app.tickets as t
  set status = v_status, version = t.version + 1, updated_at = now(),
      resolved_at = case v_status when 'resolved' then now() when 'closed' then t.resolved_at end,
      closed_at = case v_status when 'closed' then now() end
  where t.tenant_id = v_access.tenant_id and t.id = p_id
  returning * into v_ticket;
  perform app.add_ticket_event(
    v_ticket, v_access.user_id, 'status_changed', 'public',
    jsonb_build_object('from', v_before.status, 'to', v_status));
  if v_note is not null then
    perform app.add_ticket_event(
      v_ticket, v_access.user_id, 'commented', 'internal', p_text => v_note);
  end if;
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'ticket.status_changed', p_id, p_command,
    jsonb_build_object('from', v_before.status, 'to', v_status));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 200,
    app.ticket_file_json(v_access, v_ticket));
end
$$;

-- p_comment: {id?, text, visibility}; only staff comment internally. The version stays: a comment is no
-- reason to refuse somebody's change. Reply data: the event. 201.
create function api.comment_on_ticket(p_id uuid, p_comment jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_ticket app.tickets;
  v_visibility text;
  v_event app.ticket_events;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_ticket := app.visible_ticket(v_access, p_id, true);
  v_visibility := app.require_word(p_comment, 'visibility', 'public', 'internal');
  if v_visibility = 'internal' and not app.is_staff(v_access) then
    perform app.fail(403, 'permission_denied', 'Only owners and agents comment for colleagues.',
                     '{"required_role": "agent"}');
  end if;
  begin
    v_event := app.add_ticket_event(
      v_ticket, v_access.user_id, 'commented', v_visibility,
      p_text => app.require_text(p_comment, 'text', 10000),
      p_id => coalesce(app.optional_uuid(p_comment, 'id'), gen_random_uuid()));
  exception when unique_violation then
    perform app.fail(409, 'conflict', 'A comment with this id exists already.', '{"field": "id"}');
  end;
  update app.tickets as t
  set updated_at = now()
  where t.tenant_id = v_access.tenant_id and t.id = p_id;
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'ticket.commented', p_id, p_command,
    jsonb_build_object('visibility', v_visibility));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 201,
    app.ticket_event_json(v_event, app.people_json(v_access, array[v_access.user_id])));
end
$$;

call app.publish_function('api.create_ticket', 'authenticated');
call app.publish_function('api.change_ticket', 'authenticated');
call app.publish_function('api.change_ticket_status', 'authenticated');
call app.publish_function('api.comment_on_ticket', 'authenticated');
