"""What must be true of every plan. Each rule is one function that returns what breaks it.

A rule that cannot fail is worth nothing: ``broken_plans.py`` has for each one a plan that it
rejects.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.cloud.terraform import UNKNOWN, Plan, Resource

Rule = Callable[[Plan], list[str]]

EVERYBODY = frozenset({"allUsers", "allAuthenticatedUsers"})
KEEPS_THE_SERVICE_KEY = frozenset({"tenants", "provisioner", "indexer", "maintenance"})
DELETION_IS_PROMISED = ("documents", "exports", "indexes")
TERRAFORM_MAY_KNOW = "REDIS_URL"
"""The one secret whose value is in the state."""

FUNCTION = "google_cloudfunctions2_function"
SUBSCRIPTION = "google_pubsub_subscription"
CONTAINER = "google_secret_manager_secret"


def no_bucket_is_public(plan: Plan) -> list[str]:
    """Nobody from outside may read a bucket, and nobody can change that on an object."""
    return [
        *(
            f"{bucket.address} can be made public"
            for bucket in plan.of("google_storage_bucket")
            if bucket.values["public_access_prevention"] != "enforced"
            or bucket.values["uniform_bucket_level_access"] is not True
        ),
        *(
            f"{grant.address} lets everybody in"
            for grant in plan.of("google_storage_bucket_iam_member")
            if grant.values["member"] in EVERYBODY
        ),
        *(
            f"{other.address} sets access by another way than google_storage_bucket_iam_member"
            for other in plan.resources
            if other.type.startswith("google_storage_")
            and other.type.endswith(("_acl", "_access_control", "_iam_binding", "_iam_policy"))
        ),
    ]


def there_are_no_keys(plan: Plan) -> list[str]:
    """No credential is made that could be copied away."""
    keys = ("google_service_account_key", "google_storage_hmac_key", "google_apikeys_key")
    return [f"{key.address} is a key" for key in plan.of(*keys)]


def the_service_key_stays_with_the_platform(plan: Plan) -> list[str]:
    """A function that serves tenants cannot go around row-level security."""
    return [
        f"{function.address} mounts SUPABASE_SERVICE_KEY"
        for function in plan.of(FUNCTION)
        if function.values["name"] not in KEEPS_THE_SERVICE_KEY
        and "SUPABASE_SERVICE_KEY" in variables_of(function)
    ] + [
        f"{grant.address} may read SUPABASE_SERVICE_KEY"
        for grant in plan.of("google_secret_manager_secret_iam_member")
        if grant.values["secret_id"] == "SUPABASE_SERVICE_KEY"
        and not any(f'["{name}"]' in grant.address for name in KEEPS_THE_SERVICE_KEY)
    ]


def pushes_are_signed_and_end_somewhere(plan: Plan) -> list[str]:
    """Every subscription is a signed push with a dead-letter topic, or holds dead letters."""
    found = []
    for subscription in plan.of(SUBSCRIPTION):
        push = (subscription.values["push_config"] or [None])[0]
        if push is None:
            if not subscription.values["name"].endswith("-dead-letter"):
                found.append(f"{subscription.address} is no push, and holds no dead letters")
            continue
        token = (push["oidc_token"] or [{}])[0]
        if not (token.get("audience") and token.get("service_account_email")):
            found.append(f"{subscription.address} is not signed")
        policy = (subscription.values["dead_letter_policy"] or [{}])[0]
        if not policy.get("dead_letter_topic"):
            found.append(f"{subscription.address} has no dead-letter topic")
        if not subscription.values["retry_policy"]:
            found.append(f"{subscription.address} has no retry policy")
    return found


def dead_letters_are_kept(plan: Plan) -> list[str]:
    """Every topic has a dead-letter topic, and that has a subscription that never expires."""
    topics = {topic.values["name"] for topic in plan.of("google_pubsub_topic")}
    dead = {f"{topic}-dead-letter" for topic in topics if not topic.endswith("-dead-letter")}
    keeping = {
        subscription.values["name"]
        for subscription in plan.of(SUBSCRIPTION)
        if subscription.values["expiration_policy"] == [{"ttl": ""}]
    }
    return [
        *(f"the topic {name} is missing" for name in sorted(dead - topics)),
        *(f"nothing keeps what arrives in {name}" for name in sorted(dead - keeping)),
    ]


def jobs_are_signed(plan: Plan) -> list[str]:
    """Every scheduled call carries a token for the function that it calls."""
    found = []
    for job in plan.of("google_cloud_scheduler_job"):
        target = job.values["http_target"][0]
        token = (target["oidc_token"] or [{}])[0]
        if not token.get("audience") or not target["uri"].startswith(f"{token['audience']}/"):
            found.append(f"{job.address} is not signed for {target['uri']}")
    return found


def outsiders_come_from_one_repository_and_ref(plan: Plan) -> list[str]:
    """Workload Identity Federation lets in one repository, and only from named refs."""
    found = []
    for provider in plan.of("google_iam_workload_identity_pool_provider"):
        condition = provider.values.get("attribute_condition") or ""
        if "assertion.repository == '" not in condition:
            found.append(f"{provider.address} does not ask for the repository")
        if not any(
            wanted in condition
            for wanted in ("assertion.ref == 'refs/", "assertion.ref.startsWith('refs/")
        ):
            found.append(f"{provider.address} does not ask for the ref")
    return found


def secrets_that_are_mounted_exist(plan: Plan) -> list[str]:
    """A function mounts what there is a container for, by a version's number."""
    containers = {container.values["secret_id"] for container in plan.of(CONTAINER)}
    return [
        f"{function.address} mounts {secret['secret']}, which {problem}"
        for function in plan.of(FUNCTION)
        for secret in config_of(function)["secret_environment_variables"]
        for problem in [
            *(["does not exist"] if secret["secret"] not in containers else []),
            *(["has no version"] if not _is_version(secret["version"]) else []),
        ]
    ]


