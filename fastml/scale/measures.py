"""What scores are made of: counts and sums of blocks of rows; those of the order of scores are in ranks.py."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from fastml.metrics import Confusion
from fastml.metrics._warn import warn_undefined

__all__ = ["SCORINGS", "Matrix", "Measure"]


def summed(values: np.ndarray, weight: Any) -> float:
    return float(np.sum(values)) if weight is None else float(np.sum(values * weight))


def weighed(n: int, weight: Any) -> float:
    return float(n) if weight is None else float(np.sum(weight))


def added(first: Any, second: Any) -> Any:
    return tuple(a + b for a, b in zip(first, second, strict=True))


class Measure:
    """A reduction of answers, y and weights; see `fastml.scale.Reduction`."""

    asks, takes = "predict", "codes"  # which answers, and what of y: "codes" of the classes, "numbers" or "labels"
    another = False  # whether one more pass is needed

    def __init__(self, n_classes: int = 0, memory: int = 0):
        self.n_classes, self.memory = n_classes, memory

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> Any:
        raise NotImplementedError

    def merge(self, first: Any, second: Any) -> Any:
        return added(first, second)

    def take(self, total: Any) -> None:
        """Keep the state of all rows."""
        self.total = total


class Hits(Measure):
    """Rows whose label is predicted, and rows. A label that is no class is a miss."""

    takes = "labels"

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> tuple:
        return summed(found == y, weight), weighed(len(y), weight)


class Matrix(Measure):
    """The confusion matrix."""

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> np.ndarray:
        k = self.n_classes
        return np.bincount(k * y + found, weight, minlength=k * k).reshape(k, k)

    def merge(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return first + second


class LogLoss(Measure):
    """-ln P(true class), squared distances of the probabilities from the truth, rows, and what each class weighs."""

    asks = "predict_proba"

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> tuple:
        chance = found[np.arange(len(y)), y]
        tiny = np.finfo(chance.dtype).eps
        away = -found.astype(float)
        away[np.arange(len(y)), y] += 1
        losses = -np.log(np.clip(chance.astype(float), tiny, 1 - tiny))
        each = np.bincount(y, weight, self.n_classes).astype(float)
        return summed(losses, weight), summed((away**2).sum(axis=1), weight), weighed(len(y), weight), each


class Residuals(Measure):
    """Rows, mean of y, squares about it; squares and absolute values of what the model leaves."""

    takes = "numbers"

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> tuple:
        if found.shape != y.shape:
            raise ValueError(f"the model predicts {found.shape[1:]} numbers a row, and y is one")
        n, off = weighed(len(y), weight), y - found
        mean = summed(y, weight) / n if n > 0 else 0.0
        return n, mean, summed((y - mean) ** 2, weight), summed(off**2, weight), summed(np.abs(off), weight)

    def merge(self, first: tuple, second: tuple) -> tuple:
        n = first[0] + second[0]
        if not n > 0:
            return first
        apart = second[1] - first[1]
        squares = first[2] + second[2] + apart**2 * first[0] * (second[0] / n)
        return n, first[1] + second[0] / n * apart, squares, *added(first[3:], second[3:])


class Best(Measure):
    """Rows whose class is among the two with the highest scores, and rows; of equal scores the later class wins."""

    asks, among = "scores", 2

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> tuple:
        if self.n_classes <= self.among:
            hit = np.ones(len(y), bool)
        else:
            best = np.argsort(found, axis=1, kind="mergesort")[:, -self.among :]
            hit = (best == y[:, None]).any(axis=1)
        return summed(hit, weight), weighed(len(y), weight)


class Deviations(Measure):
    """Rows, and sums of what further measures of regressors add up, or their largest."""

    takes = "numbers"

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> dict:
        n, off = weighed(len(y), weight), (y - found).astype(float)
        state = {"n": n}
        state["largest"] = float(np.abs(off).max(initial=0.0))
        state["percent"] = summed(np.abs(off) / np.maximum(np.abs(y), np.finfo(float).eps), weight)
        with np.errstate(divide="ignore", invalid="ignore"):
            state["logs"] = summed((np.log1p(y) - np.log1p(found)) ** 2, weight)
            state["poisson"] = summed(2 * (special.xlogy(y, y / found) - y + found), weight)
            state["gamma"] = summed(2 * (np.log(found / y) + y / found - 1), weight)
        least = min(y.min(initial=np.inf), found.min(initial=np.inf))
        state["least"], state["least_y"], state["least_found"] = least, y.min(initial=np.inf), found.min(initial=np.inf)
        return state

    def merge(self, first: dict, second: dict) -> dict:
        state = {name: first[name] + second[name] for name in first}
        for name in ("least", "least_y", "least_found"):
            state[name] = min(first[name], second[name])
        state["largest"] = max(first["largest"], second["largest"])
        return state


def share(total: tuple) -> float:
    return total[0] / total[1] if total[1] > 0 else math.nan


def determination(total: tuple) -> float:
    n, _, spread, left, _ = total
    if n < 2:
        return math.nan
    return 1 - left / spread if spread > 0 else float(left == 0)


def of_matrix(function: Callable) -> tuple:
    return Matrix, lambda measure, classes: float(function(Confusion(measure.total, classes)))


def of_residuals(place: int, root: Callable = float) -> tuple:
    return Residuals, lambda measure, classes: -root(measure.total[place] / measure.total[0])


SCORINGS: dict[str, tuple] = {
    "accuracy": (Hits, lambda measure, classes: share(measure.total)),
    "balanced_accuracy": of_matrix(lambda confusion: confusion.balanced_accuracy),
    "matthews_corrcoef": of_matrix(lambda confusion: confusion.matthews),
    "neg_log_loss": (LogLoss, lambda measure, classes: -measure.total[0] / measure.total[2]),
    "neg_brier_score": (
        LogLoss,
        lambda measure, classes: -measure.total[1] / measure.total[2] * (0.5 if len(classes) == 2 else 1.0),
    ),
    "r2": (Residuals, lambda measure, classes: determination(measure.total)),
    "neg_mean_squared_error": of_residuals(3),
    "neg_root_mean_squared_error": of_residuals(3, math.sqrt),
    "neg_mean_absolute_error": of_residuals(4),
}


def beyond_shares(place: int) -> Callable:
    """1 less the loss over that of a model that says the shares of the classes of every row."""

    def value(measure: Measure, classes: np.ndarray) -> float:
        n, share = measure.total[2], measure.total[3] / measure.total[2]
        if place == 1:
            least = n * (1 - float(np.sum(share**2)))
        else:
            clipped = np.clip(share, np.finfo(float).eps, 1 - np.finfo(float).eps)
            least = -float(np.sum(measure.total[3] * np.log(clipped)))
        return 1 - measure.total[place] / least if least > 0 else math.nan

    return value


def of_deviations(name: str, root: Callable = float, above: float | None = None, of: str = "least") -> tuple:
    """-(the sum over the rows); above: what numbers must not fall to or below."""

    def value(measure: Measure, classes: np.ndarray) -> float:
        state = measure.total
        if above is not None and not state[of] > above:
            raise ValueError(
                f"a {'target or prediction' if of == 'least' else 'prediction'} is {state[of]}, and this scoring takes"
                f" numbers above {above} only"
            )
        return -root(state[name] / state["n"])

    return Deviations, value


def explained(measure: Measure, classes: np.ndarray) -> float:
    """The share of the variance of y that predictions explain, whatever the mean of what they leave."""
    left, spread = measure.total
    return 1 - left / spread if spread > 0 else float(left == 0)


class Explained(Measure):
    """The residuals' squares about their mean, and those of y."""

    takes = "numbers"

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> tuple:
        n = weighed(len(y), weight)
        means = [summed(each, weight) / n if n > 0 else 0.0 for each in (y - found, y)]
        squares = [summed((each - m) ** 2, weight) for each, m in zip((y - found, y), means, strict=True)]
        return n, np.array(means), np.array(squares)

    def merge(self, first: tuple, second: tuple) -> tuple:
        n = first[0] + second[0]
        if not n > 0:
            return first
        apart = second[1] - first[1]
        share = second[0] / n
        return n, first[1] + share * apart, first[2] + second[2] + apart**2 * first[0] * share

    def take(self, total: Any) -> None:
        self.total = total[2].tolist()


