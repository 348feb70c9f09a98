"""Loads the demo agencies through the public API, as a customer's set-up would.

Every step can be repeated: an interrupted load goes on where it stopped.
"""

from __future__ import annotations

import mimetypes
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import httpx
import psycopg
import yaml
from pydantic import BaseModel, TypeAdapter

from frontdesk.local.paths import DEMO

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from frontdesk.local.stack import Stack

_ACTIVE_WITHIN: Final = 60.0
_INDEXED_WITHIN: Final = 300.0
_LOOK_EVERY: Final = 0.5
_TELL_EVERY: Final = 5.0
_UPLOADS_AT_ONCE: Final = 4
_ATTEMPTS: Final = 3


class DemoFailed(RuntimeError):
    """A step of the load was refused or did not end; the message says which and why."""


class Consultant(BaseModel):
    """A person of the agency to whom clients are assigned."""

    name: str
    email: str


class Agency(BaseModel):
    """What ``demo/<slug>/tenant.yaml`` says, as far as the API takes it."""

    slug: str
    name: str
    plan: str
    currency: str
    locale: str
    time_zone: str
    owner_email: str
    branding: dict[str, str]
    consultants: list[Consultant]


class DemoDocument(BaseModel):
    """One entry of ``demo/<slug>/knowledge.yaml``."""

    file: str
    title: str
    language: str
    tags: list[str]
    visibility: str


class LoadedTenant(BaseModel):
    """A demo agency that is loaded: whom to mint tokens for."""

    id: str
    name: str
    users: dict[str, str]
    """The user of each role."""


Loaded = TypeAdapter(dict[str, LoadedTenant])


def load_demo(stack: Stack, report: Callable[[str], None]) -> dict[str, LoadedTenant]:
    """Load what is not loaded yet; the agencies by slug.

    Raises:
        DemoFailed: and a later call goes on from there.
    """
    record = stack.data_dir / "demo.json"
    loaded = Loaded.validate_json(record.read_bytes()) if record.exists() else {}
    folders = [path.parent for path in sorted(DEMO.glob("*/tenant.yaml"))]
    missing = [folder for folder in folders if folder.name not in loaded]
    # Side by side: one waits for its index while the other one's clients are imported.
    with ThreadPoolExecutor(len(missing) or 1) as pool:
        loads = [pool.submit(_Load(stack, folder, report).run) for folder in missing]
        for folder, load in zip(missing, loads, strict=True):
            loaded[folder.name] = load.result()
    record.write_bytes(Loaded.dump_json(loaded, indent=1))
    return loaded


