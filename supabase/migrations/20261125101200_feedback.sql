-- What people think of answers, and what an agency can learn from it.

-- The answer when the caller may see it; not_found otherwise, and for a question.
create function app.visible_answer(p_access app.access, p_id uuid)
returns app.messages
language plpgsql
stable
set search_path = ''
as $$
declare
  v_answer app.messages;
begin
  select m.* into v_answer
  from app.messages as m
  join app.conversations as c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
  where m.tenant_id = p_access.tenant_id and m.id = p_id and m.role = 'assistant'
    and (c.user_id = p_access.user_id or app.is_staff(p_access));
  if not found then
    perform app.fail(404, 'not_found', 'There is no such answer.', '{"field": "answer_id"}');
  end if;
  return v_answer;
end
$$;

-- The question that an answer answers, or the last one of a conversation when p_before is null.
create function app.question_before(p_tenant uuid, p_conversation uuid, p_before int)
returns text
language sql
stable
set search_path = ''
as $$
  select m.text
  from app.messages as m
  where m.tenant_id = p_tenant and m.conversation_id = p_conversation and m.role = 'user'
    and (p_before is null or m.position < p_before)
  order by m.position desc
  limit 1
$$;

create function app.feedback_json(p_feedback app.feedback)
returns jsonb
language sql
stable
set search_path = ''
as $$
  select jsonb_build_object(
    'answer_id', p_feedback.answer_id,
    'user_id', p_feedback.user_id,
    'rating', p_feedback.rating,
    'reason', p_feedback.reason,
    'comment', p_feedback.comment,
    'created_at', app.utc(p_feedback.created_at),
    'updated_at', app.utc(p_feedback.updated_at))
$$;

-- p_feedback: {rating, reason?, comment?}. One opinion a user and answer: given again, it replaces the
-- one before. Reply data: the feedback. 201 when it is new, 200 when it was changed.
create function api.give_feedback(p_answer uuid, p_feedback jsonb, p_command jsonb default '{}')
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
  v_answer app.messages;
  v_feedback app.feedback;
  v_new boolean;
begin
  if v_replay is not null then
    return v_replay;
  end if;
  v_answer := app.visible_answer(v_access, p_answer);
  v_feedback.rating := app.require_word(p_feedback, 'rating', 'helpful', 'unhelpful');
  v_feedback.reason := app.optional_word(
    p_feedback, 'reason', 'wrong', 'incomplete', 'outdated', 'not_understood', 'other');
  v_feedback.comment := app.optional_text(p_feedback, 'comment', 2000);
  if v_feedback.reason is not null and v_feedback.rating = 'helpful' then
    perform app.invalid('reason', 'goes with unhelpful alone');
  end if;
  insert into app.feedback as f (tenant_id, answer_id, user_id, rating, reason, comment)
  values (
    v_access.tenant_id, p_answer, v_access.user_id, v_feedback.rating, v_feedback.reason,
    v_feedback.comment)
  on conflict (tenant_id, answer_id, user_id) do update
  set rating = excluded.rating, reason = excluded.reason, comment = excluded.comment, updated_at = now()
  returning * into v_feedback;
  -- Both times are now() in the transaction that inserts, and only in that one.
  v_new := v_feedback.created_at = v_feedback.updated_at;
  perform app.write_audit(
    v_access.tenant_id, 'member', v_access.user_id::text, 'feedback.given', p_answer, p_command,
    jsonb_strip_nulls(jsonb_build_object('rating', v_feedback.rating, 'reason', v_feedback.reason)));
  return app.reply(
    v_access.tenant_id, v_access.user_id::text, p_command, case when v_new then 201 else 200 end,
    app.feedback_json(v_feedback));
end
$$;

-- p_filter: {rating?, reason?, since?, until?}; since counts, until does not. The newest first.
-- {access, rows: [feedback with conversation_id, user, question, answer, mode, query_type, citations],
-- next}
create function api.list_feedback(
  p_filter jsonb default '{}', p_limit int default 20, p_after jsonb default null
)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_rating text := app.optional_word(p_filter, 'rating', 'helpful', 'unhelpful');
  v_reasons text[] := app.texts_of(p_filter, 'reason');
  v_since timestamptz := app.time_of(p_filter, 'since');
  v_until timestamptz := app.time_of(p_filter, 'until');
  v_rows jsonb;
  v_users uuid[];
  v_people jsonb;
