-- The history of conversations: listed, read with the caller's feedback, renamed, deleted.

-- The conversation when the caller may read it: their own, or any for staff; not_found otherwise.
create function app.visible_conversation(p_access app.access, p_id uuid)
returns app.conversations
language plpgsql
stable
set search_path = ''
as $$
declare
  v_conversation app.conversations;
begin
  select * into v_conversation
  from app.conversations as c
  where c.tenant_id = p_access.tenant_id and c.id = p_id
    and (c.user_id = p_access.user_id or app.is_staff(p_access));
  if not found then
    perform app.fail(404, 'not_found', 'There is no such conversation.',
                     '{"field": "conversation_id"}');
  end if;
  return v_conversation;
end
$$;

-- The conversation, locked, when the caller may change it: their own, or any for an owner.
-- Raises not_found when they may not even read it, permission_denied when they may only read it.
create function app.own_conversation(p_access app.access, p_id uuid)
returns app.conversations
language plpgsql
set search_path = ''
as $$
declare
  v_conversation app.conversations := app.visible_conversation(p_access, p_id);
begin
  if v_conversation.user_id <> p_access.user_id and p_access.role <> 'owner' then
    perform app.fail(403, 'permission_denied', 'Only its user and the owner may change a conversation.',
                     '{"required_role": "owner"}');
  end if;
  select * into v_conversation
  from app.conversations as c
  where c.tenant_id = p_access.tenant_id and c.id = p_id
  for update;
  if not found then
    perform app.fail(404, 'not_found', 'There is no such conversation.');
  end if;
  return v_conversation;
end
$$;

-- A message as it is shown and as a ticket's transcript keeps it.
create function app.message_json(p_message app.messages)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_message.id,
    'role', p_message.role,
    'text', p_message.text,
    'mode', p_message.mode,
    'citations', p_message.citations,
    'created_at', app.utc(p_message.created_at))
$$;

-- updated_at moves with each question, so it is the last activity.
create function app.conversation_json(
  p_conversation app.conversations, p_messages bigint, p_people jsonb
)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'id', p_conversation.id,
    'title', p_conversation.title,
    'channel', p_conversation.channel,
    'user_id', p_conversation.user_id,
    'user', p_people -> p_conversation.user_id::text,
    'message_count', p_messages,
    'created_at', app.utc(p_conversation.created_at),
    'updated_at', app.utc(p_conversation.updated_at),
    'last_activity_at', app.utc(p_conversation.updated_at))
$$;

-- Conversations in the list's order, with how many messages they have and whose they are.
create function app.conversations_json(p_access app.access, p_ids uuid[])
returns jsonb
language plpgsql
stable
set search_path = ''
as $$
declare
  v_people jsonb := app.people_json(p_access, array(
    select c.user_id from app.conversations as c
    where c.tenant_id = p_access.tenant_id and c.id = any (p_ids)));
begin
  return (
    select coalesce(jsonb_agg(
      app.conversation_json(c, n.messages, v_people) order by c.updated_at desc, c.id desc), '[]')
    from app.conversations as c
    cross join lateral (
      select count(*) as messages from app.messages as m
      where m.tenant_id = c.tenant_id and m.conversation_id = c.id) as n
    where c.tenant_id = p_access.tenant_id and c.id = any (p_ids));
end
$$;

