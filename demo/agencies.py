"""The demo agencies as Python sees them: their YAML files, typed and checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field

DEMO = Path(__file__).parent
SLUGS = ("coral", "alpine")

Language = Literal["en", "de", "fr", "es"]
Visibility = Literal["public", "internal"]
Colour = Field(pattern=r"^#[0-9a-f]{6}$")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Company(_Strict):
    """The company block that quotes and invoices print."""

    legal_name: str
    address: str
    vat_number: str
    registration: str
    phone: str
    website: str


class Branding(_Strict):
    """Colours of the agency's documents, as #rrggbb."""

    primary: str = Colour
    secondary: str = Colour
    accent: str = Colour
    background: str = Colour
    text: str = Colour


class Consultant(_Strict):
    """A person of the agency to whom clients are assigned."""

    name: str
    email: str


class TenantFile(_Strict):
    """tenant.yaml: what `POST /v1/tenants` is told about the agency."""

    slug: str
    name: str
    plan: Literal["lite", "pro", "enterprise"]
    currency: str
    locale: str
    time_zone: str
    owner_email: str
    company: Company
    branding: Branding
    consultants: list[Consultant]


class _DocumentEntry(_Strict):
    file: str
    title: str
    language: Language
    tags: list[str]
    visibility: Visibility


class _KnowledgeFile(_Strict):
    documents: list[_DocumentEntry]


class _HelpdeskFile(_Strict):
    query_terms: dict[str, list[str]]


@dataclass(frozen=True)
class Document:
    """A knowledge document; `source` is the Markdown it is rendered from, for PDF and DOCX."""

    path: Path
    title: str
    language: Language
    tags: tuple[str, ...]
    visibility: Visibility
    source: Path | None


@dataclass(frozen=True)
class Agency:
    """One demo agency: its settings, its documents and its clients' file.

    `query_terms` are its own words by query type.
    """

    folder: Path
    tenant: TenantFile
    documents: tuple[Document, ...]
    query_terms: dict[str, list[str]]

    @property
    def clients_path(self) -> Path:
        return self.folder / "clients.csv"


def load_agency(slug: str) -> Agency:
    """Read one agency's folder; raises pydantic.ValidationError on a malformed file."""
    folder = DEMO / slug
    tenant = TenantFile.model_validate(_read_yaml(folder / "tenant.yaml"))
    entries = _KnowledgeFile.model_validate(_read_yaml(folder / "knowledge.yaml")).documents
    helpdesk = _HelpdeskFile.model_validate(_read_yaml(folder / "helpdesk.yaml"))
    documents = tuple(_document(folder, entry) for entry in entries)
    return Agency(folder, tenant, documents, helpdesk.query_terms)


def all_agencies() -> list[Agency]:
    """Both agencies, in a fixed order."""
    return [load_agency(slug) for slug in SLUGS]


def _read_yaml(path: Path) -> object:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _document(folder: Path, entry: _DocumentEntry) -> Document:
    path = folder / "knowledge" / entry.file
    source = folder / "sources" / path.with_suffix(".md").name
    return Document(
        path=path,
        title=entry.title,
        language=entry.language,
        tags=tuple(entry.tags),
        visibility=entry.visibility,
        source=source if path.suffix in {".pdf", ".docx"} else None,
    )
