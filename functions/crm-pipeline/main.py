"""crm-pipeline: how many clients stand where, and what their quotes are worth."""

from frontdesk.crm.pipeline import read_pipeline
from frontdesk.http import get, http_function
from frontdesk.platform.context import Role

crm_pipeline = http_function(
    "crm-pipeline",
    get("/v1/crm/pipeline", read_pipeline, allow=Role.VIEWER),
)
