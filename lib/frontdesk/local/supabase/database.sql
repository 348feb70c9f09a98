-- Once per database, as the superuser: the schemas and helper functions that a hosted project comes with.
-- The API server makes its own auth tables, hence authenticator owns that schema here.
revoke create on schema public from public;
alter schema public owner to postgres;
create schema auth authorization authenticator;
create schema extensions authorization postgres;
grant usage on schema auth to postgres, anon, authenticated, service_role, supabase_auth_admin;
grant usage on schema extensions, public to anon, authenticated, service_role, authenticator;

set role authenticator;
create function auth.uid() returns uuid language sql stable
  as $$ select nullif(current_setting('request.jwt.claim.sub', true), '')::uuid $$;
create function auth.role() returns text language sql stable
  as $$ select nullif(current_setting('request.jwt.claim.role', true), '') $$;
create function auth.jwt() returns jsonb language sql stable
  as $$ select coalesce(nullif(current_setting('request.jwt.claims', true), ''), '{}')::jsonb $$;
reset role;
