-- Conversations: what was asked, what was answered, and from which passages.

-- p_answer: {conversation_id, question_id, answer_id, question, answer, mode, degraded?,
-- degraded_reason?, query_type?, citations?, timings?, channel?, title?}. Starts the conversation when
-- it is new; continues it when it is the caller's own; not_found otherwise.
-- Reply data: {conversation_id, question_id, answer_id, position}. 201.
create function api.record_answer(p_answer jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_conversation uuid;
  v_question uuid;
  v_answer uuid;
  v_owner uuid;
  v_position int;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_conversation := app.require_uuid(p_answer, 'conversation_id');
  v_question := coalesce(app.uuid_or_null(p_answer ->> 'question_id'), gen_random_uuid());
  v_answer := app.require_uuid(p_answer, 'answer_id');
  if app.text_of(p_answer, 'mode') is null
    or app.text_of(p_answer, 'mode') not in ('generated', 'extractive', 'no_answer') then
    perform app.invalid('mode', 'must be generated, extractive or no_answer');
  end if;

  insert into app.conversations as c (tenant_id, id, user_id, channel, title)
  values (
    v_access.tenant_id, v_conversation, v_access.user_id,
    case v_access.role when 'visitor' then 'website' else 'staff' end,
    left(coalesce(app.text_of(p_answer, 'title'), app.require_text(p_answer, 'question', 20000)), 200))
  -- The update locks the row: two answers to one conversation take their places one after the other.
  on conflict (tenant_id, id) do update set updated_at = now()
  returning c.user_id into v_owner;
  if v_owner <> v_access.user_id then
    perform app.fail(404, 'not_found', 'There is no such conversation.');
  end if;

  select coalesce(max(m.position), 0) into v_position
  from app.messages as m
  where m.tenant_id = v_access.tenant_id and m.conversation_id = v_conversation;
  begin
    insert into app.messages (tenant_id, id, conversation_id, position, role, text)
    values (
      v_access.tenant_id, v_question, v_conversation, v_position + 1, 'user',
      app.require_text(p_answer, 'question', 20000));
    insert into app.messages (
      tenant_id, id, conversation_id, position, role, text, mode, degraded, degraded_reason,
      query_type, citations, timings)
    values (
      v_access.tenant_id, v_answer, v_conversation, v_position + 2, 'assistant',
      app.require_text(p_answer, 'answer', 20000), app.text_of(p_answer, 'mode'),
      coalesce((p_answer ->> 'degraded')::boolean, false), app.text_of(p_answer, 'degraded_reason'),
      app.text_of(p_answer, 'query_type'), coalesce(p_answer -> 'citations', '[]'),
      coalesce(p_answer -> 'timings', '{}'));
  exception when unique_violation then
    perform app.fail(409, 'conflict', 'This answer was recorded already.', '{"field": "answer_id"}');
  end;
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, 201,
    jsonb_build_object(
      'conversation_id', v_conversation, 'question_id', v_question, 'answer_id', v_answer,
      'position', v_position + 2));
end
$$;

-- {access, conversation: {id, title, channel, created_at, updated_at, messages: [{id, position, role,
-- text, mode, degraded, degraded_reason, query_type, citations, timings, created_at}]}}. Owners and
-- agents read every conversation of the tenant, others their own. The last 200 messages.
create function api.read_conversation(p_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_conversation app.conversations;
begin
  select * into v_conversation
  from app.conversations as c
  where c.tenant_id = v_access.tenant_id and c.id = p_id
    and (c.user_id = v_access.user_id or v_access.role in ('owner', 'agent'));
  if not found then
    perform app.fail(404, 'not_found', 'There is no such conversation.');
  end if;
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'conversation', jsonb_build_object(
      'id', v_conversation.id,
      'user_id', v_conversation.user_id,
      'title', v_conversation.title,
      'channel', v_conversation.channel,
      'created_at', app.utc(v_conversation.created_at),
      'updated_at', app.utc(v_conversation.updated_at),
      'messages', (
        select coalesce(jsonb_agg(jsonb_build_object(
            'id', m.id, 'position', m.position, 'role', m.role, 'text', m.text, 'mode', m.mode,
            'degraded', m.degraded, 'degraded_reason', m.degraded_reason, 'query_type', m.query_type,
            'citations', m.citations, 'timings', m.timings, 'created_at', app.utc(m.created_at)
          ) order by m.position), '[]')
        from (
          select * from app.messages as m
          where m.tenant_id = v_access.tenant_id and m.conversation_id = p_id
          order by m.position desc
          limit 200
        ) as m)));
end
$$;

call app.publish_function('api.record_answer', 'authenticated');
call app.publish_function('api.read_conversation', 'authenticated');
