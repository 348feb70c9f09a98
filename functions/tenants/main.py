"""tenants: create, list, read, suspend and resume agencies; for holders of an admin token."""

from frontdesk.http import ADMIN, get, http_function, post
from frontdesk.tenants.admin import (
    create_tenant,
    list_tenants,
    read_tenant,
    resume_tenant,
    suspend_tenant,
)

tenants = http_function(
    "tenants",
    post("/v1/tenants", create_tenant, allow=ADMIN, status=201),
    get("/v1/tenants", list_tenants, allow=ADMIN),
    get("/v1/tenants/{tenant_id}", read_tenant, allow=ADMIN),
    post("/v1/tenants/{tenant_id}/suspend", suspend_tenant, allow=ADMIN),
    post("/v1/tenants/{tenant_id}/resume", resume_tenant, allow=ADMIN),
)
