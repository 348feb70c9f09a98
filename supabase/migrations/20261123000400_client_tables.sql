-- The CRM: clients, what they are worth per currency, what happened with them, and human numbers.

-- The names a client goes by, folded, with umlauts also written out: what near spellings are of.
create function app.client_names_text(p_name text, p_company text)
returns text
language sql
immutable parallel safe
as $$
  select concat_ws(E'\n',
    app.fold(p_name), app.fold_expanded(p_name), app.fold(p_company), app.fold_expanded(p_company))
$$;

-- Everything a client can be found by, one field a line so that no match spans two fields.
create function app.client_search_text(
  p_name text, p_email text, p_phone text, p_phone_e164 text, p_company text, p_number text
)
returns text
language sql
immutable parallel safe
as $$
  select concat_ws(E'\n',
    app.client_names_text(p_name, p_company),
    lower(p_email),
    nullif(regexp_replace(p_phone, '[^0-9]', '', 'g'), ''),
    nullif(substr(p_phone_e164, 2), regexp_replace(p_phone, '[^0-9]', '', 'g')),
    lower(p_number))
$$;

-- What is too short for a trigram and must be found all the same: each one or two neighbouring
-- characters of scripts beyond ASCII (李, 李雷), the first one and two letters of an ASCII word, and
-- each punctuation mark.
create function app.short_pieces(p_text text)
returns text[]
language sql
immutable parallel safe cost 5000
as $$
  select coalesce(array_agg(distinct piece), '{}')
  from (
    select left(word[1], size) as piece
    from regexp_matches(p_text, '[a-z0-9]+', 'g') as word, generate_series(1, 2) as size
    union all
    select substr(run[1], place, size)
    from regexp_matches(p_text, '[^\x01-\x7f]+', 'g') as run, generate_series(1, 2) as size,
      generate_series(1, length(run[1]) - size + 1) as place
    union all
    select mark[1] from regexp_matches(p_text, '[^a-z0-9\s\x80-\U0010ffff]', 'g') as mark
  ) as pieces
$$;

create table app.clients (
  tenant_id uuid not null references app.tenants (id),
  id uuid not null,
  number text not null,
  -- What another system calls this client; an import finds it again by that.
  external_id text check (length(external_id) <= 200),
  name text not null check (length(name) between 1 and 200),
  email text check (length(email) <= 320),
  email_normal text generated always as (lower(btrim(email))) stored,
  phone text check (length(phone) <= 50),
  phone_e164 text check (phone_e164 ~ '^\+[1-9][0-9]{6,14}$'),
  company text check (length(company) <= 200),
  source text not null default 'manual' check (
    source in ('manual', 'quote', 'email', 'website', 'import')),
  stage text not null default 'QUOTED' check (
    stage in ('QUOTED', 'NEGOTIATING', 'BOOKED', 'PAID', 'TRAVELLED', 'LOST')),
  -- A consultant is a member; one who never had an account is known by name alone.
  consultant_id uuid,
  consultant_name text check (length(consultant_name) <= 200),
  tags text[] not null default '{}' check (cardinality(tags) <= 50),
  notes text check (length(notes) <= 10000),
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  -- Kept by the commands that log activities; starts as the creation, so it can be a sort key.
  last_activity_at timestamptz not null default now(),
  deleted_at timestamptz,
  name_key text collate "C" not null generated always as (app.fold(name)) stored,
  names_text text not null generated always as (app.client_names_text(name, company)) stored,
  search_text text not null generated always as (
    app.client_search_text(name, email, phone, phone_e164, company, number)) stored,
  primary key (tenant_id, id),
  unique (tenant_id, number),
  foreign key (tenant_id, consultant_id) references app.tenant_members (tenant_id, user_id)
);
create unique index clients_unique_email on app.clients (tenant_id, email_normal)
  where deleted_at is null;
create unique index clients_unique_phone on app.clients (tenant_id, phone_e164)
  where deleted_at is null;
create unique index clients_unique_external_id on app.clients (tenant_id, external_id)
  where deleted_at is null;
-- The planner chooses between walking a sort order and the trigram index by these estimates.
alter table app.clients alter column search_text set statistics 500;

