-- What the helpdesk's desk adds: why an answer was no use, what a ticket carries, and its history.

alter table app.feedback
  add column reason text check (reason in ('wrong', 'incomplete', 'outdated', 'not_understood', 'other')),
  add constraint feedback_reason_belongs_to_a_complaint check (reason is null or rating = 'unhelpful');

alter table app.tickets
  -- The answer that the ticket is about. No foreign key: conversations end before their tickets do.
  add column answer_id uuid,
  -- How to reach somebody who is no member: {name?, email?, phone?}
  add column contact jsonb check (jsonb_typeof(contact) = 'object'),
  add column search_text text not null generated always as (app.fold(number || E'\n' || subject)) stored;

-- The conversation as it was when the ticket was opened, independent of what becomes of it. Beside the
-- ticket, so that a list does not carry it.
create table app.ticket_transcripts (
  tenant_id uuid not null,
  ticket_id uuid not null,
  -- [{id, role, text, mode, citations, created_at}]
  messages jsonb not null check (jsonb_typeof(messages) = 'array'),
  primary key (tenant_id, ticket_id),
  foreign key (tenant_id, ticket_id) references app.tickets (tenant_id, id)
);
call app.isolate_table('app.ticket_transcripts', 'select, insert, delete');

-- Everything that happened to a ticket, comments included, in order. Requesters see what is public.
create table app.ticket_events (
  tenant_id uuid not null,
  id uuid not null,
  ticket_id uuid not null,
  position int not null check (position > 0),
  type text not null check (
    type in ('opened', 'edited', 'assigned', 'status_changed', 'commented', 'transcript_removed')),
  visibility text not null check (visibility in ('public', 'internal')),
  -- Null when the platform did it.
  actor_id uuid,
  text text check (length(text) between 1 and 10000),
  -- edited: {fields}; assigned and status_changed: {from, to}
  details jsonb not null default '{}' check (jsonb_typeof(details) = 'object'),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, ticket_id, position),
  foreign key (tenant_id, ticket_id) references app.tickets (tenant_id, id),
  check ((type = 'commented') = (text is not null))
);
call app.isolate_table('app.ticket_events', 'select, insert');

-- A conversation that is deleted is gone, with its messages and what was said about them.
grant delete on app.conversations, app.messages, app.feedback to frontdesk_app;

-- Tickets are numbered like quotes and invoices: by year of the tenant's time zone.
create or replace function app.take_number(
  p_tenant uuid, p_kind text, p_time_zone text, p_at timestamptz default now()
)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_prefix text := case p_kind
    when 'client' then 'CLI' when 'quote' then 'Q' when 'invoice' then 'INV' when 'ticket' then 'T' end;
  v_year int := case p_kind when 'client' then 0 else extract(year from p_at at time zone p_time_zone) end;
  v_number bigint;
begin
  insert into app.number_counters as c (tenant_id, kind, year, last_number)
  values (p_tenant, p_kind, v_year, 1)
  on conflict (tenant_id, kind, year) do update set last_number = c.last_number + 1
  returning c.last_number into v_number;
  return case v_year
    when 0 then v_prefix || '-' || lpad(v_number::text, greatest(8, length(v_number::text)), '0')
    else v_prefix || '-' || v_year || '-' || lpad(v_number::text, greatest(4, length(v_number::text)), '0')
  end;
end
$$;
