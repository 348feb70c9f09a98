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
# Node comes from PyPI where the machine has none that is new enough.
HAS_NODE = $(shell node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null \
	&& command -v npm)

export UV_PROJECT_ENVIRONMENT := $(VENV)
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
	@$(BIN)/pytest -q -m "not soak" --ignore=tests/cloud

.PHONY: soak
soak: $(VENV)/.synced ## Run the large counts and the wall-clock limits
	@$(BIN)/pytest -q -m soak --ignore=tests/cloud --timeout 900

.PHONY: check
check: $(VENV)/.synced ## Lint, types, layers, manifests, contracts and documents
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python -m frontdesk.http.openapi --check
	@$(BIN)/python -m frontdesk.deploy.contracting
	@$(BIN)/pytest -q tests/check

.PHONY: check-cloud
check-cloud: $(VENV)/.synced ## Check Terraform and what else is meant for Google Cloud; needs no account
	@UV_PROJECT_ENVIRONMENT=.local/cloud-venv $(UV) sync --quiet --frozen --only-group cloud
	@$(BIN)/pytest -q tests/cloud --timeout 900

.PHONY: check-compatibility
check-compatibility: $(VENV)/.synced ## Try the previous release's code on this release's database
	@$(BIN)/python -m frontdesk.deploy.compatibility

.PHONY: bench
bench: $(VENV)/.synced ## Measure every budget beside its baseline: make bench [NAME=mmr]
	@UV_PROJECT_ENVIRONMENT=.local/bench-venv $(UV) sync --quiet --frozen --group bench
	@.local/bench-venv/bin/python -m bench $(NAME)

.PHONY: eval
eval: $(VENV)/.synced ## Score the helpdesk on the labelled questions
	@$(BIN)/python -m evaluation

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
