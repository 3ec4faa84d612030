# Two commands for a first look: `make demo` and `make test`. Both build and install into .venv first, where that is missing
# or older than the sources. Needed: Python 3.11 or later, make and a C compiler.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
SOURCES := pyproject.toml setup.py $(shell find fastml fastml_ext -name '*.py' -o -name '*.pyx' -o -name '*.pxd' \
	-o -name '*.h' -o -name runtime.c -o -name _launch.c -o -name signatures.txt)
CHECKED_TESTS := $(addprefix tests/,ext tree preprocessing feature_extraction metrics)
REPORT ?= docs/benchmarks/BENCHMARKS.md
PYTEST ?=
AOT ?= host
SECONDS ?= 600
SEED ?= 0
MOST ?= 1000000000

.PHONY: demo test coverage debug-test fuzz dropin bench bench-tiny surface docs lint format wheel clean

demo: $(VENV)/installed
	$(BIN)/python -P -m fastml demo

# The script, not `python -m pytest`: the tests must see the installed package, and not the folder they are started in.
test: $(VENV)/installed-test
	$(BIN)/pytest tests $(PYTEST)

# Which lines of Python the tests run, as a page in build/coverage; compiled kernels are not counted.
coverage: $(VENV)/installed-test
	$(BIN)/python -m pip install --quiet "coverage>=7.6"
	$(BIN)/coverage run $(BIN)/pytest tests $(PYTEST)
	$(BIN)/coverage html
	$(BIN)/coverage report --skip-covered | tail -1

# The kernels' tests with every index checked, by Cython and by Numba, and GCC's sanitizers watching memory and arithmetic.
debug-test: $(VENV)/installed-test $(VENV)/checked
	PYTHONPATH=$(abspath $(VENV)/checked) NUMBA_BOUNDSCHECK=1 NUMBA_CACHE_DIR=$(abspath build/checked/numba) FASTML_LEVEL=jit \
	ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
	LD_PRELOAD="$$(gcc -print-file-name=libasan.so) $$(gcc -print-file-name=libubsan.so)" \
	$(BIN)/python -P -m pytest $(CHECKED_TESTS) $(PYTEST)

# Random inputs through every estimator and metric, against scikit-learn and the rules of tests/fuzz, for SECONDS
# or MOST cases.
fuzz: $(VENV)/installed-test
	$(BIN)/python -P tests/fuzz --seconds $(SECONDS) --seed $(SEED) --most $(MOST)

# scikit-learn's own tests with fastml's names, against the list of known differences; FAMILIES="tree svm" for some. Where
# imbalanced-learn and mlxtend are installed, theirs run under fastml.accel.
dropin: $(VENV)/installed-test
	$(BIN)/python -P tests/dropin $(FAMILIES)

bench: $(VENV)/installed-bench
	$(BIN)/pytest benchmarks --benchmark-json=.benchmarks.json --benchmark-columns=median,rounds --report=$(REPORT) $(PYTEST)

bench-tiny: $(VENV)/installed-bench
	$(BIN)/pytest benchmarks --tiny --benchmark-columns=median $(PYTEST)
	$(BIN)/python -P benchmarks/scale.py 2e4
	$(BIN)/python -P benchmarks/surface --most 40 --rows 500 --seconds 60 --peers

# Random problems, fastml beside scikit-learn and others that are installed; SURFACE: more options, as in --report page.md.
surface: $(VENV)/installed-bench
	$(BIN)/python -P benchmarks/surface --seconds $(SECONDS) --seed $(SEED) --peers $(SURFACE)

# The site, into build/docs: whatever a page says wrongly of the code is an error.
docs: $(VENV)/installed-docs
	$(BIN)/python -P -m sphinx -q -W -b html docs build/docs

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/mypy --strict --config-file= --follow-imports=silent --ignore-missing-imports tests/typed_program.py
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
	rm -rf $(VENV) build dist *.egg-info .benchmarks.json .coverage
	find fastml fastml_ext \( -name '*.so' -o -name __pycache__ \) -prune -exec rm -rf {} +
	find fastml_ext -name '*.pyx' | sed 's/pyx$$/c/' | xargs rm -f

$(VENV)/checked: $(VENV)/bin-ready $(SOURCES)
	rm -rf $@ $@-wheel
	FASTML_CHECKED=1 FASTML_AOT=none $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir $@-wheel .
	$(BIN)/python -m pip install --quiet --no-deps --target $@ $@-wheel/*.whl
	touch $@

$(VENV)/bin-ready:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	touch $@

$(VENV)/installed: $(VENV)/bin-ready $(SOURCES)
	rm -rf $(VENV)/built
	FASTML_AOT=$(AOT) $(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir $(VENV)/built .
	$(BIN)/python -m pip install --quiet --force-reinstall --no-deps $(VENV)/built/*.whl
	$(BIN)/python -m pip install --quiet "$$(echo $(VENV)/built/*.whl)[jit]"
	touch $@

# From the wheel that was built, and not from the sources: compiling takes a minute.
$(VENV)/installed-%: $(VENV)/installed
	$(BIN)/python -m pip install --quiet "$$(echo $(VENV)/built/*.whl)[$*]"
	touch $@