-- What a client's quotes add up to, per currency. The client's filter columns are copied beside it by
-- the triggers below, so that the pipeline sums an index and joins nothing.
create table app.client_values (
  tenant_id uuid not null,
  client_id uuid not null,
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  total_minor bigint not null,
  quote_count int not null check (quote_count >= 0),
  stage text not null,
  source text not null,
  consultant_id uuid,
  consultant_name text,
  deleted_at timestamptz,
  primary key (tenant_id, client_id, currency),
  foreign key (tenant_id, client_id) references app.clients (tenant_id, id)
);

create function app.copy_client_to_value()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  select c.stage, c.source, c.consultant_id, c.consultant_name, c.deleted_at
  into new.stage, new.source, new.consultant_id, new.consultant_name, new.deleted_at
  from app.clients as c
  where c.tenant_id = new.tenant_id and c.id = new.client_id;
  return new;
end
$$;
create trigger client_values_follow_their_client
  before insert on app.client_values
  for each row execute function app.copy_client_to_value();

create function app.copy_client_to_values()
returns trigger
language plpgsql
set search_path = ''
as $$
begin
  update app.client_values as v
  set stage = new.stage, source = new.source, consultant_id = new.consultant_id,
      consultant_name = new.consultant_name, deleted_at = new.deleted_at
  where v.tenant_id = new.tenant_id and v.client_id = new.id;
  return null;
end
$$;
create trigger clients_take_their_values_along
  after update of stage, source, consultant_id, consultant_name, deleted_at on app.clients
  for each row
  when ((old.stage, old.source, old.consultant_id, old.consultant_name, old.deleted_at)
    is distinct from (new.stage, new.source, new.consultant_id, new.consultant_name, new.deleted_at))
  execute function app.copy_client_to_values();

create table app.activities (
  tenant_id uuid not null,
  id uuid not null,
  client_id uuid not null,
  type text not null check (type ~ '^[a-z][a-z_]{1,39}$'),
  description text not null check (length(description) <= 5000),
  metadata jsonb not null default '{}' check (jsonb_typeof(metadata) = 'object'),
  actor_id uuid,
  occurred_at timestamptz not null default now(),
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, client_id) references app.clients (tenant_id, id)
);

-- One counter per tenant, kind and year of the tenant's time zone; year 0 never restarts.
create table app.number_counters (
  tenant_id uuid not null references app.tenants (id),
  kind text not null check (kind in ('client', 'quote', 'invoice', 'ticket')),
  year int not null,
  last_number bigint not null check (last_number >= 0),
  primary key (tenant_id, kind, year)
);

-- The next human number, gap-free: the row stays locked until the command commits or rolls back.
create function app.take_number(p_tenant uuid, p_kind text, p_time_zone text, p_at timestamptz default now())
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_year int := case when p_kind in ('quote', 'invoice') then extract(year from p_at at time zone p_time_zone) else 0 end;
  v_number bigint;
begin
  insert into app.number_counters as c (tenant_id, kind, year, last_number)
  values (p_tenant, p_kind, v_year, 1)
  on conflict (tenant_id, kind, year) do update set last_number = c.last_number + 1
  returning c.last_number into v_number;
  return case p_kind
    when 'client' then 'CLI-' || lpad(v_number::text, 8, '0')
    when 'quote' then 'Q-' || v_year || '-' || lpad(v_number::text, greatest(4, length(v_number::text)), '0')
    when 'invoice' then 'INV-' || v_year || '-' || lpad(v_number::text, greatest(4, length(v_number::text)), '0')
    when 'ticket' then 'T-' || lpad(v_number::text, greatest(6, length(v_number::text)), '0')
  end;
end
$$;

call app.isolate_table('app.number_counters', 'select, insert, update');

-- Clients and what hangs on them follow the tenant's visibility setting as well.
call app.isolate_table('app.clients', 'select, insert, update');
create policy own_clients on app.clients as restrictive for all to frontdesk_app
  using ((select app.restricted_to()) is null or consultant_id = (select app.restricted_to()));

create procedure app.follow_client_visibility(p_table regclass)
language plpgsql
set search_path = ''
as $$
begin
  -- The inner read of clients is under that table's own policies.
  execute format(
    'create policy own_clients on %1$s as restrictive for all to frontdesk_app using ('
    '(select app.restricted_to()) is null or exists (select from app.clients as c '
    'where c.tenant_id = %1$s.tenant_id and c.id = %1$s.client_id))',
    p_table
  );
end
$$;

call app.isolate_table('app.client_values', 'select, insert, update, delete');
call app.follow_client_visibility('app.client_values');
call app.isolate_table('app.activities', 'select, insert');
call app.follow_client_visibility('app.activities');
