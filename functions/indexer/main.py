"""indexer: publish an agency's index after its documents changed, woken by Pub/Sub."""

from frontdesk.http import PLATFORM, http_function, post
from frontdesk.knowledge.indexing import handle_knowledge_changed

indexer = http_function(
    "indexer",
    post("/v1/events/indexer", handle_knowledge_changed, allow=PLATFORM),
)
