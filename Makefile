# The course in one word each. Needs Python 3.11 or newer, make and git; nothing else.
# On Windows without make, README.md has the same commands for pip.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))' 2>/dev/null \
	&& echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup run full lab test verify lock

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## /{printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY)  ## Make .venv from the lock file (the others do it by themselves)

run: $(READY)  ## Run the whole course in the quick profile, with a report
	$(BIN)/mnist-course run --profile quick

full: $(READY)  ## Run all rows of MNIST and write outputs and ledger back
	$(BIN)/mnist-course run --profile full --source mnist --update

lab: $(READY)  ## Open the notebooks in JupyterLab
	OPENBLAS_THREAD_TIMEOUT=16 $(BIN)/jupyter lab notebooks

test: $(READY)  ## Pass the tests; needs neither data nor network
	$(BIN)/python -m pytest -n 2 --dist loadfile

verify: $(READY)  ## Re-run committed notebooks on MNIST and compare every output
	$(BIN)/mnist-course verify

lock: $(READY)  ## Solve the dependencies anew and write requirements.lock
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 \
		--generate-hashes --no-emit-index-url --no-annotate --upgrade \
		--custom-compile-command "make lock" --output-file requirements.lock

$(READY): requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 to 3.14 was found. Install one, or name it:" \
		"make setup PYTHON=/path/to/python"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --no-deps --no-build-isolation --editable .
	@touch $(READY)
