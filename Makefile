# Five commands and a broom. Stamp files live inside the environment, so removing it forgets them too.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST_ARGS ?= -m "not gpu"
# Tests at a time; each on one thread, or they wait for one another. One by one: make test WORKERS=0.
WORKERS ?= 2

.PHONY: demo test check bench docs clean

demo: $(VENV)/.stamp-demo ## Train on handwritten digits.
	$(BIN)/tutelage train sklearn:digits

test: $(VENV)/.stamp-dev ## Run all tests that need no GPU (all: make test PYTEST_ARGS=).
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(PYTEST_ARGS)

check: $(VENV)/.stamp-dev ## Format, lint, types, architecture.
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/architecture

bench: $(VENV)/.stamp-bench ## Measure speed; installs Stable-Baselines3 to compare with.
	$(BIN)/python -m bench

docs: $(VENV)/.stamp-demo ## Write docs/components.md and docs/recipe.md from the code.
	$(BIN)/python docs/build.py

clean: ## Remove caches and build outputs; the environment and runs/ stay.
	rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find $(wildcard src tests docs bench) -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.stamp-venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Needs Python 3.11: make PYTHON=...")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.stamp-demo: pyproject.toml constraints.txt $(VENV)/.stamp-venv
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[all]'
	@touch $@

$(VENV)/.stamp-bench: $(VENV)/.stamp-dev
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[bench]'
	@touch $@

$(VENV)/.stamp-dev: pyproject.toml constraints.txt $(VENV)/.stamp-venv
	$(BIN)/python -m pip install -q -c constraints.txt -e '.[dev]'
	@touch $(VENV)/.stamp-demo $@
