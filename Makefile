# Two commands for a first look: `make demo` and `make test`. Both build and install into .venv first, where that is missing
# or older than the sources. Needed: Python 3.11 or later, make and a C compiler.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
SOURCES := pyproject.toml setup.py $(shell find fastml fastml_ext -name '*.py' -o -name '*.pyx' -o -name '*.pxd' \
	-o -name '*.h' -o -name runtime.c -o -name _launch.c -o -name signatures.txt)
REPORT ?= BENCHMARKS.md
PYTEST ?=

.PHONY: demo test bench bench-tiny docs lint format wheel clean

demo: $(VENV)/installed
	$(BIN)/python -P -m fastml demo

# The script, not `python -m pytest`: the tests must see the installed package, and not the folder they are started in.
test: $(VENV)/installed-test
	$(BIN)/pytest tests $(PYTEST)

bench: $(VENV)/installed-bench
	$(BIN)/pytest benchmarks --benchmark-json=.benchmarks.json --benchmark-columns=median,rounds --report=$(REPORT) $(PYTEST)

bench-tiny: $(VENV)/installed-bench
	$(BIN)/pytest benchmarks --tiny --benchmark-columns=median $(PYTEST)

# The site, into build/docs: whatever a page says wrongly of the code is an error.
docs: $(VENV)/installed-docs
	$(BIN)/python -P -m sphinx -q -W -b html docs build/docs

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	PATH=$(abspath $(BIN)):$$PATH cython-lint fastml_ext  # it starts pycodestyle by name

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# One wheel for Python 3.11 and later, with kernels for every level of the processor, tried in an empty environment of
# every Python that is found.
wheel: $(VENV)/installed-dev
	rm -rf dist
	FASTML_AOT=all $(BIN)/python -m build --wheel --outdir dist .
	$(BIN)/python tests/wheel.py dist

clean:
	rm -rf $(VENV) build dist *.egg-info .benchmarks.json
	find fastml fastml_ext \( -name '*.so' -o -name __pycache__ \) -prune -exec rm -rf {} +
	find fastml_ext -name '*.pyx' | sed 's/pyx$$/c/' | xargs rm -f

$(VENV)/bin-ready:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/installed: $(VENV)/bin-ready $(SOURCES)
	rm -rf $(VENV)/built
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir $(VENV)/built .
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps $(VENV)/built/*.whl
	$(BIN)/python -m pip install --quiet $(VENV)/built/*.whl
	touch $@

# From the wheel that was built, and not from the sources: compiling takes a minute.
$(VENV)/installed-%: $(VENV)/installed
	$(BIN)/python -m pip install --quiet "$$(echo $(VENV)/built/*.whl)[$*]"
	touch $@