@dataclass
class _Load:
    """One agency on its way in."""

    stack: Stack
    folder: Path
    report: Callable[[str], None]

    def run(self) -> LoadedTenant:
        text = (self.folder / "tenant.yaml").read_text(encoding="utf-8")
        agency = Agency.model_validate(yaml.safe_load(text))
        with httpx.Client(base_url=self.stack.base_url, timeout=300) as http:
            self._http = http
            tenant = self._create(agency)
            users = self._add_members(agency, tenant)
            token = self.stack.mint_token(users["owner"], tenant)
            self._owner = {"Authorization": f"Bearer {token}"}
            self._set_up_helpdesk()
            self._import_clients(agency)
            self._upload_knowledge(agency)
        return LoadedTenant(id=tenant, name=agency.name, users=users)

    # -- the agency -------------------------------------------------------------------------

    def _create(self, agency: Agency) -> str:
        """POST /v1/tenants, then wait for the provisioner; the tenant's id."""
        admin = {"X-Admin-Token": self.stack.identity.admin_token}
        profile = agency.model_dump(exclude={"consultants", "branding"})
        colours = {
            f"{name}_colour": agency.branding[name]
            for name in ("primary", "accent")
            if name in agency.branding
        }
        reply = self._http.post("/v1/tenants", headers=admin, json=profile | {"branding": colours})
        if reply.status_code == httpx.codes.CONFLICT:  # made by a load that was interrupted
            listed = self._data(self._http.get("/v1/tenants?page_size=200", headers=admin))
            tenant = next(entry["id"] for entry in listed if entry["slug"] == agency.slug)
        else:
            tenant = self._data(reply)["id"]
        began = time.monotonic()
        while True:
            state = self._data(self._http.get(f"/v1/tenants/{tenant}", headers=admin))
            if state["status"] == "active":
                break
            if state["status"] == "failed" or time.monotonic() - began > _ACTIVE_WITHIN:
                raise DemoFailed(f"{agency.slug} did not become active: {state}")
            time.sleep(_LOOK_EVERY)
        self.report(f"{agency.slug}: created, provisioned, active")
        return str(tenant)

    def _add_members(self, agency: Agency, tenant: str) -> dict[str, str]:
        """The consultants as agents, a viewer, and the website as visitor; the user of each role.

        Until the members function exists this is the one step that no public route offers: the
        accounts are made by the embedded Auth, the memberships by the platform's own command.
        """
        with psycopg.connect(self.stack.postgres_dsn) as sql:
            row = sql.execute(
                "select user_id from app.tenant_members where tenant_id = %s and role = 'owner'",
                [tenant],
            ).fetchone()
        if row is None:
            raise DemoFailed(f"{agency.slug} has no owner.")
        domain = agency.owner_email.split("@")[1]
        people = [("agent", person.name, person.email) for person in agency.consultants]
        people.append(("viewer", "Front Office", f"front.office@{domain}"))
        people.append(("visitor", "Website", f"website@{domain}"))
        users = {"owner": str(row[0])}
        for role, name, email in people:
            user = self._user(email)
            self._command(
                "platform_upsert_member",
                {
                    "p_tenant": tenant,
                    "p_user": user,
                    "p_role": role,
                    "p_email": email,
                    "p_name": name,
                },
            )
            users.setdefault(role, user)
        return users

    def _user(self, email: str) -> str:
        """The account with that address, made when there is none."""
        service = {"apikey": self.stack.identity.service_key}
        users = f"{self.stack.supabase_api.url}/auth/v1/admin/users"
        made = self._http.post(users, headers=service, json={"email": email, "email_confirm": True})
        if made.is_success:
            return str(made.json()["id"])
        listed = self._http.get(f"{users}?per_page=1000", headers=service).json()["users"]
        found = next((user["id"] for user in listed if user["email"] == email), None)
        if found is None:
            raise DemoFailed(f"No account for {email}: {made.text}")
        return str(found)

    def _command(self, function: str, parameters: dict[str, Any]) -> None:
        key = self.stack.identity.service_key
        reply = self._http.post(
            f"{self.stack.supabase_api.url}/rest/v1/rpc/{function}",
            headers={"apikey": key, "Authorization": f"Bearer {key}", "Content-Profile": "api"},
            json=parameters,
        )
        if not reply.is_success:
            raise DemoFailed(f"{function}: {reply.status_code} {reply.text}")

    def _set_up_helpdesk(self) -> None:
        """PATCH /v1/helpdesk/settings with the agency's own words."""
        settings = yaml.safe_load((self.folder / "helpdesk.yaml").read_text(encoding="utf-8"))
        self._data(self._http.patch("/v1/helpdesk/settings", headers=self._owner, json=settings))

    # -- its clients and its knowledge --------------------------------------------------------

    def _import_clients(self, agency: Agency) -> None:
        """POST /v1/crm/imports with the CSV file."""
        clients = (self.folder / "clients.csv").read_bytes()
        for _ in range(_ATTEMPTS):
            upload = {"file": ("clients.csv", clients, "text/csv")}
            reply = self._http.post("/v1/crm/imports", headers=self._owner, files=upload)
            # What was imported before a busy machine ran out of time is found again by its e-mail.
            if reply.is_success or not reply.json()["error"]["retryable"]:
                break
        outcome = self._data(reply)
        if outcome["errors"]:
            raise DemoFailed(f"{agency.slug}: the import reports {outcome['errors'][:3]}")
        count = outcome["created"] + outcome["updated"] + outcome["skipped"]
        self.report(f"{agency.slug}: {count} clients imported")

    def _upload_knowledge(self, agency: Agency) -> None:
        """POST /v1/knowledge/documents for each file, then wait until all are in the index."""
        listing = yaml.safe_load((self.folder / "knowledge.yaml").read_text(encoding="utf-8"))
        documents = [DemoDocument.model_validate(entry) for entry in listing["documents"]]
        there = {entry["filename"] for entry in self._documents()}
        missing = [document for document in documents if document.file not in there]
        self.report(f"{agency.slug}: uploading {len(missing)} documents")
        with ThreadPoolExecutor(_UPLOADS_AT_ONCE) as pool:
            list(pool.map(self._upload, missing))
        self._wait_for_index(agency)

    def _wait_for_index(self, agency: Agency) -> None:
        began = told = time.monotonic()
        while True:
            found = self._documents()
            waiting = [entry for entry in found if entry["status"] == "pending"]
            if not waiting:
                break
            now = time.monotonic()
            if now - began > _INDEXED_WITHIN:
                raise DemoFailed(f"{agency.slug}: {len(waiting)} documents are still not indexed.")
            if now - told > _TELL_EVERY:
                told = now
                self.report(f"{agency.slug}: indexing, {len(waiting)} of {len(found)} to go")
            time.sleep(_LOOK_EVERY)
        failed = [entry for entry in found if entry["status"] == "failed"]
        if failed:
            names = ", ".join(f"{entry['filename']} ({entry['reason']})" for entry in failed)
            raise DemoFailed(f"{agency.slug}: could not be indexed: {names}")
        self.report(f"{agency.slug}: {len(found)} documents indexed")

    def _documents(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._data(
            self._http.get("/v1/knowledge/documents?page_size=200", headers=self._owner)
        )
        return found

    def _upload(self, document: DemoDocument) -> None:
        path = self.folder / "knowledge" / document.file
        media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        fields = document.model_dump(include={"title", "language", "visibility"})
        with path.open("rb") as file:
            self._data(
                self._http.post(
                    "/v1/knowledge/documents",
                    headers=self._owner,
                    data=fields | {"tags": ",".join(document.tags)},
                    files={"file": (path.name, file, media_type)},
                )
            )

    @staticmethod
    def _data(reply: httpx.Response) -> Any:
        """The envelope's data.

        Raises:
            DemoFailed: the API refused.
        """
        if not reply.is_success:
            request = reply.request
            raise DemoFailed(
                f"{request.method} {request.url.path}: {reply.status_code} {reply.text[:500]}"
            )
        return reply.json()["data"]
