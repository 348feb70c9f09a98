-- One client as JSON, and everything about one client.

-- {"id": the member or null, "name": …}, null when the client has no consultant.
create function app.consultant_json(p_id uuid, p_name text)
returns jsonb
language sql
stable
as $$
  select case when p_id is not null or p_name is not null
    then jsonb_build_object('id', p_id, 'name', p_name) end
$$;

-- A client as commands and reads return it.
create function app.client_json(p_client app.clients)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object(
    'id', p_client.id,
    'number', p_client.number,
    'external_id', p_client.external_id,
    'name', p_client.name,
    'email', p_client.email,
    'phone', p_client.phone,
    'phone_e164', p_client.phone_e164,
    'company', p_client.company,
    'source', p_client.source,
    'consultant', app.consultant_json(p_client.consultant_id, p_client.consultant_name),
    'stage', p_client.stage,
    'tags', p_client.tags,
    'notes', p_client.notes,
    'version', p_client.version,
    'created_at', app.utc(p_client.created_at),
    'updated_at', app.utc(p_client.updated_at),
    'last_activity_at', app.utc(p_client.last_activity_at))
$$;

create function app.quote_summary_json(p_quote app.quotes)
returns jsonb
language sql
stable
as $$
  select jsonb_build_object(
    'id', p_quote.id,
    'number', p_quote.number,
    'status', p_quote.status,
    'title', p_quote.title,
    'destination', p_quote.destination,
    'travel_from', p_quote.travel_from,
    'travel_to', p_quote.travel_to,
    'total', app.money_json(p_quote.total_minor, p_quote.currency),
    'created_at', app.utc(p_quote.created_at))
$$;

-- The client's worth per currency: [money, …].
create function app.client_values_json(p_tenant uuid, p_client uuid)
returns jsonb
language sql
stable
as $$
  select coalesce(jsonb_agg(app.money_json(v.total_minor, v.currency) order by v.currency), '[]')
  from app.client_values as v
  where v.tenant_id = p_tenant and v.client_id = p_client
$$;

-- {access, client: {…, values, quotes[≤100], activities[≤100]}}; not_found when it is not visible.
create function api.read_client(p_id uuid)
returns jsonb
language plpgsql
stable
security definer
set search_path = ''
as $$
declare
  v_access app.access := app.require_role('viewer');
  v_client app.clients;
begin
  select * into v_client
  from app.clients as c
  where c.tenant_id = v_access.tenant_id and c.id = p_id and c.deleted_at is null;
  if not found then
    perform app.fail(404, 'not_found', 'There is no such client.');
  end if;
  return jsonb_build_object(
    'access', app.access_json(v_access),
    'client', app.client_json(v_client) || jsonb_build_object(
      'values', app.client_values_json(v_access.tenant_id, p_id),
      'quotes', (
        select coalesce(jsonb_agg(app.quote_summary_json(q) order by q.created_at desc, q.id desc), '[]')
        from (
          select * from app.quotes as q
          where q.tenant_id = v_access.tenant_id and q.client_id = p_id and q.deleted_at is null
          order by q.created_at desc, q.id desc
          limit 100
        ) as q),
      'activities', (
        select coalesce(jsonb_agg(jsonb_build_object(
            'id', a.id, 'type', a.type, 'description', a.description, 'metadata', a.metadata,
            'actor_id', a.actor_id, 'occurred_at', app.utc(a.occurred_at)
          ) order by a.occurred_at desc, a.id desc), '[]')
        from (
          select * from app.activities as a
          where a.tenant_id = v_access.tenant_id and a.client_id = p_id
          order by a.occurred_at desc, a.id desc
          limit 100
        ) as a)));
end
$$;
call app.publish_function('api.read_client', 'authenticated');
