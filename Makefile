# Every target does its own set-up in .venv. Two things may be missing on a fresh Debian, and root
# has them installed: the venv module (bin/venv) and, for tests, a browser (bin/chromium).

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
LANG_  ?= zh
SECONDS ?= 300

.PHONY: soak docs demo demo-postgres test test-all test-frameworks test-local test-slow coverage check format clean

demo: $(VENV)/.demo  ## A real model on this machine learns, changes its mind and remembers.
	$(BIN)/longterm demo --lang $(LANG_)

demo-postgres: $(VENV)/.dev  ## The same memory on a PostgreSQL server that starts for it, without Docker.
	$(BIN)/python bin/demo-postgres

test: $(VENV)/.dev  ## The whole test suite; needs no model file. TESTS="tests/stores" for a part of it.
	./bin/chromium
	$(BIN)/pytest -n auto --dist loadfile $(TESTS)

test-all:  ## The suite, or TESTS, on every Python from 3.11 to 3.14 that this machine has.
	./bin/test-all $(TESTS)

coverage: $(VENV)/.dev  ## Branch coverage of the suite; CONTRIBUTING.md says the floor.
	$(BIN)/pytest -n auto --dist loadfile --cov --cov-report=term:skip-covered

test-frameworks:  ## What needs a venv of its own: Google ADK, OpenAI Agents SDK, DeepAgents.
	./bin/test-frameworks

test-local: $(VENV)/.dev  ## The tests that need the local language model (1.1 GB).
	$(BIN)/pytest -m local_model --timeout 1800

test-slow: $(VENV)/.dev  ## The tests that take minutes: workers killed twenty times.
	$(BIN)/pytest -m slow --timeout 1800

soak: $(VENV)/.dev  ## Ten minutes of mixed load and kills on a file, then on PostgreSQL; SECONDS=60 for less.
	$(BIN)/python benchmarks/soak.py $(SECONDS)
	$(BIN)/python benchmarks/soak.py $(SECONDS) --server
	$(BIN)/pytest -m slow --timeout 1800 tests/reflect

check: $(VENV)/.dev  ## Style, types and formatting: what pre-commit runs.
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright

format: $(VENV)/.dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(VENV)/.docs  ## The documentation site, into site/; broken links fail.
	$(BIN)/zensical build --clean --strict

clean:
	rm -rf $(VENV) .venv-3.* site .cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	PYTHON=$(PYTHON) ./bin/venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

# What is installed is checked by its hash; bin/lock writes the lists. Ours is added without more.
$(VENV)/.%: requirements/%.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --require-hashes -r $<
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@
