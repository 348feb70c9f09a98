"""maintenance: sweep outbox and operations, woken by Cloud Scheduler every minute."""

from frontdesk.http import PLATFORM, http_function, post
from frontdesk.tenants.maintenance import maintain

maintenance = http_function(
    "maintenance",
    post("/v1/events/maintenance", maintain, allow=PLATFORM),
)
