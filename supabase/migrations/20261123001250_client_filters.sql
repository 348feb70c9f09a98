-- Which clients a list is about: one reading of p_filter and one predicate, shared by search and
-- pipeline, so that neither can forget the tenant or the visibility rule.

create type app.client_filter as (
  restricted_to uuid,
  stages text[],
  sources text[],
  consultant_id uuid,
  consultant_name text
);

-- p_filter: {stage?: text or [text], source?: text or [text], consultant?: member id, "me" or name}.
create function app.read_client_filter(p_access app.access, p_filter jsonb)
returns app.client_filter
language plpgsql
stable
set search_path = ''
as $$
declare
  v_filter app.client_filter;
  v_consultant text := app.text_of(p_filter, 'consultant');
begin
  if p_access.tenant_id is null then
    perform app.fail(403, 'tenant_required', 'This token names no tenant. Choose one and sign in again.');
  end if;
  v_filter.restricted_to := case when p_access.visibility = 'own' then p_access.user_id end;
  v_filter.stages := app.texts_of(p_filter, 'stage');
  if not v_filter.stages <@ array['QUOTED', 'NEGOTIATING', 'BOOKED', 'PAID', 'TRAVELLED', 'LOST'] then
    perform app.invalid('stage', 'must be QUOTED, NEGOTIATING, BOOKED, PAID, TRAVELLED or LOST');
  end if;
  v_filter.sources := app.texts_of(p_filter, 'source');
  if not v_filter.sources <@ array['manual', 'quote', 'email', 'website', 'import'] then
    perform app.invalid('source', 'must be manual, quote, email, website or import');
  end if;
  if v_consultant = 'me' then
    v_filter.consultant_id := p_access.user_id;
  else
    v_filter.consultant_id := app.uuid_or_null(v_consultant);
    if v_filter.consultant_id is null then
      v_filter.consultant_name := v_consultant;
    end if;
  end if;
  return v_filter;
end
$$;

-- The predicate over app.clients as c with the parameters $1 tenant, $2 restricted_to, $3 stages,
-- $4 sources, $5 consultant id, $6 consultant name. Only what was asked for is in it, so that each
-- filter shape is planned for itself.
create function app.client_predicate(p_filter app.client_filter)
returns text
language sql
immutable
as $$
  select concat_ws(' and ',
    'c.tenant_id = $1 and c.deleted_at is null',
    case when p_filter.restricted_to is not null then 'c.consultant_id = $2' end,
    case cardinality(p_filter.stages) when 1 then 'c.stage = ($3)[1]' else
      case when p_filter.stages is not null then 'c.stage = any ($3)' end end,
    case when p_filter.sources is not null then 'c.source = any ($4)' end,
    case when p_filter.consultant_id is not null then 'c.consultant_id = $5' end,
    case when p_filter.consultant_name is not null then 'lower(c.consultant_name) = lower($6)' end)
$$;