def secrets_stay_out_of_the_state(plan: Plan) -> list[str]:
    """Terraform knows one secret's value, and puts none into the open."""
    containers = {container.values["secret_id"] for container in plan.of(CONTAINER)}
    return [
        *(
            f"{version.address} puts a secret's value into the state"
            for version in plan.of("google_secret_manager_secret_version")
            if not version.address.endswith(f".{TERRAFORM_MAY_KNOW.lower()}[0]")
        ),
        *(
            f"{function.address} has {name} in the open"
            for function in plan.of(FUNCTION)
            for name in config_of(function)["environment_variables"]
            if name in containers
        ),
    ]


def deleted_is_deleted(plan: Plan) -> list[str]:
    """Where deletion is promised there are no versions and no soft delete."""
    found = []
    buckets = {b.values["name"].rpartition("-")[2]: b for b in plan.of("google_storage_bucket")}
    for kind in DELETION_IS_PROMISED:
        if kind not in buckets:
            found.append(f"there is no bucket of {kind}")
            continue
        values = buckets[kind].values
        soft_delete = (values["soft_delete_policy"] or [{}])[0]
        if soft_delete.get("retention_duration_seconds") != 0:
            found.append(f"{buckets[kind].address} keeps deleted objects")
        if any(versioning["enabled"] for versioning in values["versioning"]):
            found.append(f"{buckets[kind].address} keeps versions")
    return found


def exports_end_by_themselves(plan: Plan) -> list[str]:
    """An export is deleted after a while, whoever forgets it."""
    return [
        f"{bucket.address} keeps exports for ever"
        for bucket in plan.of("google_storage_bucket")
        if bucket.values["name"].endswith("-exports")
        and not any(
            rule["action"][0]["type"] == "Delete" and rule["condition"][0]["age"]
            for rule in bucket.values["lifecycle_rule"]
        )
    ]


