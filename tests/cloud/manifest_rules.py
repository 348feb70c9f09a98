"""What must be true of a plan beside the manifests that it was made from, and the runbooks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from frontdesk.platform.manifest import Manifest
from tests.cloud.plan_rules import FUNCTION, Rule, config_of
from tests.cloud.terraform import Plan, Resource


def threads_are_concurrency(plan: Plan) -> list[str]:
    """An instance can work on as many requests as it is given at once."""
    return [
        f"{function.address} has {threads} threads for {most} requests"
        for function in plan.of(FUNCTION)
        for threads in [config_of(function)["environment_variables"].get("THREADS")]
        for most in [config_of(function)["max_instance_request_concurrency"]]
        if threads != str(most)
    ]


def packages_are_named_by_content(plan: Plan) -> list[str]:
    """A package that changed has another name, or it would not be deployed."""
    return [
        f"{package.address} is called {package.values['name']}"
        for package in plan.of("google_storage_bucket_object")
        if not _ends_in_sha256(package.values["name"])
    ]


def alerts_have_runbooks(pages: set[str]) -> Rule:
    """Each alert links a page that exists.

    Args:
        pages: the names of the files in docs/runbooks.
    """

    def rule(plan: Plan) -> list[str]:
        return [
            f"{policy.address} links {link['url']}"
            for policy in plan.of("google_monitoring_alert_policy")
            for link in _links(policy)
            if link["url"].rpartition("/")[2] not in pages
        ]

    return rule


def every_path_leads_to_its_function(manifests: list[Manifest]) -> Rule:
    """With the load balancer each route, health and readiness path reaches its own function."""
    public = [manifest for manifest in manifests if not (manifest.pubsub or manifest.schedule)]

    def rule(plan: Plan) -> list[str]:
        routes = plan.outputs["routes"]
        rules = plan.named("google_compute_url_map", "frontdesk")["path_matcher"][0]["route_rules"]
        ordered = sorted(rules, key=lambda rule: rule["priority"])
        patterns = [
            match["full_path_match"] or match["path_template_match"]
            for rule in ordered
            for match in rule["match_rules"]
        ]
        if patterns != [route["path"] for route in routes]:
            return ["the URL map has other paths than its routes"]
        return [
            f"{path} leads to {reached}, not to {manifest.name}"
            for manifest in public
            for path in _paths(manifest)
            for reached in [_first(routes, path)]
            if reached != manifest.name
        ]

    return rule


def every_function_is_there(manifests: list[Manifest]) -> Rule:
    """Each manifest is a function with the manifest's resources, and there is no other."""

    def rule(plan: Plan) -> list[str]:
        wanted = {manifest.name: manifest.resources for manifest in manifests}
        made = {f.values["name"]: config_of(f) for f in plan.of(FUNCTION)}
        return [
            *(f"{name} is not deployed" for name in sorted(wanted.keys() - made.keys())),
            *(f"{name} has no manifest" for name in sorted(made.keys() - wanted.keys())),
            *(
                f"{name} has other resources than its manifest"
                for name in sorted(wanted.keys() & made.keys())
                if (
                    made[name]["available_memory"],
                    float(made[name]["available_cpu"]),
                    made[name]["timeout_seconds"],
                    made[name]["max_instance_count"],
                    made[name]["min_instance_count"],
                )
                != (
                    f"{wanted[name].memory_mb}Mi",
                    wanted[name].cpu,
                    wanted[name].timeout_seconds,
                    wanted[name].max_instances,
                    wanted[name].min_instances,
                )
            ),
        ]

    return rule


def _ends_in_sha256(name: str) -> bool:
    digest = name.removesuffix(".zip").rpartition("-")[2]
    return len(digest) == 64 and not set(digest) - set("0123456789abcdef")


def _links(policy: Resource) -> list[dict[str, Any]]:
    documentation = (policy.values["documentation"] or [{}])[0]
    return documentation.get("links") or [{"url": "nothing"}]


def _paths(manifest: Manifest) -> Iterator[str]:
    """One request's path for each route of a function."""
    for route in manifest.routes:
        yield "/".join("x-1" if part.startswith("{") else part for part in route.path.split("/"))
    yield f"/v1/health/{manifest.name}"
    yield f"/v1/ready/{manifest.name}"


def _first(routes: list[dict[str, str]], path: str) -> str | None:
    """The function that the first matching rule names."""
    asked = path.split("/")
    for route in routes:
        pattern = route["path"].split("/")
        if len(pattern) == len(asked) and all(
            fixed in {"*", part} for fixed, part in zip(pattern, asked, strict=True)
        ):
            return route["function"]
    return None
