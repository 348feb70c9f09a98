"""What the migrations made, read back from Postgres' own catalogue: no table, policy or function
may forget what keeps tenants apart."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import psycopg
import pytest

from frontdesk.platform.database import Rpc, Table

if TYPE_CHECKING:
    from psycopg.abc import QueryNoTemplate

# Each begins with something else than the tenant, and says why.
INDEXES_WITHOUT_TENANT = {
    "tenants_slug_key": "a slug is unique on the platform",
    "tenants_by_creation": "the platform lists all tenants",
    "tenant_members_by_user": "the access-token hook asks for a user's tenants",
    "share_links_by_token": "the token is all that its holder has",
}
CALLERS = ("anon", "authenticated", "service_role")
RUNS_AS = ("frontdesk_app", "frontdesk_platform")
# Across tenants, and never a client, quote, document or conversation.
PLATFORM_TABLES = {
    "tenants",
    "tenant_settings",
    "operations",
    "operation_steps",
    "outbox",
    "idempotency_keys",
    "audit_log",
}
BYPASSING_FUNCTIONS = {"search_clients", "pipeline"}


def column(sql: psycopg.Connection, query: QueryNoTemplate) -> set[str]:
    return {row[0] for row in sql.execute(query).fetchall()}


def test_the_tables_are_those_that_the_code_names(sql: psycopg.Connection) -> None:
    tables = column(sql, "select tablename from pg_tables where schemaname = 'app'")
    assert tables == {str(table) for table in Table}


def test_the_functions_are_those_that_the_code_names(sql: psycopg.Connection) -> None:
    functions = column(sql, "select proname from pg_proc where pronamespace = 'api'::regnamespace")
    assert functions == {str(rpc) for rpc in Rpc}


def test_the_exposed_schema_holds_functions_only(sql: psycopg.Connection) -> None:
    assert (
        column(sql, "select relname from pg_class where relnamespace = 'api'::regnamespace")
        == set()
    )


def test_every_table_has_row_level_security_enabled_and_forced(sql: psycopg.Connection) -> None:
    unprotected = column(
        sql,
        """
        select relname from pg_class
        where relnamespace = 'app'::regnamespace and relkind in ('r', 'p')
          and not (relrowsecurity and relforcerowsecurity)
        """,
    )
    assert unprotected == set()


def test_every_table_has_a_tenant_policy_for_the_role_that_commands_run_as(
    sql: psycopg.Connection,
) -> None:
    with_policy = column(
        sql,
        """
        select tablename from pg_policies
        where schemaname = 'app' and policyname = 'tenant_isolation' and permissive = 'PERMISSIVE'
          and roles = '{frontdesk_app}' and cmd = 'ALL' and qual = with_check
          and qual ~ '^\\((tenant_id|id) = \\( SELECT app\\.tenant_id\\(\\) AS tenant_id\\)\\)$'
        """,
    )
    assert with_policy == {str(table) for table in Table}


def test_no_other_policy_widens_what_a_tenant_sees(sql: psycopg.Connection) -> None:
    others = sql.execute(
        """
        select tablename, roles::text[], permissive from pg_policies
        where schemaname = 'app' and policyname <> 'tenant_isolation'
        """
    ).fetchall()
    for table, roles, permissive in others:
        assert permissive == "RESTRICTIVE" or roles == ["frontdesk_platform"], table
    assert {
        table for table, roles, _ in others if roles == ["frontdesk_platform"]
    } == PLATFORM_TABLES


def test_policies_evaluate_their_functions_once_a_statement(sql: psycopg.Connection) -> None:
    policies = sql.execute(
        """
        select tablename, policyname, concat(qual, with_check)
        from pg_policies where schemaname = 'app'
        """
    ).fetchall()
    for table, policy, text in policies:
        unwrapped = re.sub(r"\( SELECT app\.\w+\(\) AS \w+\)", "", text)
        assert not re.search(r"\b(app|auth)\.\w+\(", unwrapped), f"{table}.{policy}: {text}"


def test_every_index_starts_with_the_tenant(sql: psycopg.Connection) -> None:
    indexes = sql.execute(
        """
        select i.relname, t.relname, a.attname
        from pg_index as x
        join pg_class as i on i.oid = x.indexrelid
        join pg_class as t on t.oid = x.indrelid
        left join pg_attribute as a on a.attrelid = t.oid and a.attnum = x.indkey[0]
        where t.relnamespace = 'app'::regnamespace
        """
    ).fetchall()
    exceptions = set()
    for index, table, first in indexes:
        if first != ("id" if index == "tenants_pkey" else "tenant_id"):
            exceptions.add(index)
        assert table in {str(known) for known in Table}
    assert exceptions == set(INDEXES_WITHOUT_TENANT)


def test_no_index_was_left_invalid(sql: psycopg.Connection) -> None:
    assert (
        column(sql, "select indexrelid::regclass::text from pg_index where not indisvalid") == set()
    )


@pytest.mark.parametrize("role", [*CALLERS, "public"])
def test_no_caller_has_any_grant_on_a_table(sql: psycopg.Connection, role: str) -> None:
    granted = sql.execute(
        """
        select relname from pg_class as c, aclexplode(c.relacl) as g
        where c.relnamespace in ('app'::regnamespace, 'api'::regnamespace)
          and g.grantee = case %(role)s when 'public' then 0 else to_regrole(%(role)s)::oid end
        union all
        select attname from pg_attribute as a, aclexplode(a.attacl) as g
        where a.attrelid in (select oid from pg_class where relnamespace = 'app'::regnamespace)
          and g.grantee = case %(role)s when 'public' then 0 else to_regrole(%(role)s)::oid end
        """,
        {"role": role},
    ).fetchall()
    assert granted == []


@pytest.mark.parametrize("role", CALLERS)
def test_no_caller_may_use_the_schema_of_the_tables(sql: psycopg.Connection, role: str) -> None:
    row = sql.execute("select has_schema_privilege(%s, 'app', 'usage')", [role]).fetchone()
    assert row == (False,)


def test_each_function_is_for_exactly_one_caller(sql: psycopg.Connection) -> None:
    for name, *may in sql.execute(
        """
        select proname, has_function_privilege('anon', oid, 'execute'),
          has_function_privilege('authenticated', oid, 'execute'),
          has_function_privilege('service_role', oid, 'execute')
        from pg_proc where pronamespace = 'api'::regnamespace
        """
    ).fetchall():
        platform = name.startswith("platform_")
        assert may == [False, not platform, platform], name


def test_no_caller_may_execute_a_helper(sql: psycopg.Connection) -> None:
    helpers = sql.execute(
        """
        select p.oid::regprocedure::text, r.rolname
        from pg_proc as p, pg_roles as r
        where p.pronamespace = 'app'::regnamespace
          and r.rolname in ('anon', 'authenticated', 'service_role')
          and has_function_privilege(r.oid, p.oid, 'execute') and p.prokind = 'f'
          and p.prorettype <> 'trigger'::regtype
        """
    ).fetchall()
    assert helpers == []


def test_functions_run_as_roles_that_cannot_bypass_row_level_security(
    sql: psycopg.Connection,
) -> None:
    roles = sql.execute(
        """
        select rolname, rolcanlogin, rolbypassrls, rolsuper, rolcreaterole
        from pg_roles where rolname = any(%s)
        """,
        [list(RUNS_AS)],
    ).fetchall()
    assert sorted(roles) == [(role, False, False, False, False) for role in RUNS_AS]
    owners = sql.execute(
        """
        select proname, proowner::regrole::text, prosecdef
        from pg_proc where pronamespace = 'api'::regnamespace
        """
    ).fetchall()
    assert all(definer for _, _, definer in owners)
    assert {name for name, owner, _ in owners if owner not in RUNS_AS} == BYPASSING_FUNCTIONS


def test_every_definer_function_has_an_empty_search_path(sql: psycopg.Connection) -> None:
    careless = column(
        sql,
        """
        select oid::regprocedure::text from pg_proc
        where pronamespace in ('api'::regnamespace, 'app'::regnamespace) and prosecdef
          and not coalesce(proconfig @> array['search_path=""'], false)
        """,
    )
    assert careless == set()


def test_functions_that_bypass_policies_name_the_tenant_in_every_read(
    sql: psycopg.Connection,
) -> None:
    bodies = sql.execute(
        """
        select proname, prosrc from pg_proc
        where oid in (
          'api.search_clients'::regproc, 'api.pipeline'::regproc, 'app.read_tier'::regproc)
        """
    ).fetchall()
    assert len(bodies) == 3
    for name, body in bodies:
        for source in re.finditer(r"(?:from|join) app\.(\w+) as (\w+)(.{0,120})", body, re.DOTALL):
            table, alias, following = source.groups()
            predicate = rf"{alias}\.tenant_id = (\$1|v_access\.tenant_id)|where %\d\$s"
            assert re.search(predicate, following), f"{name} reads {table} without its tenant"


def test_the_shared_predicate_starts_with_the_tenant_and_keeps_visibility(
    sql: psycopg.Connection,
) -> None:
    row = sql.execute(
        """
        select app.client_predicate(null::app.client_filter),
          app.client_predicate(row(gen_random_uuid(), null, null, null, null)::app.client_filter)
        """
    ).fetchone()
    assert row is not None
    assert row[0] == "c.tenant_id = $1 and c.deleted_at is null"
    assert row[1] == row[0] + " and c.consultant_id = $2"


def test_the_platform_role_reaches_no_business_table(sql: psycopg.Connection) -> None:
    reachable = column(
        sql,
        """
        select relname from pg_class
        where relnamespace = 'app'::regnamespace and relkind = 'r'
          and (has_table_privilege('frontdesk_platform', oid, 'select, insert, update, delete')
            or has_any_column_privilege('frontdesk_platform', oid, 'select, insert, update'))
        """,
    )
    assert reachable == PLATFORM_TABLES


@pytest.mark.parametrize("privilege", ["update", "delete", "truncate"])
def test_nobody_may_change_the_audit_log(sql: psycopg.Connection, privilege: str) -> None:
    for role in RUNS_AS:
        row = sql.execute(
            "select has_table_privilege(%s, 'app.audit_log', %s)", [role, privilege]
        ).fetchone()
        assert row == (False,)


def test_not_even_a_superuser_changes_the_audit_log_by_accident(sql: psycopg.Connection) -> None:
    with sql.transaction(force_rollback=True):
        sql.execute(
            "insert into app.tenants (id, slug, name) values (gen_random_uuid(), 'audit-test', 'x')"
        )
        sql.execute(
            """
            insert into app.audit_log (tenant_id, actor_kind, actor, action)
            select id, 'platform', 'tests', 'tenant.created'
            from app.tenants where slug = 'audit-test'
            """
        )
        for statement in (
            "update app.audit_log set actor = 'somebody else'",
            "delete from app.audit_log",
            "truncate app.audit_log cascade",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), sql.transaction():
                sql.execute(statement.encode())
