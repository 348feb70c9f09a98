-- A command that builds on an answer keeps its conversation from being deleted meanwhile: whoever comes
-- second waits, and then either finds no answer or deletes the feedback too.

-- The answer when the caller may see it; not_found otherwise, and for a question. Its conversation stays
-- until the transaction ends.
create or replace function app.visible_answer(p_access app.access, p_id uuid)
returns app.messages
language plpgsql
volatile
set search_path = ''
as $$
declare
  v_answer app.messages;
begin
  select m.* into v_answer
  from app.messages as m
  join app.conversations as c on c.tenant_id = m.tenant_id and c.id = m.conversation_id
  where m.tenant_id = p_access.tenant_id and m.id = p_id and m.role = 'assistant'
    and (c.user_id = p_access.user_id or app.is_staff(p_access))
  for key share of c;
  if not found then
    perform app.fail(404, 'not_found', 'There is no such answer.', '{"field": "answer_id"}');
  end if;
  return v_answer;
end
$$;
