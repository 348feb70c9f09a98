-- Quotes and invoices, their lines, payments, and the links customers open them with.
-- Money is bigint minor units of the row's currency; totals are kept by the commands.

create table app.quotes (
  tenant_id uuid not null references app.tenants (id),
  id uuid not null,
  client_id uuid not null,
  number text not null,
  status text not null default 'draft' check (
    status in ('draft', 'quoted', 'sent', 'viewed', 'accepted', 'declined', 'expired', 'converted')),
  title text check (length(title) <= 200),
  destination text check (length(destination) <= 200),
  travel_from date,
  travel_to date,
  -- {"adults": 2, "children": [4, 9]}
  guests jsonb not null default '{}' check (jsonb_typeof(guests) = 'object'),
  rooms int check (rooms between 1 and 500),
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  subtotal_minor bigint not null default 0,
  tax_minor bigint not null default 0,
  total_minor bigint not null default 0,
  notes text check (length(notes) <= 10000),
  valid_until date,
  sent_at timestamptz,
  version int not null default 1,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  deleted_at timestamptz,
  primary key (tenant_id, id),
  unique (tenant_id, number),
  foreign key (tenant_id, client_id) references app.clients (tenant_id, id),
  check (travel_to >= travel_from)
);
create index quotes_by_client on app.quotes (tenant_id, client_id, created_at desc, id desc)
  where deleted_at is null;
create index quotes_by_status on app.quotes (tenant_id, status, created_at desc, id desc)
  where deleted_at is null;

create table app.quote_items (
  tenant_id uuid not null,
  id uuid not null,
  quote_id uuid not null,
  position int not null check (position > 0),
  kind text not null check (kind in ('hotel', 'flight', 'transfer', 'activity', 'package', 'fee', 'other')),
  description text not null check (length(description) between 1 and 2000),
  -- What the card of that kind shows: stars, room, meal plan, times …
  details jsonb not null default '{}' check (jsonb_typeof(details) = 'object'),
  quantity numeric(12, 3) not null default 1 check (quantity > 0),
  unit_minor bigint not null,
  tax_rate numeric(6, 3) not null default 0 check (tax_rate between 0 and 100),
  total_minor bigint not null,
  primary key (tenant_id, id),
  unique (tenant_id, quote_id, position),
  foreign key (tenant_id, quote_id) references app.quotes (tenant_id, id)
);

create table app.invoices (
  tenant_id uuid not null references app.tenants (id),
  id uuid not null,
  client_id uuid not null,
  quote_id uuid,
  -- Taken when the invoice is issued: a draft that is thrown away leaves no gap.
  number text,
  status text not null default 'draft' check (
    status in ('draft', 'sent', 'viewed', 'partially_paid', 'paid', 'overdue', 'cancelled')),
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  subtotal_minor bigint not null default 0,
  tax_minor bigint not null default 0,
  total_minor bigint not null default 0,
  paid_minor bigint not null default 0,
  -- Trip, travellers, bill-to and bank block as they were when issued.
  snapshot jsonb not null default '{}' check (jsonb_typeof(snapshot) = 'object'),
  notes text check (length(notes) <= 10000),
  issued_on date,
  due_on date,
  version int not null default 1,
  created_by uuid,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (tenant_id, id),
  unique (tenant_id, number),
  foreign key (tenant_id, client_id) references app.clients (tenant_id, id),
  foreign key (tenant_id, quote_id) references app.quotes (tenant_id, id),
  check (due_on >= issued_on),
  check (status in ('draft', 'cancelled') or number is not null)
);
create index invoices_by_client on app.invoices (tenant_id, client_id, created_at desc, id desc);
create index invoices_by_status on app.invoices (tenant_id, status, due_on);
create index invoices_by_quote on app.invoices (tenant_id, quote_id) where quote_id is not null;

create table app.invoice_items (
  tenant_id uuid not null,
  id uuid not null,
  invoice_id uuid not null,
  position int not null check (position > 0),
  destination text check (length(destination) <= 200),
  description text not null check (length(description) between 1 and 2000),
  quantity numeric(12, 3) not null default 1 check (quantity > 0),
  unit_minor bigint not null,
  tax_rate numeric(6, 3) not null default 0 check (tax_rate between 0 and 100),
  total_minor bigint not null,
  primary key (tenant_id, id),
  unique (tenant_id, invoice_id, position),
  foreign key (tenant_id, invoice_id) references app.invoices (tenant_id, id)
);

create table app.payments (
  tenant_id uuid not null,
  id uuid not null,
  invoice_id uuid not null,
  currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
  -- Negative for a refund.
  amount_minor bigint not null check (amount_minor <> 0),
  method text not null check (method in ('bank_transfer', 'card', 'cash', 'other')),
  reference text check (length(reference) <= 200),
  paid_on date not null,
  recorded_by uuid,
  created_at timestamptz not null default now(),
  primary key (tenant_id, id),
  foreign key (tenant_id, invoice_id) references app.invoices (tenant_id, id)
);
create index payments_by_invoice on app.payments (tenant_id, invoice_id, paid_on);

-- A link is found by the SHA-256 of its token; the token itself is never stored.
create table app.share_links (
  tenant_id uuid not null references app.tenants (id),
  id uuid not null,
  token_sha256 bytea not null check (length(token_sha256) = 32),
  quote_id uuid,
  invoice_id uuid,
  created_by uuid,
  created_at timestamptz not null default now(),
  expires_at timestamptz not null,
  revoked_at timestamptz,
  first_viewed_at timestamptz,
  primary key (tenant_id, id),
  foreign key (tenant_id, quote_id) references app.quotes (tenant_id, id),
  foreign key (tenant_id, invoice_id) references app.invoices (tenant_id, id),
  check (num_nonnulls(quote_id, invoice_id) = 1)
);
-- The token is all that its holder has, so this lookup cannot start with the tenant.
create unique index share_links_by_token on app.share_links (token_sha256);

call app.isolate_table('app.quotes', 'select, insert, update');
call app.follow_client_visibility('app.quotes');
call app.isolate_table('app.invoices', 'select, insert, update');
call app.follow_client_visibility('app.invoices');
call app.isolate_table('app.quote_items', 'select, insert, update, delete');
call app.isolate_table('app.invoice_items', 'select, insert, update, delete');
call app.isolate_table('app.payments', 'select, insert');
call app.isolate_table('app.share_links', 'select, insert, update');

-- A client's worth is what their live quotes add up to, per currency; run by every command that
-- changes a quote.
create function app.refresh_client_values(p_tenant uuid, p_client uuid)
returns void
language plpgsql
set search_path = ''
as $$
begin
  delete from app.client_values where tenant_id = p_tenant and client_id = p_client;
  insert into app.client_values (tenant_id, client_id, currency, total_minor, quote_count)
  select p_tenant, p_client, q.currency, sum(q.total_minor), count(*)
  from app.quotes as q
  where q.tenant_id = p_tenant and q.client_id = p_client and q.deleted_at is null
    and q.status not in ('declined', 'expired')
  group by q.currency;
end
$$;