-- p_filter: {scope?: mine or all, channel?, user?}; all and user are for staff. The newest
-- activity first; p_after is the `next` of the page before. {access, rows: [conversation], next}
create function api.list_conversations(
  p_filter jsonb default '{}', p_limit int default 20, p_after jsonb default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_channel text := app.optional_word(p_filter, 'channel', 'staff', 'website');
  v_user uuid := v_access.user_id;
  v_ids uuid[];
begin
  perform app.require_page_size(p_limit);
  if app.optional_word(p_filter, 'scope', 'mine', 'all') = 'all' then
    perform app.require_role('agent');
    v_user := app.optional_uuid(p_filter, 'user');
  elsif app.text_of(p_filter, 'user') is not null then
    perform app.invalid('user', 'needs scope=all');
  end if;
  v_ids := array(
    select c.id from app.conversations as c
    where c.tenant_id = v_access.tenant_id
      and (v_user is null or c.user_id = v_user)
      and (v_channel is null or c.channel = v_channel)
      and (p_after is null or (c.updated_at, c.id) < (
        (p_after ->> 'last_activity_at')::timestamptz, (p_after ->> 'id')::uuid))
    order by c.updated_at desc, c.id desc
    limit p_limit + 1);
  return app.page_json(
    v_access, app.conversations_json(v_access, v_ids), p_limit, 'last_activity_at', 'id');
end
$$;

-- {access, conversation: {id, title, channel, user_id, user, message_count, created_at, updated_at,
-- last_activity_at, has_more, messages: [{id, position, role, text, mode, degraded, degraded_reason,
-- query_type, citations, timings, feedback, created_at}]}}. Owners and agents read every conversation of
-- the tenant, others their own. The last 200 messages; has_more says that there are earlier ones;
-- feedback is the caller's own.
create or replace function api.read_conversation(p_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_messages jsonb;
begin
  perform app.visible_conversation(v_access, p_id);
  select coalesce(jsonb_agg(app.message_json(m) || jsonb_build_object(
      'position', m.position, 'degraded', m.degraded, 'degraded_reason', m.degraded_reason,
      'query_type', m.query_type, 'timings', m.timings,
      'feedback', (
        select jsonb_build_object('rating', f.rating, 'reason', f.reason, 'comment', f.comment)
        from app.feedback as f
        where f.tenant_id = v_access.tenant_id and f.answer_id = m.id and f.user_id = v_access.user_id)
    ) order by m.position), '[]')
  into v_messages
  from (
    select * from app.messages as m
    where m.tenant_id = v_access.tenant_id and m.conversation_id = p_id
    order by m.position desc
    limit 200
  ) as m;
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'conversation', app.conversations_json(v_access, array[p_id]) -> 0 || jsonb_build_object(
      'messages', v_messages,
      'has_more', coalesce((v_messages #>> '{0,position}')::int, 1) > 1));
end
$$;

-- p_changes: {title}. Reply data: the conversation. Its place in the list stays: nothing was asked.
create function api.rename_conversation(p_id uuid, p_changes jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
begin
  if v_replay is not null then
    return v_replay;
  end if;
  perform app.own_conversation(v_access, p_id);
  update app.conversations as c
  set title = app.require_text(p_changes, 'title', 200)
  where c.tenant_id = v_access.tenant_id and c.id = p_id;
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'conversation.renamed', p_id, p_command);
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 200,
    app.conversations_json(v_access, array[p_id]) -> 0);
end
$$;

-- Removes conversations with their messages and the feedback on them. Tickets that came out of them
-- keep their transcript. Returns how much went: {conversations, messages, feedback}
create function app.delete_conversations(p_tenant uuid, p_ids uuid[])
returns jsonb
language plpgsql
set search_path = ''
as $$
declare
  v_conversations int;
  v_messages int;
  v_feedback int;
begin
  delete from app.feedback as f
  using app.messages as m
  where f.tenant_id = p_tenant and m.tenant_id = p_tenant and m.id = f.answer_id
    and m.conversation_id = any (p_ids);
  get diagnostics v_feedback = row_count;
  delete from app.messages as m where m.tenant_id = p_tenant and m.conversation_id = any (p_ids);
  get diagnostics v_messages = row_count;
  update app.tickets as t
  set conversation_id = null, answer_id = null
  where t.tenant_id = p_tenant and t.conversation_id = any (p_ids);
  delete from app.conversations as c where c.tenant_id = p_tenant and c.id = any (p_ids);
  get diagnostics v_conversations = row_count;
  return jsonb_build_object(
    'conversations', v_conversations, 'messages', v_messages, 'feedback', v_feedback);
end
$$;

-- Reply data: {id, deleted: true}.
create function api.delete_conversation(p_id uuid, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
begin
  if v_replay is not null then
    return v_replay;
  end if;
  perform app.own_conversation(v_access, p_id);
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'conversation.deleted', p_id, p_command,
    app.delete_conversations(v_access.tenant_id, array[p_id]));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 200,
    jsonb_build_object('id', p_id, 'deleted', true));
end
$$;

call app.publish_function('api.list_conversations', 'authenticated');
call app.publish_function('api.rename_conversation', 'authenticated');
call app.publish_function('api.delete_conversation', 'authenticated');
