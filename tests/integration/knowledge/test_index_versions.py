"""Which index versions there are, and having one built, as members ask for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from frontdesk.knowledge.versions import (
    DocumentCounts,
    ReindexRequest,
    list_versions,
    reindex,
)
from frontdesk.platform.database import Rpc
from frontdesk.platform.errors import InvalidRequest, PermissionDenied
from tests.integration.knowledge.conftest import Agency

if TYPE_CHECKING:
    import psycopg

VISA = b"# Visa\nKenya asks for a visa."
DOGS = b"# Dogs\nDogs are welcome."


def test_versions_are_listed_with_what_waits(agency: Agency) -> None:
    empty = list_versions(agency.context("viewer"))
    assert (empty.versions, empty.pending) == ([], False)
    agency.upload(VISA)
    assert list_versions(agency.context("viewer")).pending
    agency.index()
    agency.upload(DOGS)
    agency.upload_broken()
    agency.index()
    agency.upload(b"# Cats\nCats are welcome.")
    listed = list_versions(agency.context("viewer"))
    assert listed.pending
    assert listed.documents == DocumentCounts(pending=1, indexed=2, failed=1)
    newest, older = listed.versions
    assert (newest.serving, older.serving) == (True, False)
    assert newest.version > older.version
    assert (newest.documents, older.documents) == (2, 1)
    assert (newest.knowledge_version, older.knowledge_version) == (3, 1)
    assert newest.size > 0
    assert newest.embedder.startswith("all-MiniLM-L6-v2@")


def test_visitors_learn_nothing_of_versions(agency: Agency, sql: psycopg.Connection) -> None:
    sql.execute(
        "update app.tenant_members set role = 'visitor' where tenant_id = %s and user_id = %s",
        (agency.tenant.id, agency.tenant.users["viewer"]),
    )
    with pytest.raises(PermissionDenied):
        list_versions(agency.context("viewer"))


def test_asking_for_a_build_is_promised_audited_and_done(
    agency: Agency, sql: psycopg.Connection
) -> None:
    agency.upload(VISA)
    agency.index()
    (before,) = list_versions(agency.context()).versions

    reply = reindex(agency.context(), ReindexRequest())
    assert (reply.status, reply.value.index_version) == (202, before.version)
    agency.index()
    assert list_versions(agency.context()).versions == [before]

    forced = reindex(agency.context(), ReindexRequest(force=True))
    assert forced.value.knowledge_version == before.knowledge_version + 1
    agency.index()
    assert list_versions(agency.context()).versions[0].version > before.version

    audited = sql.execute(
        "select details from app.audit_log where tenant_id = %s"
        " and action = 'knowledge.reindex_requested' order by id",
        (agency.tenant.id,),
    ).fetchall()
    assert audited == [({"force": False},), ({"force": True},)]
    promised = sql.execute(
        "select count(*) from app.outbox where tenant_id = %s and topic = 'knowledge'",
        (agency.tenant.id,),
    ).fetchone()
    assert promised == (3,)


def test_asking_twice_with_one_key_asks_once(agency: Agency, sql: psycopg.Connection) -> None:
    first = reindex(agency.context(key="again"), ReindexRequest(force=True))
    again = reindex(agency.context(key="again"), ReindexRequest(force=True))
    assert first.value == again.value


def test_a_viewer_may_not_ask_for_a_build(agency: Agency) -> None:
    with pytest.raises(PermissionDenied):
        reindex(agency.context("viewer"), ReindexRequest())


def test_what_is_neither_true_nor_false_is_refused_by_the_database_too(agency: Agency) -> None:
    context = agency.context()
    with pytest.raises(InvalidRequest) as refused:
        context.database.call(
            Rpc.REINDEX_KNOWLEDGE,
            {"p_options": {"force": "maybe"}, "p_command": context.command_json},
            deadline=context.deadline,
            idempotent=False,
        )
    assert refused.value.details["errors"][0]["field"] == "force"
