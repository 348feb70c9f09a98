"""The executable: a project kept in the file that FAKE_GCLOUD_STATE names.

It knows the commands that Frontdesk uses and fails as the real one does: NOT_FOUND,
ALREADY_EXISTS, PERMISSION_DENIED, an API that is off, a service account too new to be known.

It is started some hundred times in a test, so it imports nothing that has to be found: ``json`` and
``re`` would take twice as long as all the rest.
"""

# ruff: noqa: PTH105, PTH113, PTH123

from __future__ import annotations

import marshal
import os
import sys
from _json import encode_basestring_ascii

STATE = os.environ["FAKE_GCLOUD_STATE"]
API_OF = {
    "functions": "cloudfunctions",
    "run": "run",
    "pubsub": "pubsub",
    "scheduler": "cloudscheduler",
    "secrets": "secretmanager",
    "iam": "iam",
}


class Failed(Exception):
    """The command fails with this on standard error."""


def read_state():
    with open(STATE, "rb") as file:
        return marshal.load(file)


def write_state(state):
    # Whole or not at all: the doctor asks several things at a time.
    scratch = f"{STATE}.{os.getpid()}"
    with open(scratch, "wb") as file:
        marshal.dump(state, file)
    os.replace(scratch, STATE)


def as_json(value):
    match value:
        case str():
            return encode_basestring_ascii(value)
        case dict():
            return "{" + ",".join(f"{as_json(k)}:{as_json(v)}" for k, v in value.items()) + "}"
        case list():
            return "[" + ",".join(map(as_json, value)) + "]"
        case bool() | None:
            return {True: "true", False: "false", None: "null"}[value]
        case _:
            return str(value)


def main(arguments):
    with open(f"{STATE}.calls", "a") as calls:
        calls.write(f"{arguments!r}\n")
    words = [word for word in arguments if not word.startswith("--")]
    flags = {}
    for argument in arguments:
        if argument.startswith("--"):
            name, _, value = argument[2:].partition("=")
            flags[name] = value
    project = Project(read_state(), flags)
    before = marshal.dumps(project.state)
    try:
        answer = project.run(words)
    except Failed as failure:
        sys.stderr.write(f"ERROR: (gcloud.{'.'.join(words[:-1])}) {failure}\n")
        return 1
    if marshal.dumps(project.state) != before:
        write_state(project.state)
    if flags.get("format") == "json":
        sys.stdout.write(as_json(answer if answer is not None else {}))
    elif flags.get("format", "").startswith("value("):
        sys.stdout.write(str(answer[flags["format"][6:-1]]) + "\n")
    return 0