begin
  perform app.require_page_size(p_limit);
  select
    coalesce(jsonb_agg(
      app.feedback_json(f) || jsonb_build_object(
        'conversation_id', m.conversation_id,
        'question', q.text,
        'answer', m.text,
        'mode', m.mode,
        'query_type', m.query_type,
        'citations', m.citations)
      order by f.updated_at desc, f.answer_id desc, f.user_id desc), '[]'),
    array_agg(f.user_id)
  into v_rows, v_users
  from (
    select * from app.feedback as f
    where f.tenant_id = v_access.tenant_id
      and (v_rating is null or f.rating = v_rating)
      and (v_reasons is null or f.reason = any (v_reasons))
      and (v_since is null or f.updated_at >= v_since)
      and (v_until is null or f.updated_at < v_until)
      and (p_after is null or (f.updated_at, f.answer_id, f.user_id) < (
        (p_after ->> 'updated_at')::timestamptz, (p_after ->> 'answer_id')::uuid,
        (p_after ->> 'user_id')::uuid))
    order by f.updated_at desc, f.answer_id desc, f.user_id desc
    limit p_limit + 1
  ) as f
  join app.messages as m on m.tenant_id = v_access.tenant_id and m.id = f.answer_id
  left join lateral (
    select b.text from app.messages as b
    where b.tenant_id = v_access.tenant_id and b.conversation_id = m.conversation_id
      and b.role = 'user' and b.position < m.position
    order by b.position desc
    limit 1
  ) as q on true;
  v_people := app.people_json(v_access, v_users);
  select coalesce(jsonb_agg(r || jsonb_build_object('user', v_people -> (r ->> 'user_id')) order by n), '[]')
  into v_rows
  from jsonb_array_elements(v_rows) with ordinality as rows (r, n);
  return app.page_json(v_access, v_rows, p_limit, 'updated_at', 'answer_id', 'user_id');
end
$$;

-- p_filter: {since?, until?}. {access, helpful, unhelpful, by_query_type: [{query_type, helpful,
-- unhelpful}], by_reason: [{reason, count}]}; the worst first.
create function api.summarize_feedback(p_filter jsonb default '{}')
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('agent');
  v_since timestamptz := app.time_of(p_filter, 'since');
  v_until timestamptz := app.time_of(p_filter, 'until');
begin
  return (
    with given as materialized (
      select f.rating, f.reason, m.query_type
      from app.feedback as f
      join app.messages as m on m.tenant_id = f.tenant_id and m.id = f.answer_id
      where f.tenant_id = v_access.tenant_id
        and (v_since is null or f.updated_at >= v_since)
        and (v_until is null or f.updated_at < v_until)
    ),
    by_type as (
      select g.query_type, count(*) filter (where g.rating = 'helpful') as helpful,
        count(*) filter (where g.rating = 'unhelpful') as unhelpful
      from given as g group by g.query_type
    ),
    by_reason as (
      select g.reason, count(*) as count from given as g where g.reason is not null group by g.reason
    )
    select jsonb_build_object(
      'access', app.access_json(v_access),
      'helpful', (select count(*) from given as g where g.rating = 'helpful'),
      'unhelpful', (select count(*) from given as g where g.rating = 'unhelpful'),
      'by_query_type', (
        select coalesce(jsonb_agg(to_jsonb(t) order by t.unhelpful desc, t.query_type), '[]') from by_type as t),
      'by_reason', (
        select coalesce(jsonb_agg(to_jsonb(r) order by r.count desc, r.reason), '[]') from by_reason as r)));
end
$$;

call app.publish_function('api.give_feedback', 'authenticated');
call app.publish_function('api.list_feedback', 'authenticated');
call app.publish_function('api.summarize_feedback', 'authenticated');
