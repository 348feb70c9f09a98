-- Conversations with their questions and answers, feedback on answers, and tickets.

create table app.conversations (
  tenant_id uuid not null references app.tenants (id),
  id uuid not null,
  user_id uuid not null,
  channel text not null default 'staff' check (channel in ('staff', 'website')),
  title text check (length(title) <= 200),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id)
);
create index conversations_by_user on app.conversations (tenant_id, user_id, updated_at desc, id desc);

create table app.messages (
  tenant_id uuid not null,
  id uuid not null,
  conversation_id uuid not null,
  position int not null check (position > 0),
  role text not null check (role in ('user', 'assistant')),
  text text not null check (length(text) <= 20000),
  -- Of an answer: how it was made and what it rests on.
  mode text check (mode in ('generated', 'extractive', 'no_answer')),
  degraded boolean,
  degraded_reason text,
  query_type text,
  citations jsonb not null default '[]' check (jsonb_typeof(citations) = 'array'),
  timings jsonb not null default '{}' check (jsonb_typeof(timings) = 'object'),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, conversation_id, position),
  foreign key (tenant_id, conversation_id) references app.conversations (tenant_id, id),
  check ((role = 'assistant') = (mode is not null))
);

create table app.feedback (
  tenant_id uuid not null,
  answer_id uuid not null,
  user_id uuid not null,
  rating text not null check (rating in ('helpful', 'unhelpful')),
  comment text check (length(comment) <= 2000),
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, answer_id, user_id),
  foreign key (tenant_id, answer_id) references app.messages (tenant_id, id)
);

create table app.tickets (
  tenant_id uuid not null references app.tenants (id),
  id uuid not null,
  number text not null,
  subject text not null check (length(subject) between 1 and 300),
  description text not null default '' check (length(description) <= 20000),
  status text not null default 'open' check (status in ('open', 'in_progress', 'resolved', 'closed')),
  priority text not null default 'normal' check (priority in ('low', 'normal', 'high', 'urgent')),
  client_id uuid,
  conversation_id uuid,
  requester_id uuid not null,
  assignee_id uuid,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  resolved_at timestamptz,
  closed_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, number),
  foreign key (tenant_id, client_id) references app.clients (tenant_id, id),
  foreign key (tenant_id, conversation_id) references app.conversations (tenant_id, id),
  foreign key (tenant_id, assignee_id) references app.tenant_members (tenant_id, user_id)
);
create index tickets_by_status on app.tickets (tenant_id, status, updated_at desc, id desc);
create index tickets_by_client on app.tickets (tenant_id, client_id) where client_id is not null;

call app.isolate_table('app.conversations', 'select, insert, update');
call app.isolate_table('app.messages', 'select, insert');
call app.isolate_table('app.feedback', 'select, insert, update');
call app.isolate_table('app.tickets', 'select, insert, update');