def the_platform_is_called_by_the_platform(plan: Plan) -> list[str]:
    """Only Pub/Sub and Scheduler may call what they call."""
    found = []
    for function in plan.of(FUNCTION):
        if "PUSH_AUDIENCE" not in config_of(function)["environment_variables"]:
            continue
        if config_of(function)["ingress_settings"] != "ALLOW_INTERNAL_ONLY":
            found.append(f"{function.address} can be reached from outside")
        found += [
            f"{grant.address} lets everybody call a platform function"
            for grant in plan.of("google_cloud_run_service_iam_member")
            if grant.values["service"] == function.values["name"]
            and grant.values["member"] in EVERYBODY
        ]
    return found


def the_load_balancer_is_the_only_door(plan: Plan) -> list[str]:
    """Where there is one, a public function's own address does not go around Cloud Armor."""
    if not plan.of("google_compute_security_policy"):
        return []
    return [
        f"{function.address} can be reached beside the load balancer"
        for function in plan.of(FUNCTION)
        if config_of(function)["ingress_settings"] == "ALLOW_ALL"
    ]


def rights_are_on_single_resources(plan: Plan) -> list[str]:
    """No function has a role on the project; no pipeline may own it or widen its own rights."""
    far_too_much = {
        "roles/editor",
        "roles/iam.serviceAccountAdmin",
        "roles/iam.serviceAccountKeyAdmin",
        "roles/iam.serviceAccountTokenCreator",
        "roles/owner",
        "roles/resourcemanager.projectIamAdmin",
        "roles/secretmanager.admin",
        "roles/secretmanager.secretAccessor",
        "roles/storage.admin",
        "roles/storage.objectAdmin",
    }
    grants = plan.of("google_project_iam_member")
    return [
        *(
            f"{grant.address} is on the whole project"
            for grant in grants
            if ".module.function[" in grant.address
        ),
        *(
            f"{grant.address} is {grant.values['role']}"
            for grant in grants
            if grant.values["role"] in far_too_much
        ),
        *(
            f"{grant.address} reads every bucket"
            for grant in grants
            if grant.values["role"].startswith("roles/storage.object")
            and "buckets/gcf-v2-" not in str(grant.values["condition"])
        ),
        *(
            f"{other.address} replaces a whole policy"
            for other in plan.of("google_project_iam_binding", "google_project_iam_policy")
        ),
    ]


def redis_asks_who_is_there(plan: Plan) -> list[str]:
    """Memorystore wants a password, and encrypts."""
    return [
        f"{redis.address} is open"
        for redis in plan.of("google_redis_instance")
        if redis.values["auth_enabled"] is not True
        or redis.values["transit_encryption_mode"] != "SERVER_AUTHENTICATION"
    ]


def redis_is_the_only_way_into_the_network(plan: Plan) -> list[str]:
    """A connector is for functions that use Redis, and carries private addresses alone."""
    return [
        f"{function.address} goes through the VPC"
        for function in plan.of(FUNCTION)
        if config_of(function).get("vpc_connector")
        and (
            "REDIS_URL" not in variables_of(function)
            or config_of(function)["vpc_connector_egress_settings"] != "PRIVATE_RANGES_ONLY"
        )
    ]


def production_waits_for_somebody(plan: Plan) -> list[str]:
    """Nothing gets into production unless somebody agreed."""
    return [
        f"{trigger.address} asks nobody"
        for trigger in plan.of("google_cloudbuild_trigger")
        if trigger.values["name"].endswith("-production")
        and trigger.values["approval_config"] != [{"approval_required": True}]
    ]


def config_of(function: Resource) -> dict[str, Any]:
    config: dict[str, Any] = function.values["service_config"][0]
    return config


def variables_of(function: Resource) -> set[str]:
    """Every environment variable of a function, secret or not."""
    secrets = {secret["key"] for secret in config_of(function)["secret_environment_variables"]}
    return secrets | set(config_of(function)["environment_variables"])


def _is_version(version: str) -> bool:
    return version == UNKNOWN or version.isdecimal()
