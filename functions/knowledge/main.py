"""knowledge: an agency's documents, uploaded, listed, read and deleted."""

from frontdesk.http import delete, get, http_function, post
from frontdesk.knowledge.documents import (
    delete_document,
    list_documents,
    read_document,
    upload_document,
)
from frontdesk.platform.context import Role

knowledge = http_function(
    "knowledge",
    post("/v1/knowledge/documents", upload_document, allow=Role.AGENT, status=201),
    get("/v1/knowledge/documents", list_documents, allow=Role.VIEWER),
    get("/v1/knowledge/documents/{document_id}", read_document, allow=Role.VIEWER),
    delete("/v1/knowledge/documents/{document_id}", delete_document, allow=Role.AGENT),
)
