"""Fit, predict, save and load every estimator with its built-in settings, in a process that compiles nothing.

    python tests/without_compiler.py [--small]

It ends with status 1, and says why, if Numba was loaded, or a kernel had no variant for its arguments. It needs no more
than fastml itself, so tests/wheel.py runs it where Numba is not installed.
"""

import importlib
import inspect
import itertools
import pkgutil
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse as sp

warnings.simplefilter("ignore")  # a few rows and epochs settle nothing

METHODS = ("predict", "predict_proba", "decision_function", "transform", "kneighbors", "radius_neighbors")
# What the rows of scikit-learn's kind of input are where it is no table.
TEXTS = ["one two three", "two three four", "three four five", "four five one"] * 15
RECORDS = [{"word": w, "size": len(w)} for t in TEXTS for w in t.split()[:1]]
TOKENS = [t.split() for t in TEXTS]
SMALL = "--small" in sys.argv  # the smallest tables only
REFUSALS = ValueError, TypeError, NotImplementedError, AttributeError, OSError
SHORT = {"max_iter": 3, "n_iter_no_change": 2, "random_state": 0}


def main():
    from fastml_ext import jit

    print(f"level {jit.LEVEL}, Numba {'not ' * (not importlib.util.find_spec('numba'))}installed")
    wrong, fits = {}, 0
    for estimator in estimators():
        before, had_numba = jit.fallbacks(), "numba" in sys.modules
        try:
            fits += (fitted := try_all(estimator))
            why = () if fitted else "could not be fitted"
        except ImportError as error:
            why = str(error)
        if missed := jit.fallbacks() - before:
            why = f"no variant for {sorted(missed, key=str)}"
        elif "numba" in sys.modules and not had_numba:
            why = "loaded Numba"
        if why:
            wrong[estimator.__name__] = why
    for name, why in wrong.items():
        print(f"{name}: {why}")
    print(f"{fits} fits, {len(wrong)} estimators needed a compiler")
    return 1 if wrong else 0


def estimators():
    from sklearn.base import BaseEstimator, MetaEstimatorMixin

    import fastml

    for module in pkgutil.iter_modules(fastml.__path__, "fastml."):
        if module.name.split(".")[1].startswith("_") or module.name == "fastml.cli":
            continue
        module = importlib.import_module(module.name)
        for name in getattr(module, "__all__", ()):
            found = getattr(module, name)
            if not (inspect.isclass(found) and issubclass(found, BaseEstimator) and hasattr(found, "fit")):
                continue
            if not found.__module__.startswith("fastml.") or issubclass(found, MetaEstimatorMixin):
                continue
            if [*inspect.signature(found.fit).parameters][1:2] == ["y"]:
                continue  # of labels, without rows
            if all(p.default is not p.empty for p in inspect.signature(found).parameters.values()):
                yield found  # pipelines, which take others, leave the work to them


def try_all(estimator):
    """Fit it on each kind of table with its defaults, and on one with each of its options: the number of fits."""
    fits = 0
    for X, y in inputs(estimator):
        fits += try_one(estimator, {}, X, y)
    X, y = next(inputs(estimator))
    for name, options in sorted(estimator._parameter_constraints.items()):
        for option in settings(name, options):
            fits += try_one(estimator, {name: option}, X, y)
    return fits


def settings(name, constraints):
    """The texts, and both truths, that a parameter may be."""
    for constraint in constraints if isinstance(constraints, list) else ():
        if hasattr(constraint, "options"):
            yield from sorted(constraint.options, key=str)
        elif constraint == "boolean":
            yield from (False, True)


def inputs(estimator):
    """(X, y) of every kind: types and layouts of the table, its size, and what is learnt."""
    random = np.random.default_rng(0)
    tables = [random.integers(0, 9, shape).astype(float) for shape in ((60, 4), (60, 12), (2000, 30))][
        : 1 if SMALL else 3
    ]
    tags = importlib.import_module("sklearn.utils").get_tags(made(estimator, {}))
    if not tags.input_tags.two_d_array:
        for rows in (TEXTS, RECORDS, TOKENS):
            yield rows, np.arange(len(rows)) % 2
        return
    kinds = [np.asarray, np.asfortranarray, *([sp.csr_array, with_long_indices] * tags.input_tags.sparse)]
    for X, dtype, kind in itertools.product(tables, (np.float64, np.float32, np.int64, np.uint8), kinds):
        for y in targets(X) if dtype in (np.float64, np.float32) else targets(X)[:1]:
            yield kind(X.astype(dtype)), y


def targets(X):
    """Two classes, as numbers and as words; several; numbers; several of both at once."""
    numbers, classes = X @ np.arange(X.shape[1]), X[:, 0].astype(int) % 3
    two = (numbers > numbers.mean()).astype(int)
    return [two, np.array(["no", "yes"])[two], classes, numbers, np.c_[numbers, X[:, 0]], np.c_[two, classes]]


def with_long_indices(X):
    X = sp.csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def made(estimator, parameters):
    known = inspect.signature(estimator).parameters
    return estimator(**{k: v for k, v in SHORT.items() if k in known} | parameters)


def try_one(estimator, parameters, X, y):
    """Whether it could be fitted; what cannot be is not this program's affair."""
    try:
        model = made(estimator, parameters).fit(X, y)
    except REFUSALS:
        return False
    answers = call_all(model, X)
    with tempfile.TemporaryDirectory() as folder:
        from fastml import persistence

        path = Path(folder, "model.fastml")
        try:
            persistence.save(model, path)
        except (TypeError, ValueError):
            return True
        again = call_all(persistence.load(path), X)
    assert all(np.array_equal(a, b) for a, b in zip(answers, again, strict=True) if isinstance(a, np.ndarray))
    return True


def call_all(model, X):
    answers = []
    for method in METHODS:
        for rows in (X, X[:1]):
            try:
                answers.append(getattr(model, method)(rows))
            except REFUSALS:
                break
    return answers


if __name__ == "__main__":
    sys.exit(main())
