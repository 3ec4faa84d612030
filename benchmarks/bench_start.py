"""How long a process takes to its first answer: imports, and the first fit and predict with the cache warm and cold."""

import atexit
import os
import subprocess
import sys
import tempfile

from harness import Work, benchmarks

# The first fit and predict of each family in a process of its own; imports do not count.
FIRST = """
import time
import numpy as np
from sklearn.datasets import load_digits
from {module} import {name}
X, y = load_digits(return_X_y=True)
begun = time.perf_counter()
{name}().fit(X, y).predict(X[:100])
print(time.perf_counter() - begun)
"""
FAMILIES = [("neighbors", "KNeighborsClassifier")]
KEPT = tempfile.TemporaryDirectory()  # the cache of the warm starts
atexit.register(KEPT.cleanup)
IMPORT = "import time; begun = time.perf_counter(); import {module}; print(time.perf_counter() - begun)"


def seconds(code, cache):
    """What a new process prints; NUMBA_CACHE_DIR is `cache`."""
    environment = os.environ | {"NUMBA_CACHE_DIR": cache}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    return float(done.stdout)


def importing(package):
    return lambda module: lambda: seconds(IMPORT.format(module=f"{package}.{module}"), tempfile.gettempdir())


def first_answer(package, warm):
    def run(family):
        module, name = family
        code = FIRST.format(module=f"{package}.{module}", name=name)
        if warm:
            return lambda: seconds(code, KEPT.name)
        return lambda: seconds_without_cache(code)

    return run


def seconds_without_cache(code):
    with tempfile.TemporaryDirectory() as empty:
        return seconds(code, empty)


def bare_import(module):
    return Work(
        f"import {module}",
        lambda tiny: module,
        {"fastml": importing("fastml"), "scikit-learn": importing("sklearn")},
        floors={"scikit-learn": 0.95},
        rounds=11,
        measures_itself=True,
    )


def first(family, warm):
    return Work(
        f"first {family[1]} fit and predict, caches {'warm' if warm else 'cold'}",
        lambda tiny: family,
        {"fastml": first_answer("fastml", warm)},
        limit=0.5 if warm else 5,
        measures_itself=True,
    )


WORKS = [bare_import(module) for module, _ in FAMILIES] + [first(f, warm) for f in FAMILIES for warm in (True, False)]

bench_start = benchmarks(WORKS)
