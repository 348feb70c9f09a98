"""knowledge: an agency's documents, and the versions of the index that is built of them."""

from frontdesk.http import delete, get, http_function, post
from frontdesk.knowledge.documents import (
    delete_document,
    list_documents,
    read_document,
    upload_document,
)
from frontdesk.knowledge.versions import list_versions, reindex
from frontdesk.platform.context import Role

knowledge = http_function(
    "knowledge",
    post("/v1/knowledge/documents", upload_document, allow=Role.AGENT, status=201),
    get("/v1/knowledge/documents", list_documents, allow=Role.VIEWER),
    get("/v1/knowledge/documents/{document_id}", read_document, allow=Role.VIEWER),
    delete("/v1/knowledge/documents/{document_id}", delete_document, allow=Role.AGENT),
    post("/v1/knowledge/reindex", reindex, allow=Role.AGENT, status=202),
    get("/v1/knowledge/versions", list_versions, allow=Role.VIEWER),
)
