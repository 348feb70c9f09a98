-- The answer that this Idempotency-Key got before, so that asking again costs no second answer:
-- {access, answer: {conversation_id, id, text, mode, degraded, degraded_reason, query_type, citations,
-- timings}}, answer null when there is none yet. Raises as app.claim_key does.
create function api.find_answer(p_command jsonb)
returns jsonb
language plpgsql
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('visitor');
  v_replay jsonb := app.claim_key(v_access.tenant_id, v_access.user_id::text, p_command);
begin
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'answer', (
      select jsonb_build_object(
        'conversation_id', m.conversation_id, 'id', m.id, 'text', m.text, 'mode', m.mode,
        'degraded', m.degraded, 'degraded_reason', m.degraded_reason, 'query_type', m.query_type,
        'citations', m.citations, 'timings', m.timings)
      from app.messages as m
      where m.tenant_id = v_access.tenant_id
        and m.id = app.uuid_or_null(v_replay #>> '{data,answer_id}')));
end
$$;

call app.publish_function('api.find_answer', 'authenticated');
