"""provisioner: carry out tenant operations, woken by Pub/Sub."""

from frontdesk.http import PLATFORM, http_function, post
from frontdesk.tenants.provisioning import provision

provisioner = http_function(
    "provisioner",
    post("/v1/events/provisioner", provision, allow=PLATFORM),
)
