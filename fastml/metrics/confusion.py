"""`Confusion`: rows counted by true and predicted class, once, and every score of the two derived from the counts."""

import html
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from fastml.metrics import _counts
from fastml.metrics._labels import read_labels
from fastml.metrics._report import report
from fastml.metrics._scikit import Unread
from fastml.metrics.classification import _positive, confusion_matrix, is_zero_division

__all__ = ["Confusion", "Interval", "McNemar", "mcnemar"]

ALL = ("precision", "recall", "f-score")


class Interval(NamedTuple):
    """An estimate and the bounds of its confidence interval."""

    estimate: float
    low: float
    high: float


class McNemar(NamedTuple):
    """How two models differ on the same rows: the rows that only one of them gets right, and the test of their tie."""

    only_first: int
    only_second: int
    statistic: float
    p_value: float


class Confusion:
    """Counts of (true class, predicted class), to be added up over chunks, threads or a stream.

    matrix: (K, K) counts, int64, or float64 for weights; rows are the truth
    labels: (K,) classes, ascending

    Counting at once and merging parts give the same counts: `Confusion.count(y, p)` equals the sum of the parts, and
    `update` adds rows in place. Scores are as the functions of this module give them.

    >>> parts = [Confusion.count(["a", "b"], ["a", "a"]), Confusion.count(["c", "b"], ["c", "b"])]
    >>> total = sum(parts)
    >>> total.matrix.tolist(), total.labels.tolist(), total.accuracy
    ([[1, 0, 0], [1, 1, 0], [0, 0, 1]], ['a', 'b', 'c'], 0.75)
    """

    __hash__ = None  # it changes in place
    __array_ufunc__ = None

    def __init__(self, matrix: Any, labels: ArrayLike | None) -> None:
        self.matrix, self.labels = np.asarray(matrix), np.asarray(labels)
        if self.matrix.shape != (len(self.labels),) * 2:
            raise ValueError(f"matrix has shape {self.matrix.shape}, but there are {len(self.labels)} labels")
        if len(self.labels) == 0 or (self.labels[1:] <= self.labels[:-1]).any():
            raise ValueError("labels must be at least one, ascending and distinct")

    @classmethod
    def count(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """Count the rows of two vectors of labels.

        y_true, y_pred: (n,) labels | labels: classes to list even where they do not occur | sample_weight: (n,)
        """
        try:
            counts = _counts.count(y_true, y_pred, sample_weight, need_matrix=True)
        except Unread:
            confusion_matrix(y_true, y_pred, sample_weight=sample_weight)  # says what is wrong
            raise ValueError("y_true and y_pred must be vectors of labels: numbers, or strings") from None
        result = cls(counts.matrix, counts.labels)
        return result if labels is None else result._over(np.union1d(result.labels, read_labels(labels)))

    def update(self, y_true: ArrayLike, y_pred: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Add the rows of two more vectors of labels, in place; returns self."""
        total = self + type(self).count(y_true, y_pred, sample_weight=sample_weight)
        self.matrix, self.labels = total.matrix, total.labels
        return self

    def __add__(self, other):
        if other == 0 and not isinstance(other, Confusion):  # the start value of sum()
            return self
        if not isinstance(other, Confusion):
            return NotImplemented
        if (self.labels.dtype.kind == "U") != (other.labels.dtype.kind == "U"):
            raise ValueError(f"labels {self.labels} and {other.labels} are of two kinds and cannot be merged")
        labels = np.union1d(self.labels, other.labels)
        return type(self)(self._over(labels).matrix + other._over(labels).matrix, labels)

    __radd__ = __add__

    def __eq__(self, other):
        if not isinstance(other, Confusion):
            return NotImplemented
        return np.array_equal(self.labels, other.labels) and np.array_equal(self.matrix, other.matrix)

    def _over(self, labels):
        """The same counts with a row and a column for each of `labels`, which include its own."""
        if len(labels) == len(self.labels):
            return self
        at = np.searchsorted(labels, self.labels)
        matrix = np.zeros((len(labels), len(labels)), self.matrix.dtype)
        matrix[np.ix_(at, at)] = self.matrix
        return type(self)(matrix, labels)

    @property
    def support(self) -> np.ndarray:
        """(K,) rows, or their weight, of each true class."""
        return self.matrix.sum(axis=1)

    @property
    def total(self) -> Any:
        """Rows counted, or their weight."""
        return self.matrix.sum()

    @property
    def accuracy(self) -> float:
        """Share of the rows predicted correctly."""
        return float(np.trace(self.matrix) / self.total)

    @property
    def majority(self) -> float:
        """Accuracy of always predicting the most frequent true class: what a model must beat."""
        return float(self.support.max() / self.total)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that occur in the truth."""
        return _counts.balanced_accuracy(self.matrix)

    @property
    def matthews(self) -> float:
        """Correlation of truth and prediction."""
        return _counts.matthews(self.matrix)

    def kappa(self, weights: Any = None) -> float:
        """Cohen's kappa, `weights` None, "linear" or "quadratic"; NaN where chance alone explains everything."""
        if weights not in (None, "linear", "quadratic"):
            raise ValueError(f'weights={weights!r} must be None, "linear" or "quadratic"')
        kappa = _counts.cohen_kappa(self.matrix, weights)
        return float("nan") if kappa is None else kappa

    def precision(self, average: str | None = None, pos_label: Any = 1, zero_division: Any = "warn") -> np.ndarray:
        """Precision of each class (K,), or averaged as `precision_score` does."""
        return self._prf(1.0, average, pos_label, ("precision",), zero_division)[0]

    def recall(self, average: str | None = None, pos_label: Any = 1, zero_division: Any = "warn") -> np.ndarray:
        """Recall of each class (K,), or averaged as `recall_score` does."""
        return self._prf(1.0, average, pos_label, ("recall",), zero_division)[1]

    def f1(self, average: str | None = None, pos_label: Any = 1, zero_division: Any = "warn") -> np.ndarray:
        """F1 of each class (K,), or averaged as `f1_score` does."""
        return self._prf(1.0, average, pos_label, ("f-score",), zero_division)[2]

    def fbeta(
        self, beta: float, average: str | None = None, pos_label: Any = 1, zero_division: Any = "warn"
    ) -> np.ndarray:
        """F-beta of each class (K,), or averaged as `fbeta_score` does."""
        return self._prf(beta, average, pos_label, ("f-score",), zero_division)[2]

    def normalized(self, by: Any = "true") -> np.ndarray:
        """(K, K) shares of each true class ("true"), of each predicted class ("pred") or of everything ("all")."""
        if by not in ("true", "pred", "all"):
            raise ValueError(f'by={by!r} must be "true", "pred" or "all"')
        return _counts.normalized(self.matrix, by)

    def report(
        self,
        *,
        target_names: Any = None,
        digits: int = 2,
        output_dict: bool = False,
        zero_division: Any = "warn",
    ) -> str | dict[str, Any]:
        """The text, or dict, of `classification_report`."""
        try:
            return report(self._as_counts(), None, target_names, digits, output_dict, zero_division)
        except Unread:
            raise ValueError(f"{len(target_names)} target_names for {len(self.labels)} classes") from None

    def interval(
        self,
        score: Any = "accuracy",
        *,
        level: float = 0.95,
        method: Any = "wilson",
        n_resamples: int = 2000,
        random_state: int | np.random.RandomState | None = None,
    ) -> tuple[float, float]:
        """Confidence interval of a score of these rows, taken as drawn independently.

        score: "accuracy", ("precision", label) or ("recall", label); for the bootstrap also any function of a Confusion
        level: confidence in (0, 1)
        method: "wilson", exact to order 1/n for shares (E. B. Wilson 1927), or "bootstrap", percentiles over resampled
            counts (B. Efron 1979)
        n_resamples, random_state: of the bootstrap

        Raises ValueError for weighted counts, which are no numbers of rows.

        >>> Confusion([[45, 5], [5, 45]], [0, 1]).interval()
        Interval(estimate=0.9, low=0.8256343384950865, high=0.9447708629393249)
        """
        if self.matrix.dtype.kind == "f":
            raise ValueError("an interval needs numbers of rows, but these counts are weights")
        if not 0 < level < 1:
            raise ValueError(f"level={level} must lie between 0 and 1")
        if method == "bootstrap":
            return self._bootstrap(score, level, n_resamples, random_state)
        if method != "wilson":
            raise ValueError(f'method={method!r} must be "wilson" or "bootstrap"')
        if callable(score):
            raise ValueError('method="wilson" is for shares of rows; a function needs method="bootstrap"')
        rows, of_all = self._share(score)
        return _wilson(rows, of_all, level)

    def plot(self, **options: Any) -> Any:
        """Draw the matrix; see `fastml.plot.confusion_matrix`."""
        from fastml import plot

        return plot.confusion_matrix(self, **options)

    def __repr__(self):
        return f"Confusion({self.matrix.tolist()}, labels={self.labels.tolist()})"

    def __str__(self):
        cells = [[f"{value:g}" for value in row] for row in self.matrix.tolist()]
        names = [str(label) for label in self.labels]
        table = [["", *names], *([name, *row] for name, row in zip(names, cells, strict=True))]
        width = max(len(cell) for line in table for cell in line)
        lines = ["  ".join(f"{cell:>{width}}" for cell in line) for line in table]
        return "\n".join([*lines, f"accuracy {self.accuracy:.4f} of {self.total:g} rows, truth in the rows"])

    def _repr_html_(self):
        names = [html.escape(str(label)) for label in self.labels]
        head = "".join(f"<th>{name}</th>" for name in names)
        rows = []
        for name, counts, shares in zip(names, self.matrix.tolist(), self.normalized().tolist(), strict=True):
            shades = (f"background:rgba(31,119,180,{share:.3f})" for share in shares)
            cells = "".join(f'<td style="{s}">{c:g}</td>' for s, c in zip(shades, counts, strict=True))
            rows.append(f"<tr><th>{name}</th>{cells}</tr>")
        caption = f"accuracy {self.accuracy:.4f} of {self.total:g} rows; truth in the rows"
        return f"<table><caption>{caption}</caption><tr><th></th>{head}</tr>{''.join(rows)}</table>"

    def _as_counts(self):
        sums = np.stack([np.diag(self.matrix), self.support, self.matrix.sum(axis=0)])
        return _counts.Counts(self.labels, sums, self.matrix, self.support > 0)

    def _prf(self, beta, average, pos_label, warn_for, zero_division):
        if not beta >= 0:
            raise ValueError(f"beta={beta} must not be negative")
        if average not in (None, "binary", "micro", "macro", "weighted"):
            raise ValueError(f'average={average!r} must be None, "binary", "micro", "macro" or "weighted"')
        if not is_zero_division(zero_division):
            raise ValueError(f'zero_division={zero_division!r} must be "warn", 0, 1 or NaN')
        try:
            labels = _positive(pos_label, self.labels) if average == "binary" else None
        except Unread:
            message = f'average="binary" needs two classes, and pos_label={pos_label!r} to be one of {self.labels}'
            raise ValueError(message) from None
        return _counts.prf(self._as_counts().sums_of(labels), beta, average, warn_for, zero_division)

    def _share(self, score):
        """(rows that count, rows in all) of a score that is a share of rows."""
        if score == "accuracy":
            return int(np.trace(self.matrix)), int(self.total)
        name, label = score if isinstance(score, tuple) and len(score) == 2 else (score, None)
        if name not in ("precision", "recall") or label not in self.labels.tolist():
            known = '"accuracy", ("precision", label) or ("recall", label)'
            raise ValueError(f"score={score!r} must be {known} with a label of {self.labels.tolist()}")
        at = self.labels.tolist().index(label)
        return int(self.matrix[at, at]), int((self.matrix[:, at] if name == "precision" else self.matrix[at]).sum())

    def _bootstrap(self, score, level, n_resamples, random_state):
        measure = score if callable(score) else lambda confusion: share(*confusion._share(score))
        generator = np.random.default_rng(random_state)
        draws = generator.multinomial(self.total, self.matrix.ravel() / self.total, size=n_resamples)
        scores = [measure(type(self)(draw.reshape(self.matrix.shape), self.labels)) for draw in draws]
        estimate = float(measure(self))
        low, high = np.nanquantile(scores, [(1 - level) / 2, (1 + level) / 2])
        return Interval(estimate, float(low), float(high))


def mcnemar(y_true: ArrayLike, first: Any, second: Any) -> Any:
    """Do two models differ on the same rows? Test of the rows that only one of them predicts correctly.

    y_true, first, second: (n,) labels: the truth and the two models' predictions

    Exact binomial test for up to 25 such rows, chi-square with Edwards' correction for more; p_value is two-sided.
    Q. McNemar 1947; T. G. Dietterich 1998, section 3.1.

    >>> mcnemar([1] * 10, [1] * 9 + [0], [0] * 8 + [1, 0])
    McNemar(only_first=8, only_second=0, statistic=0.0, p_value=0.0078125)
    """
    from scipy.special import bdtr, chdtrc

    from fastml.metrics._labels import equal, read_pairs

    try:
        right, also = (equal(*read_pairs(y_true, predicted)) for predicted in (first, second))
    except Unread:
        raise ValueError("y_true and both predictions must be vectors of labels of one length and kind") from None
    b, c = int(np.count_nonzero(right & ~also)), int(np.count_nonzero(also & ~right))
    if b + c <= 25:
        return McNemar(b, c, float(min(b, c)), min(1.0, 2 * float(bdtr(min(b, c), b + c, 0.5))))
    statistic = max(0, abs(b - c) - 1) ** 2 / (b + c)
    return McNemar(b, c, statistic, float(chdtrc(1, statistic)))


def share(rows, of_all):
    return rows / of_all if of_all else float("nan")


def _wilson(k, n, level):
    from scipy.special import ndtri

    if n == 0:
        raise ValueError("the share has no rows: nothing was of this class, or predicted as it")
    z, share = float(ndtri((1 + level) / 2)), k / n
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return Interval(share, float(max(0.0, middle - half)), float(min(1.0, middle + half)))
