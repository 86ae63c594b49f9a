# One command for each thing a developer does. `make help` lists them.
# PYTHON=/path/to/python3.12 chooses the Python; ARGS="-k retry" goes to pytest; FRESH=1 starts with empty state.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help run install test unit e2e fuzz check fmt package client release deploy destroy restore cost bench soak lock clean
MAKEFLAGS += --no-print-directory
PIP_COMPILE = python -m piptools compile --quiet --generate-hashes --no-header --no-strip-extras --allow-unsafe \
  --no-emit-index-url --no-emit-find-links --no-emit-trusted-host $(if $(UPGRADE),--upgrade)
INSTALLATION = --target "$(or $(TARGET),local)" $(if $(PREFIX),--prefix "$(PREFIX)")
LOCKS = requirements requirements-lake requirements-local requirements-dev requirements-ministack requirements-localstack

# Finds a Python that is new enough, and starts it; `setup` lets it bring the named environments up to date.
define find_python
for p in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python3.14); do \
  if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python="$$p"; break; fi; \
done; \
if [ -z "$${python:-}" ]; then \
  echo "posthorn: $(if $(PYTHON),$(PYTHON) is not Python 3.11 or newer,Python 3.11 or newer is needed); install one or name it with PYTHON=/path/to/python3." >&2; \
  exit 1; \
fi; \
"$$python"
endef
setup = $(find_python) infra/environment.py

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

run: ## start Posthorn here, Ctrl-C stops it (FRESH=1: with empty state; AWS=1, LOCALSTACK=1: on an emulator)
	@$(setup) $(if $(LOCALSTACK),localstack) local $(if $(AWS)$(LOCALSTACK),lake ministack) || exit 1
	@exec env $(if $(FRESH),POSTHORN_FRESH=1) $(if $(AWS),POSTHORN_ENGINE=aws) \
	  $(if $(LOCALSTACK),POSTHORN_EMULATOR=localstack POSTHORN_FUNCTIONS=deployed) .venv/bin/python -m infra.local

install: ## this release and a hashed environment, for one host (PREFIX=/opt/posthorn; docs/one-host.md)
	@$(find_python) infra/install.py "$(or $(PREFIX),/opt/posthorn)"

test: ## every test (COVERAGE=1: and the branches of the code that they leave out)
	@$(setup) dev ministack
	@exec .venv/bin/python -m pytest -n auto --dist loadgroup -q $(if $(COVERAGE),--cov --cov-report=term) $(ARGS)
	$(if $(COVERAGE),@.venv/bin/python -m coverage report --include='chalicelib/domain/*' --fail-under=100)

unit: ## the fast tests: pure code, architecture
	@$(setup) dev
	@exec .venv/bin/python -m pytest -q -m "not slow" tests/unit tests/architecture $(ARGS)

e2e: ## the scenarios (TARGET=run, default; runner: on an emulator; local, localstack: deployed into one)
	@$(setup) dev $(if $(filter-out run,$(TARGET)),ministack)
	@$(if $(filter localstack,$(TARGET)),$(setup) localstack || [ $$? -eq 3 ])
	@TARGET="$(TARGET)" exec .venv/bin/python -m pytest -n auto --dist loadgroup -q tests/e2e $(ARGS)

fuzz: ## random input for each parser (FUZZ_SECONDS=60)
	@$(setup) dev
	@FUZZ_SECONDS=$${FUZZ_SECONDS:-60} exec .venv/bin/python -m pytest -q --timeout 0 tests/property tests/fuzz $(ARGS)

check: ## lint, format, types, spelling; changes nothing
	@$(setup) dev
	.venv/bin/python -m ruff check --quiet .
	.venv/bin/python -m ruff format --check --quiet .
	.venv/bin/python -m mypy
	.venv/bin/python -m codespell_lib

fmt: ## format, and fix what can be fixed safely
	@$(setup) dev
	.venv/bin/python -m ruff format .
	.venv/bin/python -m ruff check --fix .

package: ## the zip and template of the functions, in build/ (POOLS="default bulk")
	@$(setup) local >&2
	@exec .venv/bin/python -m infra.package $(if $(POOLS),--pools "$(POOLS)") $(ARGS)

client: ## the wheel of the Python client, in build/
	@$(setup) local >&2
	@exec .venv/bin/python -m infra.client_wheel

release: ## a version of what is committed, in build/release/, and its tag (ARGS=--dry-run; docs/releasing.md)
	@$(setup) local >&2
	@exec .venv/bin/python -m infra.release $(ARGS)

deploy: ## create or update an installation (TARGET=local|localstack|aws PREFIX=… POOLS=…; ARGS=--help)
	@$(setup) local >&2
	@exec .venv/bin/python -m infra.deploy $(INSTALLATION) $(if $(POOLS),--pools "$(POOLS)") $(ARGS)

destroy: ## remove an installation; asks when it holds mail (TARGET=… PREFIX=…)
	@$(setup) local >&2
	@exec .venv/bin/python -m infra.destroy $(INSTALLATION) $(ARGS)

restore: ## the tables of an installation as of a moment, beside those that stand (TO=2027-03-04T02:15:00Z|latest)
	@$(setup) local >&2
	@exec .venv/bin/python -m infra.restore $(INSTALLATION) --to "$(TO)" $(ARGS)

cost: ## calls and dollars for a million messages, measured on the deployed functions (ARGS=--help)
	@$(setup) dev ministack
	@exec .venv/bin/python -m bench.cost $(ARGS)

bench: ## measure speed and cost
	@$(setup) dev ministack
	@exec .venv/bin/python -m bench $(ARGS)

soak: ## play a year of running it, a day after the other (ARGS="--engine aws --short"; ARGS=--help)
	@$(setup) dev ministack
	@exec .venv/bin/python -m tests.year $(ARGS)

lock: ## compile requirements*.txt from requirements*.in (UPGRADE=1: to the newest versions)
	@$(setup) dev localstack
	@set -e; for name in $(LOCKS); do echo "locking $$name.txt …"; \
	  case $$name in *-localstack) bin=.venv-localstack/bin;; *) bin=.venv/bin;; esac; \
	  env -u PIP_FIND_LINKS -u PIP_EXTRA_INDEX_URL PIP_CONFIG_FILE=/dev/null \
	    $$bin/$(PIP_COMPILE) --output-file $$name.txt $$name.in; \
	  { echo "# Compiled from $$name.in by \`make lock\`: edit that file, not this one."; cat $$name.txt; } > $$name.tmp; \
	  mv $$name.tmp $$name.txt; done

clean: ## remove caches and build products (ALL=1: also environments and local state)
	@find . \( -path './.venv*' -o -path ./.git -o -path ./.local \) -prune -o -name __pycache__ -type d -exec rm -rf {} +
	@rm -rf .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage .coverage.* htmlcov build dist *.egg-info
	@$(if $(ALL),rm -rf .venv .venv-ministack .venv-localstack .venv*.lock .local)
