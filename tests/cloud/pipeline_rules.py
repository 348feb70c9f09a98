"""What a schema does not know about cloudbuild.yaml and the workflows: rules that name problems.

Each rule takes the parsed document and returns a sentence for each problem.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

Document = dict[str, Any]
Rule = Callable[[Document], list[str]]

BUILT_IN = {
    "BUILD_ID",
    "COMMIT_SHA",
    "LOCATION",
    "PROJECT_ID",
    "PROJECT_NUMBER",
    "REF_NAME",
    "SHORT_SHA",
    "TAG_NAME",
}
BUILD_WORDS = {"availableSecrets", "options", "steps", "substitutions", "timeout"}
STEP_WORDS = {
    *("allowFailure", "args", "entrypoint", "env", "id", "name", "script", "secretEnv", "timeout"),
    "waitFor",
}
_SUBSTITUTION = re.compile(r"(?<!\$)\$\{?(?P<name>[A-Za-z_]\w*)\}?")
_SHELLS = {"sh", "bash", "/bin/sh", "/bin/bash", "env", "printenv", "echo", "set"}
_KEY = re.compile(
    r"credentials_json|GOOGLE_APPLICATION_CREDENTIALS|key-file|keyfile|activate-service-account"
    r"|PRIVATE KEY|service-accounts keys|secrets\.(?!GITHUB_TOKEN\b)",
    re.IGNORECASE,
)
_PINNED = re.compile(r"^[\w-]+/[\w./-]+@[0-9a-f]{40}$")


def texts(node: Any) -> Iterator[str]:
    """Every string below a node, keys too."""
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from texts(key)
            yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def words_are_known(build: Document) -> list[str]:
    """The schema lets any further word pass; Cloud Build does not."""
    unknown = set(build) - BUILD_WORDS
    for step in build["steps"]:
        unknown |= set(step) - STEP_WORDS
    return [f"{word} is no word of Cloud Build" for word in sorted(unknown)]


def steps_wait_for_earlier_ones(build: Document) -> list[str]:
    problems: list[str] = []
    known: set[str] = set()
    for step in build["steps"]:
        waits = step.get("waitFor", [])
        problems += [
            f"{step['id']} waits for {name}, which is no earlier step"
            for name in waits
            if name != "-" and name not in known
        ]
        if step["id"] in known:
            problems.append(f"{step['id']} is there twice")
        known.add(step["id"])
    return problems


def everything_is_waited_for(build: Document) -> list[str]:
    """No step runs beside the last one: the build's end is that step's end."""
    waits = {step["id"]: step.get("waitFor", ["-"]) for step in build["steps"]}
    last = build["steps"][-1]["id"]
    reached, pending = {last}, [last]
    while pending:
        for name in set(waits.get(pending.pop(), [])) - reached - {"-"}:
            reached.add(name)
            pending.append(name)
    return [f"{name} may still run when {last} has ended" for name in waits if name not in reached]


def secrets_are_declared(build: Document) -> list[str]:
    declared = {s["env"] for s in build.get("availableSecrets", {}).get("secretManager", [])}
    used = {name for step in build["steps"] for name in step.get("secretEnv", [])}
    return [
        *(f"{name} is used and not in availableSecrets" for name in sorted(used - declared)),
        *(f"{name} is in availableSecrets and not used" for name in sorted(declared - used)),
    ]


def secrets_have_a_version(build: Document) -> list[str]:
    return [
        f"{secret['versionName']} is no version by number"
        for secret in build.get("availableSecrets", {}).get("secretManager", [])
        if not re.search(r"/versions/(?:\d+|\$\{_\w+_VERSION\})$", secret["versionName"])
    ]


def substitutions_are_declared(build: Document) -> list[str]:
    declared = set(build.get("substitutions", {}))
    rest = {key: value for key, value in build.items() if key != "substitutions"}
    used = {m["name"] for text in texts(rest) for m in _SUBSTITUTION.finditer(text)} - BUILT_IN
    return [
        *(f"{name} does not begin with _" for name in sorted(declared) if name[0] != "_"),
        *(f"{name} is used and not declared" for name in sorted(used - declared)),
        *(f"{name} is declared and not used" for name in sorted(declared - used)),
    ]


def no_step_could_print_a_secret(build: Document) -> list[str]:
    """A step with a secret runs one program, which reads it from its environment."""
    problems = []
    for step in build["steps"]:
        secrets = step.get("secretEnv", [])
        if not secrets:
            continue
        entrypoint = step.get("entrypoint", "")
        if entrypoint in _SHELLS or "script" in step:
            problems.append(f"{step['id']} has a secret and runs {entrypoint or 'a script'}")
        words = list(texts(step.get("args", []))) + list(texts(step.get("env", [])))
        problems += [
            f"{step['id']} writes {name} into a command"
            for name in secrets
            if any(name in word for word in words)
        ]
    return problems


def there_is_no_key(document: Document) -> list[str]:
    return [f"{match[0]} in {text!r}" for text in texts(document) for match in _KEY.finditer(text)]


def the_plan_that_is_shown_is_applied(build: Document) -> list[str]:
    ids = [step["id"] for step in build["steps"]]
    steps = {step["id"]: " ".join(map(str, step.get("args", []))) for step in build["steps"]}
    file = re.search(r"-out=(\S+)", steps["plan"])
    problems = [] if ids.index("plan") < ids.index("apply") else ["apply comes before plan"]
    if file is None or f" {file[1]}" not in steps["apply"]:
        problems.append("apply does not take the file that plan writes")
    if "-auto-approve" in steps["apply"]:
        problems.append("apply makes a plan of its own")
    return problems


def what_fails_fails_the_build(build: Document) -> list[str]:
    """Only what the last step judges may fail, and the last step may not."""
    *steps, last = build["steps"]
    allowed = {step["id"] for step in steps if step.get("allowFailure")}
    problems = [f"{name} may fail unnoticed" for name in sorted(allowed - {"apply", "smoke"})]
    problems += [
        f"after {name} failed nothing is put back" for name in {"apply", "smoke"} - allowed
    ]
    if last.get("allowFailure") or "--unless-passed" not in last.get("args", []):
        problems.append("the last step does not fail when the deployment failed")
    return problems


def the_log_has_a_place(build: Document) -> list[str]:
    """With an account of one's own the default, a bucket of Google's, is refused."""
    logging = build.get("options", {}).get("logging")
    return [] if logging in {"CLOUD_LOGGING_ONLY", "GCS_ONLY"} else [f"logging is {logging}"]


def steps_end(build: Document) -> list[str]:
    return [
        f"{step['id']} has no time-out of its own"
        for step in build["steps"]
        if "timeout" not in step
    ] + ([] if "timeout" in build else ["the build has the default of ten minutes"])


CLOUD_BUILD: tuple[Rule, ...] = (
    words_are_known,
    steps_wait_for_earlier_ones,
    everything_is_waited_for,
    secrets_are_declared,
    secrets_have_a_version,
    substitutions_are_declared,
    no_step_could_print_a_secret,
    there_is_no_key,
    the_plan_that_is_shown_is_applied,
    what_fails_fails_the_build,
    the_log_has_a_place,
    steps_end,
)


def actions_are_pinned(workflow: Document) -> list[str]:
    used = [uses for text, uses in _pairs(workflow) if text == "uses"]
    return [
        f"{uses} is not pinned to a commit"
        for uses in used
        if not uses.startswith("./") and not _PINNED.match(uses)
    ]


def rights_are_the_least(workflow: Document) -> list[str]:
    problems = [] if workflow.get("permissions") == {} else ["the workflow has rights by default"]
    for name, job in workflow["jobs"].items():
        rights = job.get("permissions")
        signs_in = any("google-github-actions/auth@" in text for text in texts(job))
        allowed = {"contents": "read"} | ({"id-token": "write"} if signs_in else {})
        if rights != allowed:
            problems.append(f"{name} has the rights {rights}, and needs {allowed}")
    return problems


def everything_is_made(workflow: Document) -> list[str]:
    """What people run: no commands that only the pipeline knows."""
    return [
        f"`{command}` is no make target"
        for key, command in _pairs(workflow)
        if key == "run" and not re.fullmatch(r"make [a-z-]+", command)
    ]


WORKFLOW: tuple[Rule, ...] = (
    actions_are_pinned,
    rights_are_the_least,
    everything_is_made,
    there_is_no_key,
)


def _pairs(node: Any) -> Iterator[tuple[str, str]]:
    if isinstance(node, dict):
        for key, value in node.items():
            if isinstance(value, str):
                yield key, value
            yield from _pairs(value)
    elif isinstance(node, list):
        for value in node:
            yield from _pairs(value)