class Project:
    def __init__(self, state, flags):
        self.state = state
        self.flags = flags

    def run(self, words):
        line = " ".join(words)
        for denied in self.state.get("denied", []):
            if line.startswith(denied):
                raise Failed(
                    f"PERMISSION_DENIED: Permission denied on {words[-1]} (or it may not exist)."
                )
        api = API_OF.get(words[0])
        if api and f"{api}.googleapis.com" not in self.part("services"):
            raise Failed(
                f"PERMISSION_DENIED: {api} API has not been used in project {self.state['number']}"
                " before or it is disabled."
            )
        for verb in ("add", "get", "remove"):
            suffix = "-iam-policy" if verb == "get" else "-iam-policy-binding"
            if words[-2] == f"{verb}{suffix}":
                return self.policy(verb, words[:-2], words[-1])
        parts = [part.replace("-", "_") for part in words]
        for length in range(len(parts), 0, -1):
            method = getattr(self, "do_" + "_".join(parts[:length]), None)
            if method is not None:
                return method(*words[length:])
        raise Failed(f"Invalid choice: {line!r}.")

    def part(self, name):
        return self.state.setdefault(name, {})

    # Anything that is made, looked at and listed by its name alone.
    def create(self, kind, name, entry):
        if name in self.part(kind):
            raise Failed(
                f"Resource in projects [{self.state['project']}] is the subject of a conflict:"
                f" ALREADY_EXISTS: {name} already exists."
            )
        self.part(kind)[name] = entry
        return entry

    def describe(self, kind, name, how="NOT_FOUND: Resource not found (resource={name})."):
        if name not in self.part(kind):
            raise Failed(how.format(name=name))
        return self.part(kind)[name]

    def path(self, collection, name, located=False):
        place = f"/locations/{self.place()}" if located else ""
        return f"projects/{self.state['project']}{place}/{collection}/{name}"

    def place(self):
        return self.flags.get("region") or self.flags.get("location") or self.flags["regions"]

    def do_projects_describe(self, project):
        if project != self.state["project"]:
            raise Failed(f"PERMISSION_DENIED: Project [{project}] not found or permission denied.")
        return {"projectId": project, "projectNumber": self.state["number"]}

    def do_services_enable(self, *names):
        for name in names:
            self.part("services")[name] = {"config": {"name": name}, "state": "ENABLED"}

    def do_services_list(self):
        return list(self.part("services").values())

    def do_beta_services_identity_create(self):
        agent = f"service-{self.state['number']}@gcp-sa-pubsub.iam.gserviceaccount.com"
        self.part("agents")[agent] = True

    # Identities.
    def do_iam_service_accounts_create(self, account):
        email = f"{account}@{self.state['project']}.iam.gserviceaccount.com"
        self.part("young")[email] = self.state.get("lag", 0)
        return self.create("accounts", email, {"email": email})

    def do_iam_service_accounts_describe(self, email):
        return self.describe("accounts", email, "NOT_FOUND: Unknown service account")

    def do_iam_service_accounts_list(self):
        return list(self.part("accounts").values())

    def do_iam_service_accounts_keys_list(self):
        email = self.flags["iam-account"]
        self.do_iam_service_accounts_describe(email)
        return self.part("keys").get(email, [])

    def do_iam_workload_identity_pools_list(self):
        return [{"name": self.path("workloadIdentityPools", name)} for name in self.part("pools")]

    def do_iam_workload_identity_pools_providers_list(self):
        return self.part("pools")[self.flags["workload-identity-pool"]]

    # Policies of any resource.
    def policy(self, verb, group, name):
        kind = {
            "storage buckets": "buckets",
            "run services": "functions",
            "iam service-accounts": "accounts",
        }.get(" ".join(group), group[-1])
        if kind != "projects":
            how = (
                "Cannot find service [{name}]"
                if kind == "functions"
                else "gs://{name} not found: 404."
                if kind == "buckets"
                else "NOT_FOUND: {name} not found."
            )
            self.describe(kind, name.removeprefix("gs://"), how)
        bindings = self.part("policies").setdefault(f"{kind} {name.removeprefix('gs://')}", {})
        if verb != "get":
            self.known(self.flags["member"])
            condition = self.flags.get("condition", "None").removeprefix("expression=")
            narrowed = "" if condition == "None" else f" if {condition.rpartition(',')[0]}"
            members = bindings.setdefault(self.flags["role"] + narrowed, [])
            if verb == "add" and self.flags["member"] not in members:
                members.append(self.flags["member"])
            if verb == "remove":
                if self.flags["member"] not in members:
                    raise Failed("Policy binding with the specified member and role not found!")
                members.remove(self.flags["member"])
        entries = []
        for granted, members in bindings.items():
            role, _, expression = granted.partition(" if ")
            narrowed = {"condition": {"expression": expression}} if expression else {}
            entries.append({"role": role, "members": members, **narrowed})
        return {"bindings": entries}

    def known(self, member):
        kind, _, email = member.partition(":")
        if kind != "serviceAccount":
            return
        young = self.part("young")
        if young.get(email, 0) > 0:
            young[email] -= 1
            write_state(self.state)
        elif email in self.part("accounts") or email in self.part("agents"):
            return
        raise Failed(f"INVALID_ARGUMENT: Service account {email} does not exist.")

    # Secrets.
    def do_secrets_list(self):
        return [{"name": self.path("secrets", name)} for name in self.part("secrets")]

    def do_secrets_versions_list(self, name):
        states = self.describe("secrets", name, "NOT_FOUND: Secret [{name}] not found.")
        return [
            {"name": f"{self.path('secrets', name)}/versions/{version}", "state": state}
            for version, state in states.items()
        ]

    # Storage.
    def do_storage_buckets_create(self, url):
        name = url.removeprefix("gs://")
        if name in self.part("buckets"):
            raise Failed(
                "HTTPError 409: Your previous request to create the named bucket succeeded and you"
                f" already own it: {name}."
            )
        self.part("buckets")[name] = {"name": name}
        self.do_storage_buckets_update(url)
        if "soft-delete-duration" not in self.flags:
            self.part("buckets")[name]["soft_delete_policy"] = {
                "retentionDurationSeconds": "604800"
            }

    def do_storage_buckets_update(self, url):
        bucket = self.do_storage_buckets_describe(url)
        bucket["uniform_bucket_level_access"] = "uniform-bucket-level-access" in self.flags
        bucket["public_access_prevention"] = (
            "enforced" if "public-access-prevention" in self.flags else "inherited"
        )
        bucket["soft_delete_policy"] = {"retentionDurationSeconds": "0"}

    def do_storage_buckets_describe(self, url):
        return self.describe("buckets", url.removeprefix("gs://"), "gs://{name} not found: 404.")

    def do_storage_buckets_list(self):
        return list(self.part("buckets").values())

    def do_storage_objects_describe(self, url):
        if url not in self.part("objects"):
            raise Failed(f"{url} not found: 404.")
        return {"name": url}

    def do_storage_objects_list(self, pattern):
        begins, _, ends = pattern.partition("*")
        objects = self.part("objects")
        found = [{"name": url} for url in objects if url.startswith(begins) and url.endswith(ends)]
        if not found:
            raise Failed("The following URLs matched no objects or files:\n" + pattern)
        return found

    def do_storage_cp(self, source, url):
        if not os.path.isfile(source):
            raise Failed(f"The following URLs matched no objects or files:\n{source}")
        self.do_storage_buckets_describe(url.removeprefix("gs://").partition("/")[0])
        objects = self.state.setdefault("objects", [])
        if url not in objects:
            objects.append(url)

    # Pub/Sub.
    def do_pubsub_topics_create(self, name):
        return self.create("topics", name, {"name": self.path("topics", name)})

    def do_pubsub_topics_describe(self, name):
        return self.describe("topics", name)

    def do_pubsub_topics_list(self):
        return list(self.part("topics").values())

    def do_pubsub_subscriptions_create(self, name):
        self.do_pubsub_topics_describe(self.flags["topic"])
        entry = {
            "name": self.path("subscriptions", name),
            "topic": self.path("topics", self.flags["topic"]),
        }
        self.create("subscriptions", name, entry)
        self.do_pubsub_subscriptions_update(name)

    def do_pubsub_subscriptions_update(self, name):
        entry = self.do_pubsub_subscriptions_describe(name)
        if "push-endpoint" in self.flags:
            token = {
                "serviceAccountEmail": self.flags["push-auth-service-account"],
                "audience": self.flags["push-auth-token-audience"],
            }
            entry["pushConfig"] = {"pushEndpoint": self.flags["push-endpoint"], "oidcToken": token}
        if "dead-letter-topic" in self.flags:
            dead = self.flags["dead-letter-topic"]
            self.do_pubsub_topics_describe(dead)
            entry["deadLetterPolicy"] = {
                "deadLetterTopic": self.path("topics", dead),
                "maxDeliveryAttempts": int(self.flags["max-delivery-attempts"]),
            }
        entry["ackDeadlineSeconds"] = int(self.flags.get("ack-deadline", 10))
        never = self.flags.get("expiration-period") == "never"
        entry["expirationPolicy"] = {} if never else {"ttl": "2678400s"}

    def do_pubsub_subscriptions_describe(self, name):
        return self.describe("subscriptions", name)

    def do_pubsub_subscriptions_list(self):
        return list(self.part("subscriptions").values())

    # Functions and what calls them on a schedule.
    def do_functions_deploy(self, name):
        folder = self.flags["source"]
        if not os.path.isfile(f"{folder}/main.py"):
            raise Failed(f"Provided source directory does not have file [main.py]: {folder}")
        self.known(f"serviceAccount:{self.flags['service-account']}")
        mounts = []
        for mount in filter(None, self.flags.get("set-secrets", "").split(",")):
            variable, _, reference = mount.partition("=")
            secret, _, version = reference.partition(":")
            if version not in self.part("secrets").get(secret, {}):
                raise Failed(
                    f"Secret version projects/{self.state['number']}/secrets/{secret}"
                    f"/versions/{version} was not found."
                )
            mounts.append({"key": variable, "secret": secret, "version": version})
        entry = self.part("functions").setdefault(name, {"labels": {}})
        ingress = {
            "all": "ALLOW_ALL",
            "internal-only": "ALLOW_INTERNAL_ONLY",
            "internal-and-gclb": "ALLOW_INTERNAL_AND_GCLB",
        }
        entry["labels"] |= dict(pair.split("=") for pair in self.flags["update-labels"].split(","))
        entry |= {
            "name": self.path("functions", name, located=True),
            "state": "ACTIVE",
            "serviceConfig": {
                "serviceAccountEmail": self.flags["service-account"],
                "ingressSettings": ingress[self.flags["ingress-settings"]],
                "secretEnvironmentVariables": mounts,
                "environmentVariables": self.flags["set-env-vars"],
            },
        }
        if "allow-unauthenticated" in self.flags:
            self.part("policies").setdefault(f"functions {name}", {})["roles/run.invoker"] = [
                "allUsers"
            ]

    def do_functions_list(self):
        return list(self.part("functions").values())

    def do_scheduler_jobs_create_http(self, name):
        self.create(
            "jobs", name, {"name": self.path("jobs", name, located=True), "state": "ENABLED"}
        )
        self.do_scheduler_jobs_update_http(name)

    def do_scheduler_jobs_update_http(self, name):
        entry = self.do_scheduler_jobs_describe(name)
        entry["schedule"] = self.flags["schedule"]
        entry["httpTarget"] = {
            "uri": self.flags["uri"],
            "oidcToken": {
                "serviceAccountEmail": self.flags["oidc-service-account-email"],
                "audience": self.flags["oidc-token-audience"],
            },
        }

    def do_scheduler_jobs_describe(self, name):
        return self.describe("jobs", name)

    def do_scheduler_jobs_list(self):
        return list(self.part("jobs").values())

    # Logs; the filter is the real service's to understand, its newest come first.
    def do_logging_read(self, wanted):
        entries = self.state.get("logs", [])
        if self.state.get("logs_arriving"):
            self.state["logs"] = [*self.state["logs_arriving"].pop(0), *entries]
        return entries[: int(self.flags["limit"])]
