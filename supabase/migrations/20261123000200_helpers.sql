-- Small pure helpers: errors, JSON input, money, and the folding that search relies on.

-- Raises an error that PostgREST turns into that HTTP status. DETAIL is the documented error code,
-- HINT its JSON details, the message a sentence for a person. Never name another tenant's facts.
create function app.fail(p_status int, p_code text, p_message text, p_details jsonb default '{}')
returns void
language plpgsql
set search_path = ''
as $$
begin
  raise exception '%', p_message
    using errcode = 'PT' || p_status, detail = p_code, hint = p_details::text;
end
$$;

-- The common refusal: one field, one sentence.
create function app.invalid(p_field text, p_message text)
returns void
language plpgsql
set search_path = ''
as $$
begin
  perform app.fail(
    400, 'invalid_request', p_field || ': ' || p_message,
    jsonb_build_object('errors', jsonb_build_array(
      jsonb_build_object('field', p_field, 'message', p_message)))
  );
end
$$;

-- Text of a JSON field, trimmed; empty counts as absent.
create function app.text_of(p_value jsonb, p_field text)
returns text
language sql
immutable
as $$ select nullif(btrim(p_value ->> p_field), '') $$;

-- A uuid, or null when the text is none.
create function app.uuid_or_null(p_text text)
returns uuid
language sql
immutable
as $$
  select case when p_text ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then p_text::uuid end
$$;

-- A required uuid field of a JSON value; refuses anything else.
create function app.require_uuid(p_value jsonb, p_field text)
returns uuid
language plpgsql
set search_path = ''
as $$
declare
  v_id uuid := app.uuid_or_null(p_value ->> p_field);
begin
  if v_id is null then
    perform app.invalid(p_field, 'must be a UUID');
  end if;
  return v_id;
end
$$;

-- A required text field with a largest length; refuses anything else.
create function app.require_text(p_value jsonb, p_field text, p_max int default 200)
returns text
language plpgsql
set search_path = ''
as $$
declare
  v_text text := app.text_of(p_value, p_field);
begin
  if v_text is null then
    perform app.invalid(p_field, 'is required');
  elsif length(v_text) > p_max then
    perform app.invalid(p_field, format('has at most %s characters', p_max));
  end if;
  return v_text;
end
$$;

-- A JSON array of texts, or one text, as an array; null when absent.
create function app.texts_of(p_value jsonb, p_field text)
returns text[]
language sql
immutable
as $$
  select case jsonb_typeof(p_value -> p_field)
    when 'array' then array(select jsonb_array_elements_text(p_value -> p_field))
    when 'string' then array[p_value ->> p_field]
  end
$$;

-- Timestamps leave as UTC ISO 8601 with a Z, whatever the session's time zone is.
create function app.utc(p_at timestamptz)
returns text
language sql
stable
as $$ select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;

-- Decimal places of a currency's minor unit (ISO 4217).
create function app.currency_exponent(p_currency text)
returns int
language sql
immutable
as $$
  select case
    when p_currency in ('BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF',
                        'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF') then 0
    when p_currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 3
    else 2
  end
$$;

-- Minor units as the wire's money: {"amount": "1234.50", "currency": "EUR"}.
create function app.money_json(p_minor bigint, p_currency text)
returns jsonb
language sql
stable
as $$
  select case when p_minor is not null then jsonb_build_object(
    'amount', round(p_minor / power(10::numeric, app.currency_exponent(p_currency)),
                    app.currency_exponent(p_currency))::text,
    'currency', p_currency::text)
  end
$$;

-- An amount as text in minor units; refuses more decimals than the currency has.
create function app.money_minor(p_amount text, p_currency text)
returns bigint
language plpgsql
immutable
set search_path = ''
as $$
declare
  v_minor numeric;
begin
  if p_currency is null or p_currency !~ '^[A-Z]{3}$' then
    perform app.invalid('currency', 'must be a three-letter ISO 4217 code');
  end if;
  if p_amount is null or p_amount !~ '^-?[0-9]{1,15}(\.[0-9]{1,6})?$' then
    perform app.invalid('amount', 'must be a decimal number written as text');
  end if;
  v_minor := p_amount::numeric * power(10::numeric, app.currency_exponent(p_currency));
  if v_minor <> trunc(v_minor) then
    perform app.invalid('amount', format('%s has fewer decimals', p_currency));
  end if;
  return v_minor::bigint;
end
$$;

-- E.164 from a number written with + or 00; null when the country is not written.
create function app.phone_e164(p_phone text)
returns text
language sql
immutable
as $$
  select case when d ~ '^(\+|00)[1-9][0-9]{6,14}$' then '+' || regexp_replace(d, '^(\+|00)', '') end
  from (select regexp_replace(p_phone, '[^0-9+]', '', 'g') as d) as digits
$$;

-- unaccent() is only stable because its dictionary can be swapped; this one names the dictionary
-- that ships with the extension, which indexes may rely on.
create function app.unaccented(p_text text)
returns text
language sql
immutable parallel safe strict
as $$ select extensions.unaccent('extensions.unaccent'::regdictionary, p_text) $$;

-- One spelling for comparison: Łukasz = lukasz, ΕΛΈΝΗΣ = ελενησ, Ａ = a. Compatibility forms are
-- unified, combining marks (Latin, Greek, Cyrillic, Arabic) dropped, letters such as ł and ß folded.
create function app.fold(p_text text)
returns text
language sql
immutable parallel safe strict
as $$
  select case when p_text !~ '[^\x01-\x7f]' then lower(p_text) else translate(
    lower(app.unaccented(normalize(
      regexp_replace(normalize(p_text, nfkd), '[\u0300-\u036f\u0640\u064b-\u0655\u0670]', '', 'g'),
      nfkc))),
    'ς', 'σ') end
$$;

-- The same with umlauts written out (Müller = mueller), as people type them on other keyboards; null
-- when there is none.
create function app.fold_expanded(p_text text)
returns text
language sql
immutable parallel safe strict
as $$
  select case when normalize(p_text, nfc) ~ '[äöüÄÖÜøØåÅ]' then app.fold(
    replace(replace(replace(replace(replace(replace(replace(replace(replace(replace(normalize(p_text, nfc),
      'ä', 'ae'), 'ö', 'oe'), 'ü', 'ue'), 'Ä', 'Ae'), 'Ö', 'Oe'), 'Ü', 'Ue'),
      'ø', 'oe'), 'Ø', 'Oe'), 'å', 'aa'), 'Å', 'Aa')) end
$$;

-- A text as a LIKE operand in which %, _ and \ mean themselves.
create function app.like_literal(p_text text)
returns text
language sql
immutable
as $$ select replace(replace(replace(p_text, '\', '\\'), '%', '\%'), '_', '\_') $$;
