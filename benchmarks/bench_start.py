"""How long a process takes to its first answer, beyond its imports: no compiler, no cache, no call before it."""

import os
import subprocess
import sys
import tempfile

from harness import Work, benchmarks

# The first fit and predict of a class in a process of its own, on a table so small that what is begun is what is timed.
FIRST = """
import time
import numpy as np
from {module} import {name}
random = np.random.default_rng(0)
X = random.standard_normal((300, 10))
y = X @ random.standard_normal(10)
y = y if {regresses} else (y > 0).astype(int)
X = abs(X) if "Multinomial" in "{name}" or "Complement" in "{name}" else X
model = {name}({options})
begun = time.perf_counter()
model.fit(X, y).predict(X[:100])
print(time.perf_counter() - begun)
import sys
assert "fastml" not in sys.modules or "numba" not in sys.modules, "Numba was needed"
"""
CLASSES = {
    "neighbors": ("KNeighborsClassifier", "KNeighborsRegressor", "RadiusNeighborsRegressor"),
    "tree": ("DecisionTreeClassifier", "DecisionTreeRegressor"),
    "linear_model": ("LinearRegression", "Ridge", "LogisticRegression", "SGDClassifier", "SGDRegressor", "Perceptron"),
    "svm": ("LinearSVC",),
    "naive_bayes": ("GaussianNB", "BernoulliNB", "MultinomialNB", "ComplementNB"),
    "neural_network": ("MLPClassifier", "MLPRegressor"),
}
OPTIONS = {
    "MLPClassifier": "max_iter=5", "MLPRegressor": "max_iter=5",
    "RadiusNeighborsRegressor": "radius=10.0",
}  # fmt: skip
IMPORT = "import time; begun = time.perf_counter(); import {module}; print(time.perf_counter() - begun)"


def seconds(code):
    """What a new process prints, without anything that was kept before."""
    with tempfile.TemporaryDirectory() as empty:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", code],
            capture_output=True, text=True, check=True, env=os.environ | {"NUMBA_CACHE_DIR": empty},
        )  # fmt: skip
    return float(done.stdout)


def importing(package):
    return lambda module: lambda: seconds(IMPORT.format(module=f"{package}.{module}"))


def first_answer(package):
    def run(family):
        module, name = family
        code = FIRST.format(
            module=f"{package}.{module}", name=name, regresses=name.endswith(("Regressor", "Regression", "Ridge"))
            and name != "LogisticRegression", options=OPTIONS.get(name, ""),
        )  # fmt: skip
        return lambda: seconds(code)

    return run


def bare_import(module):
    return Work(
        f"import {module}",
        lambda tiny: module,
        {"fastml": importing("fastml"), "scikit-learn": importing("sklearn")},
        floors={"scikit-learn": 0.95},
        rounds=11,
        measures_itself=True,
    )


def first(module, name):
    return Work(
        f"first fit and predict of a process, {name}",
        lambda tiny: (module, name),
        {"fastml": first_answer("fastml"), "scikit-learn": first_answer("sklearn")},
        floors={"scikit-learn": 0.667},
        limit=0.060,
        measures_itself=True,
    )


WORKS = [bare_import(module) for module in CLASSES] + [first(m, name) for m, names in CLASSES.items() for name in names]

bench_start = benchmarks(WORKS)
