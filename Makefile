# Two commands set everything up on a fresh machine with Python (>= 3.11), pip, make and git:
#   make demo   install, then run the main job on the example protocol
#   make test   install, then pass every check that CI runs
# While you work: `make quick` (a minute: what you changed) and `make test-ROOM` (tests/ROOM and the doctests of
# trialsim/ROOM, for instance `make test-analysis`).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Processes that run the tests, as many as there are cores; `make test WORKERS=0` runs them in this one.
WORKERS ?= logical
# One file's tests stay in one process: they share what they fit. Several processes want no threads besides.
SPREAD := --numprocesses $(WORKERS) --maxprocesses 8 --dist loadfile --no-loadscope-reorder
ONE_THREAD := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1

.PHONY: demo test quick quick-tests install check lint types contracts pytest qualify fuzz planted processors bench docs lock clean

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

# Tests that measure time or memory, or use every core, run after the others and by themselves.
pytest:
	$(ONE_THREAD) $(BIN)/python -m pytest $(SPREAD) -m "not slow and not alone" --durations 5
	$(BIN)/python -m pytest -m "not slow and alone" --durations 5

# A minute: lint, types and contracts, and as many tests of what changed against main, the nearest first.
quick: install lint contracts
	$(MAKE) --no-print-directory --jobs 2 types quick-tests

quick-tests:
	$(ONE_THREAD) $(BIN)/python -m tests.quick

test-%: install
	$(ONE_THREAD) $(BIN)/python -m pytest $(SPREAD) $(or $(wildcard tests/$* trialsim/$* trialsim/$*.py),\
	  $(error there is no room tests/$* and no trialsim/$*))

# Long qualification runs: everything, including the tests that `make test` slices.
qualify: install
	HYPOTHESIS_PROFILE=explore $(ONE_THREAD) $(BIN)/python -m pytest $(SPREAD) -m "(slow or not slow) and not alone"
	$(BIN)/python -m pytest -m "(slow or not slow) and alone"

# Files that are broken at random, for every reader: new ones each time. FUZZ_CASES are tried a reader.
FUZZ_CASES ?= 5000
fuzz: install
	FUZZ_CASES=$(FUZZ_CASES) HYPOTHESIS_PROFILE=explore $(ONE_THREAD) $(BIN)/python -m pytest $(SPREAD) tests/fuzz

# Mistakes that are planted in a copy, one at a time: each must be caught. It writes docs/planted_bugs.md.
planted: install
	$(ONE_THREAD) $(BIN)/python -m tests.planted

# Small runs under imitated processors: which numbers keep their bits? It writes docs/processors.md.
processors: install
	$(BIN)/python -m tests.processors

bench: install
	$(BIN)/python -m benchmarks --json

# The site of docs/, into build/site; a warning is an error.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	@echo "Open build/site/index.html"

lock:
	$(BIN)/uv pip compile pyproject.toml --extra test --extra dev --extra docs --python-version 3.11 --universal \
	  --generate-hashes --no-emit-index-url --no-emit-find-links -o requirements/lock.txt

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache
