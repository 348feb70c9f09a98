"""For each rule a plan that it must reject: a good plan with one thing made wrong in it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.cloud import manifest_rules, plan_rules
from tests.cloud.plan_rules import CONTAINER, FUNCTION, SUBSCRIPTION, Rule
from tests.cloud.terraform import Plan, Resource

Change = Callable[[Plan], None]


class Broken(NamedTuple):
    """A rule, and what is done to a plan that obeys it."""

    rule: Rule
    what: str
    change: Change

    def plan(self, good: Plan) -> Plan:
        """A copy of a good plan, broken."""
        broken = copy.deepcopy(good)
        self.change(broken)
        return broken


def _set(type_: str, path: str, value: Any, where: str = "") -> Change:
    """Give an argument of the first such resource another value.

    Args:
        path: names and positions, such as ``service_config.0.ingress_settings``.
        where: what the resource's address contains.
    """

    def change(plan: Plan) -> None:
        target: Any = next(r.values for r in plan.of(type_) if where in r.address)
        *steps, last = [int(step) if step.isdecimal() else step for step in path.split(".")]
        for step in steps:
            target = target[step]
        target[last] = value

    return change


def _add(type_: str, address: str, **values: Any) -> Change:
    return lambda plan: plan.resources.append(Resource(address, type_, values))


def _remove(type_: str, where: str = "") -> Change:
    def change(plan: Plan) -> None:
        plan.resources.remove(next(r for r in plan.of(type_) if where in r.address))

    return change


def _mount(function: str, secret: str, version: str = "1") -> Change:
    def change(plan: Plan) -> None:
        mounted = plan.named(FUNCTION, function)["service_config"][0][
            "secret_environment_variables"
        ]
        mounted.append({"key": secret, "secret": secret, "version": version})

    return change


def _swap_routes(plan: Plan) -> None:
    """Let the first path lead where the last one leads."""
    routes = plan.outputs["routes"]
    routes[0]["function"] = next(
        route["function"] for route in routes if route["function"] != routes[0]["function"]
    )


def _shadow(plan: Plan) -> None:
    """Put a wildcard of another function before everything else."""
    stray = {"path": "/v1/*/search", "function": "tenants"}
    plan.outputs["routes"].insert(0, stray)
    rules = plan.named("google_compute_url_map", "frontdesk")["path_matcher"][0]["route_rules"]
    match = {"full_path_match": None, "path_template_match": stray["path"]}
    rules.append({"priority": 0, "match_rules": [match]})


_ENVIRONMENT = "service_config.0.environment_variables"
_BUCKET = "google_storage_bucket"
_PUSH = '.push["indexer"]'
_WIF = "google_iam_workload_identity_pool_provider"
_ALERT = "google_monitoring_alert_policy"

BROKEN = [
    Broken(
        plan_rules.no_bucket_is_public,
        "public access is not prevented",
        _set(_BUCKET, "public_access_prevention", "inherited"),
    ),
    Broken(
        plan_rules.no_bucket_is_public,
        "objects have access lists",
        _set(_BUCKET, "uniform_bucket_level_access", False),
    ),
    Broken(
        plan_rules.no_bucket_is_public,
        "everybody is a reader",
        _add("google_storage_bucket_iam_member", "stray", member="allUsers"),
    ),
    Broken(
        plan_rules.no_bucket_is_public, "an access list", _add("google_storage_bucket_acl", "stray")
    ),
    Broken(
        plan_rules.there_are_no_keys,
        "a service account's key",
        _add("google_service_account_key", "stray"),
    ),
    Broken(
        plan_rules.the_service_key_stays_with_the_platform,
        "a function of tenants mounts it",
        _mount("crm-search", "SUPABASE_SERVICE_KEY"),
    ),
    Broken(
        plan_rules.the_service_key_stays_with_the_platform,
        "a function of tenants may read it",
        _add(
            "google_secret_manager_secret_iam_member",
            'module.function["quotes"].accessor',
            secret_id="SUPABASE_SERVICE_KEY",
        ),
    ),
    Broken(
        plan_rules.pushes_are_signed_and_end_somewhere,
        "no dead-letter topic",
        _set(SUBSCRIPTION, "dead_letter_policy", [], _PUSH),
    ),
    Broken(
        plan_rules.pushes_are_signed_and_end_somewhere,
        "no token",
        _set(SUBSCRIPTION, "push_config.0.oidc_token", [], _PUSH),
    ),
    Broken(
        plan_rules.pushes_are_signed_and_end_somewhere,
        "a token for anybody",
        _set(SUBSCRIPTION, "push_config.0.oidc_token.0.audience", None, _PUSH),
    ),
    Broken(
        plan_rules.pushes_are_signed_and_end_somewhere,
        "tried again at once, for ever",
        _set(SUBSCRIPTION, "retry_policy", [], _PUSH),
    ),
    Broken(
        plan_rules.pushes_are_signed_and_end_somewhere,
        "a subscription that nobody reads",
        _add(SUBSCRIPTION, "stray", name="stray", push_config=[]),
    ),
    Broken(
        plan_rules.dead_letters_are_kept,
        "a dead-letter topic without a subscription",
        _remove(SUBSCRIPTION, ".dead_letter["),
    ),
    Broken(
        plan_rules.dead_letters_are_kept,
        "a subscription that expires",
        _set(SUBSCRIPTION, "expiration_policy", [], ".dead_letter["),
    ),
    Broken(
        plan_rules.dead_letters_are_kept,
        "a topic without a dead-letter topic",
        _remove("google_pubsub_topic", ".dead_letter["),
    ),
    Broken(
        plan_rules.jobs_are_signed,
        "a call without a token",
        _set("google_cloud_scheduler_job", "http_target.0.oidc_token", []),
    ),
    Broken(
        plan_rules.jobs_are_signed,
        "a token for another function",
        _set(
            "google_cloud_scheduler_job", "http_target.0.oidc_token.0.audience", "https://a.example"
        ),
    ),
    Broken(
        plan_rules.outsiders_come_from_one_repository_and_ref,
        "no condition",
        _set(_WIF, "attribute_condition", None),
    ),
    Broken(
        plan_rules.outsiders_come_from_one_repository_and_ref,
        "any ref of the repository",
        _set(_WIF, "attribute_condition", "assertion.repository == 'acme/frontdesk'"),
    ),
    Broken(
        plan_rules.outsiders_come_from_one_repository_and_ref,
        "that ref of any repository",
        _set(_WIF, "attribute_condition", "assertion.ref == 'refs/heads/main'"),
    ),
    Broken(
        plan_rules.secrets_that_are_mounted_exist,
        "a secret without a container",
        _mount("crm-search", "NO_SUCH_SECRET"),
    ),
    Broken(
        plan_rules.secrets_that_are_mounted_exist,
        "the latest version",
        _mount("crm-search", "CURSOR_SECRET", "latest"),
    ),
    Broken(
        plan_rules.secrets_that_are_mounted_exist,
        "a container that is gone",
        _remove(CONTAINER, "SUPABASE_ANON_KEY"),
    ),
    Broken(
        plan_rules.secrets_stay_out_of_the_state,
        "a value in the state",
        _add("google_secret_manager_secret_version", "module.data.openai_api_key"),
    ),
    Broken(
        plan_rules.secrets_stay_out_of_the_state,
        "a value in the open",
        _set(FUNCTION, f"{_ENVIRONMENT}.CURSOR_SECRET", "in the open"),
    ),
    Broken(
        plan_rules.deleted_is_deleted,
        "soft delete as it is by default",
        _set(_BUCKET, "soft_delete_policy", [], '["documents"]'),
    ),
    Broken(
        plan_rules.deleted_is_deleted,
        "soft delete for a week",
        _set(_BUCKET, "soft_delete_policy.0.retention_duration_seconds", 604800, '["exports"]'),
    ),
    Broken(
        plan_rules.deleted_is_deleted,
        "versions",
        _set(_BUCKET, "versioning", [{"enabled": True}], '["indexes"]'),
    ),
    Broken(plan_rules.deleted_is_deleted, "no bucket of its own", _remove(_BUCKET, '["exports"]')),
    Broken(
        plan_rules.exports_end_by_themselves,
        "no rule that deletes",
        _set(_BUCKET, "lifecycle_rule", [], '["exports"]'),
    ),
    Broken(
        plan_rules.the_platform_is_called_by_the_platform,
        "everybody may call the indexer",
        _set("google_cloud_run_service_iam_member", "member", "allUsers", '["indexer"]'),
    ),
    Broken(
        plan_rules.the_platform_is_called_by_the_platform,
        "the indexer is reached from outside",
        _set(FUNCTION, "service_config.0.ingress_settings", "ALLOW_ALL", '["indexer"]'),
    ),
    Broken(
        plan_rules.the_load_balancer_is_the_only_door,
        "a second door",
        _set(FUNCTION, "service_config.0.ingress_settings", "ALLOW_ALL", '["crm-search"]'),
    ),
    Broken(
        plan_rules.rights_are_on_single_resources,
        "a function's role on the project",
        _add(
            "google_project_iam_member",
            'module.frontdesk.module.function["helpdesk"].stray',
            role="roles/aiplatform.user",
            condition=[],
        ),
    ),
    Broken(
        plan_rules.rights_are_on_single_resources,
        "a pipeline that owns the project",
        _set("google_project_iam_member", "role", "roles/owner", ".deployer["),
    ),
    Broken(
        plan_rules.rights_are_on_single_resources,
        "a build that reads every bucket",
        _set("google_project_iam_member", "condition", [], ".function_build_source"),
    ),
    Broken(
        plan_rules.rights_are_on_single_resources,
        "a policy that replaces the others",
        _add("google_project_iam_binding", "stray"),
    ),
    Broken(
        plan_rules.redis_asks_who_is_there,
        "no password",
        _set("google_redis_instance", "auth_enabled", False),
    ),
    Broken(
        plan_rules.redis_asks_who_is_there,
        "in the clear",
        _set("google_redis_instance", "transit_encryption_mode", "DISABLED"),
    ),
    Broken(
        plan_rules.redis_is_the_only_way_into_the_network,
        "a connector for nothing",
        _set(FUNCTION, "service_config.0.vpc_connector", "c", '["maintenance"]'),
    ),
    Broken(
        plan_rules.redis_is_the_only_way_into_the_network,
        "everything through the connector",
        _set(
            FUNCTION,
            "service_config.0.vpc_connector_egress_settings",
            "ALL_TRAFFIC",
            '["crm-search"]',
        ),
    ),
    Broken(
        plan_rules.production_waits_for_somebody,
        "nobody is asked",
        _set("google_cloudbuild_trigger", "approval_config", [{"approval_required": False}]),
    ),
    Broken(
        manifest_rules.threads_are_concurrency,
        "one thread for forty requests",
        _set(FUNCTION, f"{_ENVIRONMENT}.THREADS", "1", '["crm-search"]'),
    ),
    Broken(
        manifest_rules.packages_are_named_by_content,
        "a name that never changes",
        _set("google_storage_bucket_object", "name", "functions/crm-search.zip"),
    ),
]

BROKEN_BESIDE_THE_REPOSITORY = {
    "alerts_have_runbooks": [
        _set(_ALERT, "documentation.0.links.0.url", "https://a.example/no-such-page.md"),
        _set(_ALERT, "documentation", []),
    ],
    "every_path_leads_to_its_function": [
        _swap_routes,
        _shadow,
        lambda plan: plan.outputs["routes"].pop(),
    ],
    "every_function_is_there": [
        _remove(FUNCTION, '["crm-search"]'),
        _set(FUNCTION, "name", "nobody-knows"),
        _set(FUNCTION, "service_config.0.available_memory", "128Mi"),
        _set(FUNCTION, "service_config.0.max_instance_count", 1000),
    ],
}
