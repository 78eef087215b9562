# The course in one word each. Needs Python 3.11 to 3.14, make and git; on Debian python3-venv too.
# For Windows README.md has the same commands for pip.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TEST_READY := $(VENV)/.ready-to-test
LOWEST := .venv-lowest
# A worker that has run out of tests takes some from the other.
TESTS := -m pytest -n 2 --dist worksteal
COMPILE := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-annotate --custom-compile-command "make lock"
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup run full lab exercises test test-browser site bench coverage verify lock lowest

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## Make .venv from the lock file (the others do it by themselves)

run: $(READY)  ## Run the whole course in the quick profile, with a report
	$(BIN)/mnist-course run --profile quick

full: $(READY)  ## Run all rows of MNIST and write outputs, ledger and claims back
	$(BIN)/mnist-course run --profile full --source mnist --update

lab: $(READY)  ## Open lessons and exercises in JupyterLab, in my-course, a folder of your own
	$(BIN)/mnist-course lab

exercises: $(TEST_READY)  ## Make the exercises' editions from their source, and run the solutions
	$(BIN)/python -m mnist_course_tools.exercises
	$(BIN)/mnist-course run --exercises --profile full --source mnist --update

test: $(TEST_READY)  ## Run the tests; needs no data, and no network but the registry
	$(BIN)/python $(TESTS)

test-browser: $(TEST_READY)  ## Run every chapter in a browser, as the site offers them
	$(BIN)/python -m benchmarks.in_browser

site: $(TEST_READY)  ## Build the site in build/site, with the lessons to run in a browser
	$(BIN)/python -m mnist_course_tools.site

verify: $(READY)  ## Re-run committed notebooks on MNIST and compare every output
	$(BIN)/mnist-course verify

bench: $(TEST_READY)  ## Measure ours against the sources' code as written, and draw it
	$(BIN)/python -m benchmarks.against
	$(BIN)/python -m mnist_course_tools.site.charts

coverage: $(TEST_READY)  ## Run the tests, and say which lines none reaches; fail if many
	$(BIN)/python $(TESTS) --cov

lock: $(READY)  ## Solve the dependencies anew and write both lock files
	$(BIN)/python -m pip install --quiet uv
	$(COMPILE) --upgrade --extra dev --output-file requirements-dev.lock pyproject.toml
	printf 'hatchling\neditables\n' | $(COMPILE) --constraint requirements-dev.lock \
		--output-file requirements.lock pyproject.toml -

lowest:  ## Run the tests with the oldest versions that pyproject.toml allows
	$(PYTHON) -m venv --clear $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet uv
	VIRTUAL_ENV=$(LOWEST) $(LOWEST)/bin/uv pip install --resolution lowest-direct --editable ".[dev]"
	$(LOWEST)/bin/python $(TESTS)

# What the course itself needs. The overrides for JupyterLab are copied into the environment.
$(READY): requirements.lock pyproject.toml mnist_course/front_end/overrides.json
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.14 was found. Install one, or name it:" \
		"make setup PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	@touch $(READY)

# On top of it, what the tests need. Both locks hold the same versions.
$(TEST_READY): $(READY) requirements-dev.lock
	$(BIN)/python -m pip install --require-hashes --requirement requirements-dev.lock
	@touch $(TEST_READY)