def among_best(measure: Measure, classes: np.ndarray) -> float:
    if len(classes) <= Best.among:
        warn_undefined(f"{Best.among} of {len(classes)} classes are all of them: 'top_k_accuracy' is perfect, whatever")
    return share(measure.total)


def poisson_deviance(measure: Measure, classes: np.ndarray) -> float:
    if not measure.total["least_y"] >= 0 or not measure.total["least_found"] > 0:
        raise ValueError(
            f"a target is {measure.total['least_y']} or a prediction {measure.total['least_found']}, and the Poisson"
            " deviance takes targets from 0 upwards and predictions above 0"
        )
    return -measure.total["poisson"] / measure.total["n"]


def jaccard(average: str) -> tuple:
    """The share of the rows of a class, or taken for it, that are both."""

    def value(measure: Measure, classes: np.ndarray) -> float:
        matrix = np.asarray(measure.total, float)
        hits, true = np.diag(matrix), matrix.sum(axis=1)
        either = true + matrix.sum(axis=0) - hits
        if average == "binary":
            if len(classes) != 2 or 1 not in classes.tolist():
                raise ValueError("scoring='jaccard' is of two classes, of which one is 1: take 'jaccard_macro'")
            c = classes.tolist().index(1)
            hits, either = hits[c : c + 1], either[c : c + 1]
        if average == "micro":
            hits, either = hits.sum(keepdims=True), either.sum(keepdims=True)
        found = np.divide(hits, either, out=np.zeros(len(hits)), where=either > 0)
        seen = either > 0 if average == "macro" else np.ones(len(found), bool)
        weights = true if average == "weighted" and true.any() else None
        return float(np.average(found[seen], weights=None if weights is None else weights[seen]))

    return Matrix, value


SCORINGS |= {
    "top_k_accuracy": (Best, among_best),
    "d2_log_loss_score": (LogLoss, beyond_shares(0)),
    "d2_brier_score": (LogLoss, beyond_shares(1)),
    "explained_variance": (Explained, explained),
    "neg_max_error": (Deviations, lambda measure, classes: -measure.total["largest"]),
    "neg_mean_absolute_percentage_error": of_deviations("percent"),
    "neg_mean_squared_log_error": of_deviations("logs", above=-1),
    "neg_root_mean_squared_log_error": of_deviations("logs", math.sqrt, above=-1),
    "neg_mean_poisson_deviance": (Deviations, poisson_deviance),
    "neg_mean_gamma_deviance": of_deviations("gamma", above=0),
    "jaccard": jaccard("binary"),
    "jaccard_macro": jaccard("macro"),
    "jaccard_micro": jaccard("micro"),
    "jaccard_weighted": jaccard("weighted"),
}


def of_average(name: str, average: str) -> tuple:
    return of_matrix(lambda confusion: getattr(confusion, name)(average))


for name in ("f1", "precision", "recall"):
    for average in ("binary", "macro", "micro", "weighted"):
        SCORINGS[name if average == "binary" else f"{name}_{average}"] = of_average(name, average)
