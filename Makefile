# Two commands on a fresh machine with Python 3.11 or newer: `make demo` and `make test`.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
DEMO := demo-out
# As a network does it: the beacon is published after the precommit, and decides the instance.
BOUND := --precommit $(DEMO)/adam.precommit --seed-beacon 02914ae09391b719
WORKERS ?= 2
# One thread in each process: the workers of the suite fill the cores. A file's tests share what they have prepared.
PYTEST = OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder

.PHONY: demo test test-quick test-extras lint types imports tests coverage docs golden-fill golden-check benchmark dist roles clean

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "tig-verify needs Python 3.11 or newer; name one with make PYTHON=python3.12")'
	$(PYTHON) -m venv $(VENV)
	$(PIP) --editable '.[plots]'
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable '.[dev]'
	touch $@

$(VENV)/installed-extras: $(VENV)/installed-dev
	$(PIP) --editable '.[test-extras]'
	touch $@

$(VENV)/installed-docs: $(VENV)/installed
	$(PIP) --editable '.[docs]'
	touch $@

# Create a key, precommit to Adam, solve one December-2025 instance, sign the claim, verify it at every level.
demo: $(VENV)/installed
	rm -rf $(DEMO) && mkdir $(DEMO)
	$(BIN)/tig-verify keygen $(DEMO)/key.pem
	$(BIN)/tig-verify precommit fixtures/optimisers/adam.py --track n_hidden=4 --num-nonces 1 --trial --key $(DEMO)/key.pem -o $(DEMO)/adam.precommit
	$(BIN)/tig-verify solve fixtures/optimisers/adam.py $(BOUND) --key $(DEMO)/key.pem -o $(DEMO)
	$(BIN)/tig-verify verify $(DEMO)/*.claim $(BOUND) --qualified --level evaluate
	$(BIN)/tig-verify verify $(DEMO)/*.claim $(BOUND) --level audit --epochs 4
	$(BIN)/tig-verify verify $(DEMO)/*.claim $(BOUND) --level replay

test: lint types imports tests

# At every save: all but what starts processes, trains to the end or searches for long.
test-quick: $(VENV)/installed-dev
	$(PYTEST) -m 'not slow'

# Hundreds of megabytes: a Ray cluster of several nodes, a page in a browser, if there is a chromium, and the kernels for a GPU,
# compiled, and in Triton's interpreter, which Triton looks for when it is imported.
test-extras: $(VENV)/installed-extras
	$(PYTEST) -n 0 tests/extras --ignore tests/extras/interpreted
	TRITON_INTERPRET=1 $(PYTEST) -n 0 tests/extras/interpreted

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/interrogate protocol arithmetic sandbox verifier tig_verify

types: $(VENV)/installed-dev
	$(BIN)/mypy

imports: $(VENV)/installed-dev
	$(BIN)/lint-imports

tests: $(VENV)/installed-dev
	$(PYTEST)

coverage: $(VENV)/installed-dev
	$(PYTEST) --cov --cov-branch --cov-report term:skip-covered

# The documents and the pages of the library, as a site in build/site; fails for a warning.
docs: $(VENV)/installed-docs
	$(BIN)/python docs/site.py

golden-fill golden-check: golden-%: $(VENV)/installed-dev
	$(BIN)/python -m tests.golden.golden_runs $* --jobs $(WORKERS)

benchmark: $(VENV)/installed
	$(BIN)/python -m benchmarks.step

# A first day of each user, as they would have it: examples/roles.
roles: export PATH := $(abspath $(BIN)):$(PATH)
roles: $(VENV)/installed-dev
	rm -rf $(DEMO)-roles
	examples/roles/innovator.sh $(DEMO)-roles/innovator
	examples/roles/benchmarker.sh $(DEMO)-roles/innovator/my_optimiser.py $(DEMO)-roles/benchmarker
	examples/roles/validator.sh $(DEMO)-roles/benchmarker $(DEMO)-roles/validator
	examples/roles/maintainer.sh $(DEMO)-roles/maintainer

# The wheel and the sdist of the last commit, built twice: who builds again gets the same bytes (docs/releasing.md).
dist: $(VENV)/installed-dev
	rm -rf build dist
	for copy in one two; do \
		mkdir -p build/$$copy && git archive HEAD | tar -x -C build/$$copy && \
		(cd build/$$copy && $(abspath $(BIN))/python -m hatchling build -d dist) || exit 1; \
	done
	diff -r build/one/dist build/two/dist
	mv build/one/dist dist && cd dist && sha256sum * > SHA256SUMS

clean:
	rm -rf $(VENV) $(DEMO) $(DEMO)-roles build dist .cache
