"""Random labels, scores and weights through every metric, against scikit-learn's function of the same name."""

import inspect
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import sklearn.metrics
from judge import REFUSALS, Outcome, close, equal

import fastml.metrics

AVERAGES = ("binary", "micro", "macro", "weighted", "samples", None)
OPTIONS = {
    "average": AVERAGES,
    "normalize": (True, False, None, "true", "pred", "all"),
    "zero_division": (0, 1, np.nan, "warn"),
    "beta": (0.5, 1, 2.0, 0),
    "adjusted": (True, False),
    "multioutput": ("uniform_average", "raw_values"),
    "k": (1, 2, 5),
    "squared": (True, False),
    "labels": (None, [0, 1], [0, 1, 2], [2, 1, 0]),
    "weights": (None, "linear", "quadratic"),
    "max_fpr": (None, 0.3),
    "drop_intermediate": (True, False),
}
NAMES = sorted(
    name
    for name in fastml.metrics.__all__
    if inspect.isfunction(getattr(sklearn.metrics, name, None))
    and "y_true" in inspect.signature(getattr(sklearn.metrics, name)).parameters
)


@dataclass(frozen=True)
class Scoring:
    """One call of a metric."""

    estimator: str
    y_true: Any
    y_other: Any
    weight: Any
    options: dict[str, Any]

    def code(self):
        return f"Scoring({self.estimator!r}, {self.y_true!r}, {self.y_other!r}, {self.weight!r}, {self.options!r})"


def draw(random):
    name = NAMES[random.integers(len(NAMES))]
    n = int(random.choice([0, 1, 2, 5, 30]))
    kind = random.integers(5)
    parameters = inspect.signature(getattr(sklearn.metrics, name)).parameters
    if kind == 0:
        y_true, y_other = (random.integers(0, 2, n).tolist() for _ in range(2))
    elif kind == 1:
        y_true, y_other = (random.integers(0, 3, n).tolist() for _ in range(2))
    elif kind == 2:
        y_true, y_other = ([["no", "yes", "?"][k] for k in random.integers(0, 3, n)] for _ in range(2))
    else:
        y_true, y_other = random.integers(0, 2, n).tolist(), random.random(n).round(2).tolist()
    if kind == 4:
        scale = 10.0 ** random.integers(-200, 200)
        y_true, y_other = ((random.standard_normal(n) * scale).tolist() for _ in range(2))
    if "y_proba" in parameters and kind in (1, 2) and random.random() < 0.7:
        y_other = random.dirichlet(np.ones(3), n).tolist()
    weight = None
    if random.random() < 0.4:
        weight = (random.integers(0, 4, n), random.random(n), random.integers(0, 2**57, n))[random.integers(3)].tolist()
    options = {k: v[random.integers(len(v))] for k, v in OPTIONS.items() if k in parameters and random.random() < 0.3}
    return Scoring(name, y_true, y_other, weight, options)


def judge(case):
    ours, theirs = (
        Outcome(lambda m=module: call(getattr(m, case.estimator), case)) for module in (fastml.metrics, sklearn.metrics)
    )
    if ours.error is not None and not isinstance(ours.error, REFUSALS):
        return [(f"{type(ours.error).__name__}", str(ours.error)[:300])]
    if (ours.error is None) != (theirs.error is None):
        return [("errors differ", f"fastml {ours.error!r}, scikit-learn {theirs.error!r}"[:400])]
    if ours.error is not None:
        return []
    found = [("RuntimeWarning leaks", message) for message in ours.leaks() if message not in theirs.leaks()]
    if not alike(ours.value, theirs.value):
        found.append(("another value", f"fastml {ours.value!r}, scikit-learn {theirs.value!r}"[:400]))
    return found


def call(function, case):
    weight = (
        {}
        if case.weight is None or "sample_weight" not in inspect.signature(function).parameters
        else {"sample_weight": case.weight}
    )
    return function(case.y_true, case.y_other, **weight, **case.options)


def alike(a, b):
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(alike(u, v) for u, v in zip(a, b, strict=True))
    if a is None or isinstance(a, (str, dict)):
        return a == b
    ours, theirs = np.asarray(a, float), np.asarray(b, float)
    beyond = np.isfinite(ours) & ~np.isfinite(theirs)  # scikit-learn's sums overflowed
    beyond |= (np.abs(ours) < 1e-150) & (theirs == 0)  # or its squares vanished
    return equal(a, b) or bool(np.all(beyond)) or close(a, b, 1e-9)


def smaller(case):
    for name in case.options:
        yield replace(case, options={k: v for k, v in case.options.items() if k != name})
    if case.weight is not None:
        yield replace(case, weight=None)
    for i in range(len(case.y_true)):
        without = lambda v, i=i: v if v is None else v[:i] + v[i + 1 :]  # noqa: E731
        yield replace(case, y_true=without(case.y_true), y_other=without(case.y_other), weight=without(case.weight))
