# Two commands do everything: `make demo` and `make test`. Each sets up what it needs from nothing
# (.venv, the locked packages, the demo lake, a browser for the page tests) and is quick the second time.

PYTHON ?= python3
DEMO   ?= .demo/wealth
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
LOOKED := $(VENV)/.looked-for-chromium
UV     := $(shell command -v uv 2>/dev/null)

# uv installs the same hashes in seconds that pip installs in a minute.
ifneq ($(UV),)
USABLE  := $(BIN)/python -c ''
CREATE  := $(UV) venv --quiet --clear --python "$(PYTHON)" $(VENV)
INSTALL := $(UV) pip install --quiet --python $(BIN)/python
else
USABLE  := $(BIN)/python -m pip --version
CREATE  := "$(PYTHON)" -m venv --clear $(VENV)
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test lint style types imports format aws-local bench bench-jobs browser clean deploy formats interpreter test-aws

help:  ## Show what there is to run
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## Make .venv with the locked packages and the de-copilot command

demo: $(STAMP)  ## Build the demo lake in .demo/wealth, if it is not there, and open the chat on it
	@$(BIN)/de-copilot demo --path "$(DEMO)"

test: $(STAMP) $(LOOKED) formats  ## Run every test
	@$(BIN)/python -m pytest -n 2

# dbt, Great Expectations, Soda and datacontract run the files that we write for them. They pin other versions of what we
# use, so they have an environment of their own; a desk without it skips those tests.
FORMATS := .venv-formats/.installed
formats:  ## Make .venv-formats with the tools whose files we write; made in CI, at a desk when asked for by name
	@if [ "$$CI" = true ] || [ "$(MAKECMDGOALS)" = formats ]; then $(MAKE) --no-print-directory $(FORMATS); fi

$(FORMATS): requirements-formats.lock
	@echo "make: installing dbt, Great Expectations, Soda and datacontract into .venv-formats"
ifneq ($(UV),)
	@$(UV) venv --quiet --clear --python "$(PYTHON)" .venv-formats
	@$(UV) pip install --quiet --python .venv-formats/bin/python --require-hashes -r $<
else
	@"$(PYTHON)" -m venv --clear .venv-formats
	@.venv-formats/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
endif
	@touch $@

lint: style types imports  ## Check style, types and the direction of imports

style: $(STAMP)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(STAMP)
	@$(BIN)/mypy

imports: $(STAMP)
	@$(BIN)/lint-imports --no-logo

format: $(STAMP)  ## Rewrite the code in the house's style
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

bench: $(STAMP)  ## Measure start-up, questions and pages
	@$(BIN)/python -m benchmarks

bench-jobs: $(STAMP)  ## Measure how well job code is read, on the benchmark folder beside the repository
	@$(BIN)/python -m benchmarks.reading

# A Chromium already there is used as it is. In CI one must be had, on Debian from its own packages; at a
# desk Playwright's is tried, and without it the page tests are skipped and say why.
browser: $(STAMP)  ## Make sure there is a Chromium for the page tests
	@if $(BIN)/python -m tests.browser; then :; \
	elif [ "$$CI" = true ] && command -v apt-get >/dev/null; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
	    apt-get install -y -qq --no-install-recommends chromium >/dev/null && $(BIN)/python -m tests.browser; \
	elif echo "make: trying to download Playwright's own Chromium (some 170 MB)" && \
	    said=$$($(BIN)/playwright install --no-shell chromium 2>&1); then $(BIN)/python -m tests.browser; \
	else \
	    echo "make: that failed: $$(echo "$$said" | grep -m 1 Error)" >&2; \
	    if [ "$$CI" = true ]; then echo "make: in CI the page tests must run" >&2; exit 1; fi; \
	    echo "make: the page tests will be skipped. To run them, install a Chromium or name yours with" >&2; \
	    echo "make: CHROMIUM=/path/to/it, then run 'make browser test'" >&2; \
	fi

# deploy/template.yaml by SAM, with an image that is already in ECR: docs/deploy.md has the steps before it.
STACK ?= de-copilot
deploy:  ## Deploy to AWS: IMAGE=… LAKE_BUCKET=… CODE_BUCKET=… DATABASE=… (docs/deploy.md)
	@command -v sam >/dev/null || { echo "make: deploying needs the SAM CLI (sam); docs/deploy.md says how to go on" >&2; exit 1; }
	@test -n "$(IMAGE)" && test -n "$(LAKE_BUCKET)" && test -n "$(CODE_BUCKET)" && test -n "$(DATABASE)" || { \
	    echo "make: say IMAGE=, LAKE_BUCKET=, CODE_BUCKET= and DATABASE=; docs/deploy.md has an example" >&2; exit 1; }
	sam deploy --template-file deploy/template.yaml --stack-name "$(STACK)" --capabilities CAPABILITY_IAM \
	    --image-repository "$(firstword $(subst :, ,$(IMAGE)))" --no-fail-on-empty-changeset --parameter-overrides \
	    ImageUri="$(IMAGE)" LakeBucket="$(LAKE_BUCKET)" CodeBucket="$(CODE_BUCKET)" GlueDatabase="$(DATABASE)" $(MORE)

aws-local: $(STAMP)  ## Run a local AWS with the demo lake in it, and print the variables to use it with
	@$(BIN)/de-copilot demo --build-only --path "$(DEMO)"
	@$(BIN)/python -m tests.wire "$(DEMO)" $(PORT)

test-aws: $(STAMP)  ## Try a real account by your own settings: some twenty calls, no write (docs/aws.md)
	@$(BIN)/python -m pytest tests/aws --aws

clean:  ## Remove .venv, the demo lake and every cache
	rm -rf $(VENV) .demo .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build *.egg-info

# Once per set-up, so that a desk without a browser does not try to download one at every run.
$(LOOKED): $(STAMP)
	@$(MAKE) --no-print-directory browser
	@touch $@

$(STAMP): requirements.lock pyproject.toml
	@$(USABLE) >/dev/null 2>&1 || { $(MAKE) --no-print-directory interpreter && $(CREATE); }
	@echo "make: installing the locked packages into $(VENV) (about a minute the first time)"
	@$(INSTALL) --require-hashes -r requirements.lock
	@$(INSTALL) --no-deps --no-build-isolation -e .
	@touch $@
	@echo "make: ready. For what it can do, run $(BIN)/de-copilot --help"

interpreter:
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "make: DE Copilot needs Python 3.11 or newer; $(PYTHON) is: $$("$(PYTHON)" --version 2>&1)" >&2; \
	    echo "make: name another one, for example: make setup PYTHON=python3.12" >&2; exit 1; }

bench-diff: $(STAMP)  ## Score the comparison of job versions: make bench-diff CASES=folder
	@$(BIN)/python $(CASES)/score.py copilot --module benchmarks/diff/adapter.py --kind all -v
