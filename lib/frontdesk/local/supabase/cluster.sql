-- Once per cluster, as its superuser: the roles that a hosted Supabase project comes with.
-- postgres owns the database and runs migrations, but is no superuser, as hosted.
-- authenticator is who the API logs in as: it has no rights of its own and may only become one of
-- the three API roles, so a token that claims any other role gets nowhere.
create role anon nologin noinherit;
create role authenticated nologin noinherit;
create role service_role nologin noinherit bypassrls;
create role postgres login nosuperuser createrole createdb bypassrls;
create role authenticator login noinherit nosuperuser nobypassrls;
create role supabase_auth_admin nologin noinherit createrole;
grant anon, authenticated, service_role to authenticator;
grant anon, authenticated, service_role to postgres with admin option;
alter role postgres set search_path = "$user", public, extensions;
