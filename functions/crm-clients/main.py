"""crm-clients: create, read and import an agency's clients."""

from frontdesk.crm.clients import create_client, read_client
from frontdesk.crm.imports import import_clients
from frontdesk.http import get, http_function, post
from frontdesk.platform.context import Role

crm_clients = http_function(
    "crm-clients",
    post("/v1/crm/clients", create_client, allow=Role.AGENT, status=201),
    get("/v1/crm/clients/{client_id}", read_client, allow=Role.VIEWER),
    post("/v1/crm/imports", import_clients, allow=Role.AGENT),
)
