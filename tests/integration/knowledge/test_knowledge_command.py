"""`frontdesk knowledge`, as an operator calls it: what it does, what it says, how it ends."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from frontdesk import cli
from frontdesk.knowledge.documents import DocumentPath, delete_document
from frontdesk.knowledge.loader import IndexStore
from frontdesk.knowledge.manifest import SHARED_TENANT
from frontdesk.knowledge.publish import shelf_of
from frontdesk.local.devfile import DevFile, dev_file
from tests.integration.knowledge.conftest import Agency, a_deadline

if TYPE_CHECKING:
    from pathlib import Path

    import psycopg

    from frontdesk.local.stack import Stack
    from frontdesk.local.storage.server import StorageServer

VISA = b"# Visa\nKenya asks for a visa."
DOGS = b"# Dogs\nDogs are welcome."
CATS = b"# Cats\nCats are welcome."


@dataclass
class Operator:
    """Types commands and reads what they print."""

    agency: Agency
    environment: dict[str, str]
    capsys: pytest.CaptureFixture[str]
    out: str = ""
    err: str = ""

    def types(self, *arguments: str) -> int:
        status = cli.main(["knowledge", *arguments])
        self.out, self.err = self.capsys.readouterr()
        return status

    def json(self, *arguments: str) -> dict[str, Any]:
        assert self.types(*arguments, "--json") == 0, self.err
        facts: dict[str, Any] = json.loads(self.out)
        assert self.err == ""
        return facts

    @property
    def slug(self) -> str:
        return self.agency.tenant.slug


@pytest.fixture
def operator(
    agency: Agency,
    stack: Stack,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Operator:
    environment = stack.environment | {
        "INDEX_CACHE_DIR": str(tmp_path / "operator"),
        "STORAGE_EMULATOR_HOST": agency.storage.url,
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Operator(agency, environment, capsys)


def test_an_index_is_built_and_its_steps_are_told(operator: Operator) -> None:
    operator.agency.upload(VISA)
    operator.agency.upload(DOGS)
    operator.agency.upload_broken()
    assert operator.types("build", operator.slug) == 0
    assert operator.err.splitlines() == [
        "documents read: 3",
        "passages embedded: 2",
        "files uploaded: 5",
    ]
    first, failure = operator.out.splitlines()
    assert first.startswith(f"{operator.slug}: version ")
    assert first.endswith(" is published, 2 documents in 2 passages.")
    assert failure == ("failed     broken.md: The stored file is not the one that was uploaded.")
    assert operator.agency.ask("Are dogs welcome?").index_version is not None

    assert operator.types("build", str(operator.agency.tenant.id)) == 0
    assert operator.out.splitlines()[0].startswith(f"{operator.slug} is up to date: version ")
    assert operator.err == ""

    before = operator.json("status", operator.slug)["versions"][0]["version"]
    forced = operator.json("build", operator.slug, "--force")
    assert (forced["published"], forced["documents"], forced["chunks"]) == (True, 2, 2)
    assert forced["version"] > before


def test_status_lists_versions_and_what_waits(operator: Operator) -> None:
    assert operator.types("status", operator.slug) == 0
    assert operator.out.splitlines() == [
        "no version is published",
        "documents  0 indexed, 0 pending, 0 failed",
    ]
    operator.agency.upload(VISA)
    operator.agency.index()
    operator.agency.upload(DOGS)
    assert operator.types("status", operator.slug) == 0
    version, documents = operator.out.splitlines()
    assert version.startswith("serves     ")
    assert "  1 documents in 1 passages  " in version
    assert documents == "documents  1 indexed, 1 pending, 0 failed"
    facts = operator.json("status", operator.slug)
    assert facts["documents"] == {"indexed": 1, "pending": 1, "failed": 0}
    assert [each["serving"] for each in facts["versions"]] == [True]


def test_an_earlier_version_serves_again_until_the_documents_change(
    operator: Operator, sql: psycopg.Connection
) -> None:
    agency = operator.agency
    for document in (VISA, DOGS):
        agency.upload(document)
        agency.index()
    newest, older = operator.json("status", operator.slug)["versions"]

    assert operator.types("rollback", operator.slug) == 0
    assert f"version {older['version']} of " in operator.out
    assert " serves again." in operator.out
    agency.index()  # a nudge without a change
    listed = operator.json("status", operator.slug)["versions"]
    assert [each["version"] for each in listed] == [older["version"], newest["version"]]
    audited = sql.execute(
        "select details from app.audit_log where tenant_id = %s"
        " and action = 'knowledge.rolled_back'",
        (agency.tenant.id,),
    ).fetchone()
    assert audited == ({"from": newest["version"], "to": older["version"]},)

    facts = operator.json("rollback", operator.slug, newest["version"])
    assert (facts["version"], facts["serving"]) == (newest["version"], True)
    assert operator.types("rollback", operator.slug, newest["version"]) == 1
    assert operator.err == f"frontdesk: Version {newest['version']} serves already.\n"

    agency.upload(CATS)
    agency.index()
    assert operator.json("status", operator.slug)["versions"][0]["documents"] == 3


def test_no_version_from_before_a_deletion_serves_again(operator: Operator) -> None:
    agency = operator.agency
    visa = agency.upload(VISA)
    agency.index()
    agency.upload(DOGS)
    agency.index()
    (_, older) = operator.json("status", operator.slug)["versions"]
    delete_document(agency.context(), DocumentPath(document_id=visa.id))
    # The indexer has not come to it yet, so the version is still there.
    assert operator.types("rollback", operator.slug) == 1
    assert operator.err == (
        f"frontdesk: Version {older['version']} holds text that was removed since.\n"
    )
    agency.index()
    assert operator.types("rollback", operator.slug, older["version"]) == 1
    assert f"Version {older['version']} is not kept." in operator.err
    assert operator.types("rollback", operator.slug) == 1
    assert operator.err == "frontdesk: No earlier version is kept.\n"


def test_a_folder_becomes_the_shared_index(operator: Operator, tmp_path: Path) -> None:
    folder = tmp_path / "platform help"
    (folder / "quotes").mkdir(parents=True)
    (folder / "quotes" / "send.md").write_bytes(
        b"# Sending a quote\nOpen the quote and press Send."
    )
    (folder / "prices.csv").write_bytes(b"plan;price\nlite;0 EUR\npro;49 EUR\n")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8 no document")
    (folder / ".hidden.md").write_bytes(VISA)
    assert operator.types("build", "--shared", str(folder)) == 0
    assert " is published, 2 documents in " in operator.out

    shelf = shelf_of(operator.agency.services)
    store = IndexStore(
        shelf, tmp_path / "serving", max_bytes=10**9, clock=operator.agency.services.clock
    )
    index = store.get(SHARED_TENANT, deadline=a_deadline())
    assert index is not None
    assert {document.title for document in index.documents} >= {"Sending a quote"}
    assert {document.visibility for document in index.documents} == {"public"}

    assert not operator.json("build", "--shared", str(folder))["published"]
    (folder / "prices.csv").unlink()
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4 nothing")
    assert operator.types("build", "--shared", str(folder)) == 1
    assert "failed     broken.pdf: " in operator.out
    (serving,) = shelf.versions(SHARED_TENANT, deadline=a_deadline())
    assert serving.manifest.documents == 1


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["status", "nobody"], "There is no agency 'nobody'; name its slug or its id."),
        (
            ["build", "0197cccc-0000-7000-8000-000000000001"],
            "There is no agency '0197cccc-0000-7000-8000-000000000001'",
        ),
        (["build", "--shared", "/nowhere/at/all"], "/nowhere/at/all is no folder."),
    ],
)
def test_what_is_not_there_ends_with_status_two(
    operator: Operator, arguments: list[str], sentence: str
) -> None:
    assert operator.types(*arguments) == 2
    assert operator.err.startswith(f"frontdesk: {sentence}")
    assert operator.out == ""


def test_an_empty_folder_is_a_mistake(operator: Operator, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert operator.types("build", "--shared", str(tmp_path / "empty")) == 2
    assert "holds no Markdown, HTML, PDF, DOCX, CSV or text file." in operator.err


def test_what_does_not_work_ends_with_status_one_and_a_sentence(
    operator: Operator, storage: StorageServer
) -> None:
    operator.agency.upload(VISA)
    storage.stop()
    assert operator.types("status", operator.slug) == 1
    assert operator.err.startswith("frontdesk: ")
    assert "Traceback" not in operator.err


def test_without_an_environment_the_running_stack_is_meant(
    operator: Operator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator.agency.upload(VISA)
    for name in operator.environment:
        monkeypatch.delenv(name)
    data_dir = tmp_path / "dev"
    here = ["--data-dir", str(data_dir)]
    assert operator.types("status", operator.slug, *here) == 2
    assert "Nothing runs here, and SUPABASE_URL names no deployment." in operator.err

    described = DevFile(
        base_url="http://127.0.0.1:1",
        admin_token="admin",
        tenants={},
        endpoints={},
        environment=operator.environment,
        pid=os.getpid(),
    )
    described.write(dev_file(data_dir))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "")  # restored after the test, whatever is set
    assert operator.types("build", operator.slug, *here) == 0
    assert " is published, 1 documents in 1 passages." in operator.out


def test_settings_that_are_wrong_are_all_named(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMBEDDER", "abacus")
    monkeypatch.setenv("INDEX_QUIET_SECONDS", "-1")
    assert operator.types("status", operator.slug) == 2
    assert "EMBEDDER" in operator.err
    assert "INDEX_QUIET_SECONDS" in operator.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--help"], ["build", "status", "rollback", "SUPABASE_URL", "`frontdesk dev` runs"]),
        (["build", "--help"], ["--shared FOLDER", "--force", "--json", "--data-dir DIR"]),
        (["status", "--help"], ["TENANT", "--json"]),
        (["rollback", "--help"], ["VERSION", "the one before the one that serves"]),
    ],
)
def test_the_help_says_what_is_meant(
    arguments: list[str], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["knowledge", *arguments])
    assert ended.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    for word in words:
        assert word in printed


@pytest.mark.parametrize("arguments", [["build"], ["build", "coral", "--shared", "folder"], []])
def test_a_build_is_of_an_agency_or_of_a_folder(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["knowledge", *arguments])
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err
