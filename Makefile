# Each target brings what it needs by itself; the second time that costs a file comparison.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

PYTHON ?= python3
UV_VERSION := 0.13.9
VENV := .venv
UV := $(VENV)/bin/uv
BIN := $(VENV)/bin
PORT ?= 8080
# Each worker of the tests has a stack of its own.
WORKERS ?= 2
# Files in the order of their paths: the few tests of tests/e2e that take minutes come early, the many
# quick ones of tests/unit fill the end of both workers.
SIDE_BY_SIDE = -n $(WORKERS) --dist loadfile --no-loadscope-reorder
# Node comes from PyPI where the machine has none that is new enough.
HAS_NODE = $(shell node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null \
	&& command -v npm)

export UV_PROJECT_ENVIRONMENT := $(VENV)
# A run of the tests starts hundreds of Python processes: without bytecode each compiles all it imports.
export PYTHONDONTWRITEBYTECODE :=
export UV_LINK_MODE := copy
export LITE_TELEMETRY := 0

.PHONY: help
help: ## Show this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-20s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.synced ## Start everything on one port: make run [PORT=8080]
	@exec $(BIN)/frontdesk dev --port $(PORT)

.PHONY: test
test: $(VENV)/.synced ## Run the tests against the real parts (starts them by itself)
	@$(BIN)/pytest -q -m "not soak" --ignore=tests/cloud $(SIDE_BY_SIDE)

.PHONY: soak
soak: $(VENV)/.synced ## Run the large counts and the wall-clock limits
	@$(BIN)/pytest -q -m "soak and not wall_clock" --timeout 900 --ignore=tests/cloud -n $(WORKERS) --dist worksteal
	@$(BIN)/pytest -q -m "soak and wall_clock" --timeout 900 --ignore=tests/cloud

.PHONY: check
check: $(VENV)/.synced ## Lint, types, layers, manifests, contracts and documents
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m frontdesk.http.openapi --check
	@$(BIN)/python -m frontdesk.deploy.contracting
	@$(BIN)/python -m frontdesk.deploy.capacity --check
	@$(BIN)/pytest -q tests/check

.PHONY: build
build: $(VENV)/.synced ## Make each function's package in dist/: make build [NAME=crm-search]
	@$(BIN)/python -m frontdesk.deploy.package $(NAME)

.PHONY: check-cloud
check-cloud: $(VENV)/.synced ## Check Terraform and what else is meant for Google Cloud; needs no account
	@UV_PROJECT_ENVIRONMENT=.local/cloud-venv $(UV) sync --quiet --frozen --only-group cloud
	@$(BIN)/pytest -q tests/cloud --timeout 900 $(SIDE_BY_SIDE)

.PHONY: check-compatibility
check-compatibility: $(VENV)/.synced ## Try the previous release's code on this release's database
	@$(BIN)/python -m frontdesk.deploy.compatibility

# Delivery: the steps of cloudbuild.yaml, for people and for other pipelines.
GCP_REGION ?= europe-west1
DATABASE_URL_VERSION ?= 1
required = $(if $($(1)),$($(1)),$(error Set $(1); docs/operations.md says to what))
PLACE = --project=$(call required,GCP_PROJECT_ID) --region=$(GCP_REGION)
TERRAFORM = terraform -chdir=terraform/environments/$(call required,ENVIRONMENT)
RELEASE = $(BIN)/python -m frontdesk.deploy.release

.PHONY: plan
plan: ## Show what would change in the cloud: make plan ENVIRONMENT=staging GCP_PROJECT_ID=…
	@$(TERRAFORM) init -input=false -backend-config=bucket=$(call required,GCP_PROJECT_ID)-frontdesk-state
	@$(TERRAFORM) plan -input=false -lock-timeout=300s -out=tfplan

.PHONY: migrate
migrate: $(VENV)/.synced ## Migrate the database whose address is in the project's DATABASE_URL
	@DATABASE_URL="$$(gcloud secrets versions access $(DATABASE_URL_VERSION) \
		--secret=DATABASE_URL --project=$(call required,GCP_PROJECT_ID))" $(BIN)/frontdesk migrate

.PHONY: apply
apply: ## Apply the very plan that was shown
	@$(TERRAFORM) apply -input=false -lock-timeout=300s tfplan

.PHONY: deliver
deliver: $(VENV)/.synced ## Plan, migrate, apply, smoke-test; put back what fails
	@$(MAKE) --no-print-directory plan
	@rm -f .local/applied
	@$(RELEASE) record $(PLACE)
	@$(MAKE) --no-print-directory migrate
	@$(MAKE) --no-print-directory apply && touch .local/applied || true
	@$(RELEASE) smoke $(PLACE) --base-url=$(BASE_URL) --applied=.local/applied || true
	@$(RELEASE) rollback $(PLACE) --unless-passed

.PHONY: bench
bench: $(VENV)/.synced ## Measure every budget beside its baseline: make bench [NAME=mmr]
	@UV_PROJECT_ENVIRONMENT=.local/bench-venv $(UV) sync --quiet --frozen --group bench
	@.local/bench-venv/bin/python -m bench $(NAME)

.PHONY: eval
eval: $(VENV)/.synced ## Score the helpdesk on the labelled questions
	@$(BIN)/python -m evaluation

.PHONY: pictures
pictures: $(VENV)/.synced ## Draw the pictures in docs from what the demo really does
	@$(BIN)/python -m evaluation.picture

.PHONY: openapi
openapi: $(VENV)/.synced ## Write docs/openapi.json and the pages made from the code
	@$(BIN)/python -m frontdesk.http.openapi --write
	@$(BIN)/python -m frontdesk.deploy.drawing --write

.PHONY: format
format: $(VENV)/.synced ## Format the code
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

.PHONY: clean
clean: ## Remove what running and testing left behind
	@rm -rf .local .venv dist

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit("Frontdesk needs Python 3.11 or newer; set PYTHON=…" if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv $(VENV) || { echo "This Python cannot make a virtual environment. On Debian: apt-get install python3-venv"; exit 1; }
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

$(VENV)/.synced: uv.lock pyproject.toml | $(UV)
	@$(UV) sync --quiet --frozen --inexact $(if $(HAS_NODE),,--group node)
	@touch $@
