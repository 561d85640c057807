# Two commands for everybody: `make demo` and `make test`. Each does its own set-up in .venv,
# says what it is doing, and is quick the second time.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP_WHEEL := $(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST = $(BIN)/$(if $(COVERAGE),coverage run -m pytest,python -m pytest)
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 2)

.DEFAULT_GOAL := help
.PHONY: help demo test soak check lint types doors coverage wheel bench bench-growth bench-instructions cost bench-deciding bench-pacing bench-validate bench-files bench-limits bench-robots bench-overload bench-store bench-cluster transcript lock secrets clean

help:  ## what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1	\2/'

$(VENV)/made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "adserver needs Python 3.11 or later; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 …"; exit 1; }
	@echo "Making a virtual environment in $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/installed: $(VENV)/made requirements.lock pyproject.toml
	@echo "Installing the exact packages of requirements.lock …"
	@$(PIP_INSTALL) --require-hashes --requirement requirements.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	@echo "Installing the test tools of requirements-dev.lock …"
	@$(PIP_INSTALL) --require-hashes --requirement requirements-dev.lock
	@touch $@

demo: $(VENV)/installed  ## a blog with its ads, on http://127.0.0.1:8080
	@$(BIN)/adserver demo $(ARGS)

# Tests mostly wait, so some run at once, the long ones first (tests/conftest.py); those that measure
# time run alone, behind the others.
# pytest ends with 5 where nothing was chosen, which is wrong only if it is so both times.
test: $(VENV)/installed-dev  ## every test (ARGS="-k ticket" for some)
	@$(if $(COVERAGE),rm -f .coverage .coverage.*;) first=0; second=0; \
		$(PYTEST) -n $(JOBS) --dist loadfile --no-loadscope-reorder -m "not alone" $(ARGS) || first=$$?; \
		$(PYTEST) -m alone $(ARGS) || second=$$?; \
		if [ $$first -eq 5 ]; then exit $$second; fi; \
		if [ $$second -eq 5 ]; then exit $$first; fi; \
		exit $$((first > second ? first : second))

soak: $(VENV)/installed-dev  ## faults as long as in life, 10,000 simulated ones, ten million impressions: two hours
	@SOAK=1 $(BIN)/python -m pytest tests/faults tests/test_fuzz.py tests/serving/test_openapi.py --timeout 1800 $(ARGS)
	@$(BIN)/python -m tests.simulation --seeds 10000
	@$(BIN)/python -m benchmarks.long_run

check: lint types doors  ## everything that must hold before a change lands
	@$(MAKE) --no-print-directory test COVERAGE=1
	@$(MAKE) --no-print-directory coverage

lint: $(VENV)/installed-dev  ## ruff
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(VENV)/installed-dev  ## mypy --strict
	@$(BIN)/mypy

doors: $(VENV)/installed-dev  ## import-linter
	@$(BIN)/lint-imports

coverage: $(VENV)/installed-dev  ## what the last `make test COVERAGE=1` reached
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --include 'adserver/core/*' --fail-under 100
	@$(BIN)/coverage report --fail-under 95

wheel: $(VENV)/installed-dev  ## build the wheel, and run it from a folder that has nothing else
	@rm -rf dist && $(PIP_WHEEL) .
	@$(BIN)/python -m tests.wheel dist

bench: $(VENV)/installed-dev  ## what a request costs, beside a bare server: 12 minutes (needs wrk)
	@$(BIN)/python -m benchmarks $(ARGS)

bench-instructions: $(VENV)/installed-dev  ## instructions, system calls and tasks of a request (needs valgrind, strace)
	@$(BIN)/python -m benchmarks.instructions $(ARGS)

cost: $(VENV)/installed-dev  ## store what a request costs now, for the test that compares (needs valgrind, strace)
	@$(BIN)/python -m benchmarks.cost

bench-growth: $(VENV)/installed-dev  ## what grows with campaigns, slots and workers (needs wrk): 15 minutes
	@$(BIN)/python -m benchmarks.growth $(ARGS)

bench-deciding: $(VENV)/installed-dev  ## what one decision costs, among 20 to 100,000 campaigns
	@$(BIN)/python -m benchmarks.deciding $(ARGS)

bench-pacing: $(VENV)/installed-dev  ## campaigns that end at their goals, in worlds made at random: 15 minutes
	@$(BIN)/python -m benchmarks.pacing $(ARGS)

bench-validate: $(VENV)/installed-dev  ## what `adserver validate` takes for 2,000 campaign files
	@$(BIN)/python -m benchmarks.campaign_files $(ARGS)

bench-limits: $(VENV)/installed-dev  ## hard goals under faults, and what lapses for slow readers (needs wrk): 10 minutes
	@$(BIN)/python -m benchmarks.limits $(ARGS)

bench-files: $(VENV)/installed-dev  ## thousands of campaign files checked, planned, and applied while readers ask
	@$(BIN)/python -m benchmarks.applying $(ARGS)

bench-robots: $(VENV)/installed-dev  ## what it costs to know a robot, and how many are known
	@$(BIN)/python -m benchmarks.robots $(ARGS)

bench-overload: $(VENV)/installed-dev  ## what readers wait for at 0.7, 2 and 5 times what a worker can do: 3 minutes
	@$(BIN)/python -m benchmarks.open_loop $(ARGS)

bench-store: $(VENV)/installed-dev  ## what the store costs, by what a node really sends (needs wrk): 6 minutes
	@$(BIN)/python -m benchmarks.store $(ARGS)

bench-cluster: $(VENV)/installed-dev  ## two nodes on one Redis Cluster behind nginx, their reports exact (needs wrk)
	@$(BIN)/python -m benchmarks.cluster_nodes $(ARGS)

transcript: $(VENV)/installed-dev  ## run docs/from-price-to-proof.md and write what its commands print
	@$(BIN)/python -m tests.docs.transcript

lock:  ## exact versions and hashes of every package (needs uv)
	uv pip compile -q pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -o requirements.lock
	uv pip compile -q pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header -c requirements.lock -o requirements-dev.lock

secrets:  ## the secret files that docker-compose.yml mounts
	@umask 027; mkdir -p secrets; for name in secret_key admin_token grafana_password; do \
		test -s secrets/$$name || { $(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(48))' > secrets/$$name; echo "wrote secrets/$$name"; }; \
		chmod 640 secrets/$$name; \
	done
	@grep -qs ^SECRETS_GROUP= .env || echo "SECRETS_GROUP=$$(id -g)" >> .env

clean:  ## what was installed and measured; var/ (your data) stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.* dist
