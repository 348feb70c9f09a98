"""knowledge: an agency's documents, and the versions of the index that is built of them."""

from frontdesk.http import delete, get, http_function, patch, post, put
from frontdesk.knowledge.documents import (
    delete_document,
    document_content,
    list_documents,
    read_document,
    replace_document,
    update_document,
    upload_document,
)
from frontdesk.knowledge.versions import list_versions, reindex
from frontdesk.platform.context import Role

DOCUMENTS = "/v1/knowledge/documents"
DOCUMENT = f"{DOCUMENTS}/{{document_id}}"

knowledge = http_function(
    "knowledge",
    post(DOCUMENTS, upload_document, allow=Role.AGENT, status=201),
    get(DOCUMENTS, list_documents, allow=Role.VIEWER),
    get(DOCUMENT, read_document, allow=Role.VIEWER),
    put(DOCUMENT, replace_document, allow=Role.AGENT),
    patch(DOCUMENT, update_document, allow=Role.AGENT),
    delete(DOCUMENT, delete_document, allow=Role.AGENT),
    get(
        f"{DOCUMENT}/content",
        document_content,
        allow=Role.VISITOR,
        produces="application/octet-stream",
    ),
    post("/v1/knowledge/reindex", reindex, allow=Role.AGENT, status=202),
    get("/v1/knowledge/versions", list_versions, allow=Role.VIEWER),
)
