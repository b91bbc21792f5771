# Two commands set everything up on a fresh machine with Python (>= 3.11), pip, make and git:
#   make demo   install, then run the main job on the example protocol
#   make test   install, then pass every check that CI runs
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test install check lint types contracts pytest qualify bench lock clean

demo: install
	$(BIN)/trialsim run protocols/alzheimers_phase2.toml

test: install check

install: $(STAMP)

$(STAMP): pyproject.toml requirements/lock.txt requirements/uv.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip sync --quiet --require-hashes --compile-bytecode requirements/lock.txt
	VIRTUAL_ENV=$(VENV) $(BIN)/uv pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(STAMP)

check: lint types contracts pytest

lint:
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types:
	$(BIN)/mypy

contracts:
	$(BIN)/lint-imports

pytest:
	$(BIN)/python -m pytest

# Long qualification runs: everything, including the tests that `make test` slices.
qualify: install
	$(BIN)/python -m pytest -m "slow or not slow"

bench: install
	$(BIN)/python -m benchmarks --json

lock:
	$(BIN)/uv pip compile pyproject.toml --extra test --extra dev --python-version 3.11 --universal \
	  --generate-hashes --no-emit-index-url --no-emit-find-links -o requirements/lock.txt

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache
