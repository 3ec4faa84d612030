"""Rosenblatt's perceptron, and the report that says what its theory promised and what came of it."""

from dataclasses import dataclass
from hashlib import sha256
from numbers import Integral, Real
from typing import Any

import numpy as np
import scipy.sparse as sp
from scipy.optimize import linprog, nnls
from sklearn.utils.metaestimators import available_if

from fastml.base import Interval, StrOptions
from fastml.linear_model.sgd import StochasticClassifier
from fastml.linear_model.stochastic import StochasticModel
from fastml_ext import linear as kernels

__all__ = ["Perceptron", "PerceptronReport"]

EXACT = 2.0**53  # integers up to here add up without rounding
FEW_SCORES = 2**22  # scores of a voted prediction held at a time: 32 MB


@dataclass
class PerceptronReport:
    """What the perceptron convergence theorem says of a training run, and what happened.

    Attributes
    ----------
    status : str
        "separated": the last epoch was clean; "not separable": proven; "out of epochs": neither is known.
    mistakes : list of int
        Updates in each epoch.
    radius : float
        R, the largest norm of a sample, to which a 1 is appended where an intercept is learnt.
    margin : float or None
        The smallest distance of a sample from the separator found, or with `largest_margin` the largest there is.
    bound : float or None
        Most updates there can be in all: (R^2 + 2 c / eta) / margin^2 with the margin parameter c; with 2 R^2 where
        several classes are trained together. None where the theorem does not hold: not separated, a penalty, weights,
        a start that is not 0.
    proof : str
        How "not separable" was proven: "repeated state" or "linear program"; else "".
    """

    status: str
    mistakes: list
    radius: float
    margin: float | None = None
    bound: float | None = None
    proof: str = ""

    @property
    def total_mistakes(self) -> int:
        """Updates of all epochs."""
        return int(sum(self.mistakes))

    def __str__(self):
        lines = [f"{self.status}{f' ({self.proof})' if self.proof else ''} after {len(self.mistakes)} epochs"]
        lines.append(f"mistakes: {self.total_mistakes} ({', '.join(map(str, self.mistakes[:20]))}{self._more()})")
        lines.append(f"R = {self.radius:.6g}")
        if self.margin is not None:
            lines.append(f"margin = {self.margin:.6g}")
        if self.bound is not None:
            lines.append(f"bound on the mistakes: {self.bound:.6g}")
        return "\n".join(lines)

    def _more(self):
        return ", ..." if len(self.mistakes) > 20 else ""


def learns_in_parts(model):
    if model.average != "voted":
        return True
    raise AttributeError("average='voted' needs all updates of one fit: use average=True with partial_fit")


class Perceptron(StochasticClassifier):
    """Rosenblatt's perceptron: on each mistake, step towards the sample; with margin, averaged or voted.

    Parameters
    ----------
    penalty : {"l2", "l1", "elasticnet"} or None, default=None
        The penalty.
    alpha : float, default=0.0001
        Strength of the penalty.
    l1_ratio : float, default=0.15
        Share of l1 in "elasticnet".
    fit_intercept : bool, default=True
        Whether an intercept is learnt.
    max_iter : int, default=1000
        Most epochs.
    tol : float or None, default=1e-3
        Training ends when the mean loss with the penalty falls by less than this for `n_iter_no_change` epochs; None:
        only after a clean epoch, which always ends it.
    shuffle : bool, default=True
        Whether each epoch takes the rows in a new order.
    verbose : int, default=0
        1 for a progress bar.
    eta0 : float, default=1.0
        What an update is multiplied with.
    n_jobs : int, default=None
        Threads of predictions.
    random_state : int, RandomState or None, default=0
        Seed of the orders.
    early_stopping, validation_fraction, n_iter_no_change, class_weight, warm_start : see SGDClassifier
        As for SGDClassifier.
    margin : float, default=0.0
        An update is made where y (w x + b) <= margin; 0 is the plain rule.
    average : bool or "voted", default=False
        True: the mean of the weights after every step predicts. "voted": all weights there ever were vote, each as
        often as it survived; the rows of the updates are kept, so memory grows with the mistakes.
    multi_class : {"ovr", "multinomial"}, default="ovr"
        Three classes and more: each against the rest, or together: on a mistake the own class's weights step towards
        the sample and the best rival's away from it.
    prove : {"auto", "lp", None}, default="auto"
        "auto": a state that comes again at the end of an epoch on integer data proves that nothing separates it, and
        ends training. "lp": a linear program decides where training ran out of epochs. None: neither.
    largest_margin : bool, default=False
        Whether the report's margin is the largest there is, found by a hard-margin SVM, which makes the bound the
        tightest; otherwise that of the separator found.
    max_time, callbacks : see SGDClassifier
        As for SGDClassifier.

    Attributes
    ----------
    coef_, intercept_, classes_, history_, stopped_, n_iter_, t_
        As for SGDClassifier.
    report_ : PerceptronReport, or dict of them
        Mistakes, R, margin, bound, and whether the data was separated; by class where each is trained against the rest.

    Notes
    -----
    F. Rosenblatt, The perceptron (1958); A. Novikoff, On convergence proofs on perceptrons (1962); Y. Freund,
    R. Schapire, Large margin classification using the perceptron algorithm, Machine Learning 37 (1999); K. Crammer,
    Y. Singer, Ultraconservative online algorithms, JMLR 3 (2003). If the weights at the ends of two epochs are equal,
    the updates between them add up to zero, a positive combination that rules any separator out, in whatever order
    they came.

    Examples
    --------
    >>> from fastml.linear_model import Perceptron
    >>> X = [[0, 0], [0, 1], [1, 0], [1, 1]]
    >>> model = Perceptron(shuffle=False, tol=None, largest_margin=True).fit(X, [0, 0, 0, 1])
    >>> print(model.report_)
    separated after 9 epochs
    mistakes: 18 (2, 3, 3, 2, 2, 3, 2, 1, 0)
    R = 1.73205
    margin = 0.242536
    bound on the mistakes: 51
    >>> Perceptron().fit(X, [0, 1, 1, 0]).report_.status
    'not separable'
    """

    _parameter_constraints = {
        name: rule for name, rule in StochasticModel._parameter_constraints.items() if name not in ("loss",)
    } | {
        "n_jobs": [Integral, None],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "margin": [Interval(Real, 0, None, closed="left")],
        "average": ["boolean", StrOptions({"voted"})],
        "multi_class": [StrOptions({"ovr", "multinomial"})],
        "prove": [StrOptions({"auto", "lp"}), None],
        "largest_margin": ["boolean"],
    }
    loss, learning_rate = "perceptron", "constant"

    def __init__(
        self,
        *,
        penalty: str | None = None,
        alpha: float = 0.0001,
        l1_ratio: float | None = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-3,
        shuffle: bool = True,
        verbose: int = 0,
        eta0: float = 1.0,
        n_jobs: int | None = None,
        random_state: Any = 0,
        early_stopping: bool = False,
        validation_fraction: float = 0.1,
        n_iter_no_change: float = 5,
        class_weight: Any = None,
        warm_start: bool = False,
        margin: float = 0.0,
        average: Any = False,
        multi_class: str = "ovr",
        prove: str = "auto",
        largest_margin: bool = False,
        max_time: float | None = None,
        callbacks: Any = None,
    ) -> None:
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.eta0 = eta0
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start
        self.margin = margin
        self.average = average
        self.multi_class = multi_class
        self.prove = prove
        self.largest_margin = largest_margin
        self.max_time = max_time
        self.callbacks = callbacks

    def _loss_parameter(self):
        return self.margin

    def _train(self, rows, targets, start, plan):
        """Epochs under watch: mistakes are counted, states compared, a clean epoch ends them."""
        plain = self.penalty is None and self.class_weight is None and not len(rows.weight)
        plain = plain and not any(np.any(part) for part in start)
        watch = Watch(rows, self, plain and self.prove == "auto")
        plan.hits, plan.until = watch.hits, watch.until
        if self.average == "voted" and (not plain or self.coupling_ == "argmax"):
            raise ValueError(
                "average='voted' keeps the rows of the updates and starts from 0: it goes with penalty=None,"
                " class_weight=None, sample_weight=None, no first weights, and multi_class='ovr'"
            )
        super()._train(rows, targets, start, plan)
        if self.average == "voted":
            self._voters = watch.voters(rows, self.eta0)
        self.report_ = watch.reports(self, rows, plain)
        return self

    def predict(self, X: Any) -> np.ndarray:
        """The class of each row of X, array-like or sparse of shape (n_samples, n_features): (n_samples,)."""
        if self.average != "voted" or not hasattr(self, "_voters"):
            return super().predict(X)
        votes = self.decision_function(X)
        return self.classes_[(votes > 0).astype(int) if votes.ndim == 1 else votes.argmax(axis=1)]

    def decision_function(self, X: Any) -> np.ndarray:
        """Scores of the rows of X: (n_samples, n_classes), for two classes (n_samples,); of "voted", the mean vote."""
        if self.average != "voted" or not hasattr(self, "_voters"):
            return super().decision_function(X)
        X = self._check_rows(X)
        votes = np.column_stack([votes_of(X, *voter) for voter in self._voters])
        return votes[:, 0] if votes.shape[1] == 1 else votes

    @available_if(learns_in_parts)
    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """One epoch, as for SGDClassifier; the report is `fit`'s alone, and so is "voted"."""
        return super().partial_fit(X, y, classes, sample_weight)


class Watch:
    """The updates of a run, counted and compared."""

    def __init__(self, rows, model, look_for_repeats):
        self.k = rows.class_weight.shape[1]
        self.mistakes, self.now = [], np.zeros(self.k, np.int64)
        self.log = [[] for _ in range(self.k)] if model.average == "voted" else None
        self.step, self.proven = 0, np.zeros(self.k, bool)
        stored = rows.X.data if rows.sparse else rows.X
        # A few values tell most tables that hold fractions.
        whole = look_for_repeats and model.eta0 == int(model.eta0) and not np.any(stored[:4] % 1)
        self.exact = False
        if whole and not np.any(stored != np.rint(stored)):
            limit = np.abs(stored).max(initial=1) * model.eta0 * rows.n * 1000
            self.exact = limit < (EXACT if stored.dtype == np.float64 else 2.0**24)
        self.seen = [{b""} for _ in range(self.k)]  # b"": the start
        self.rows, self.intercept, self.together = rows, model.fit_intercept, model.coupling_ == "argmax"

    def hits(self, order, signs):
        for c in range(self.k):
            self.now[c] += np.count_nonzero(signs[:, c])
        if self.log is not None:
            for c, log in enumerate(self.log):
                at = np.flatnonzero(signs[:, c])
                log += zip((self.step + at).tolist(), order[at].tolist(), signs[at, c].tolist(), strict=True)
        self.step += len(order)

    def until(self, learner):
        """A clean epoch, or a proof for every score that is still moving, ends training."""
        mistakes, self.now = self.now.copy(), np.zeros(self.k, np.int64)
        self.mistakes.append(mistakes)
        if not mistakes.any():
            return "separated"
        if self.exact:
            W = learner.state.W.T if self.rows.sparse else learner.state.W  # sums of rows, exact
            states = [W] * self.k if self.together else W
            for c, state in enumerate(states):
                state = sha256((state + 0.0).tobytes()).digest() if state.any() else b""  # + 0.0: -0.0 is 0.0
                self.proven[c] |= bool(mistakes[c]) and state in self.seen[c]
                self.seen[c].add(state)
            if self.proven[mistakes > 0].all():
                return "not separable"
        return None

    def voters(self, rows, eta):
        """(rows of the updates times eta and sign, how long each state of the weights survived), for each score."""
        result = []
        for log in self.log:
            steps, at, signs = (np.array(part) for part in zip(*log, strict=True)) if log else ([], [], [])
            at, signs = np.asarray(at, np.int64), np.asarray(signs, np.float64)
            survived = np.diff(np.concatenate([[0], np.asarray(steps, float), [self.step]]))
            updates = rows.X[at]
            updates = (
                updates.multiply(eta * signs[:, None]).tocsr() if rows.sparse else updates * (eta * signs[:, None])
            )
            result.append((updates, eta * signs if self.intercept else 0 * signs, survived))
        return result

    def reports(self, model, rows, plain):
        coef, intercept = (part.astype(float) for part in kernels.weights(model._state, rows.sparse))
        if rows.sparse:
            scores = rows.X @ coef.T + intercept
        else:
            scores = kernels.scores(rows.X.astype(np.float64, copy=False), coef, intercept, model.n_jobs)
        mistakes = np.array(self.mistakes).reshape(-1, self.k)
        squares = rows.X.multiply(rows.X).sum(axis=1) if rows.sparse else np.einsum("ij,ij->i", rows.X, rows.X)
        radius = float(np.sqrt(np.max(np.asarray(squares, float)) + bool(model.fit_intercept)))
        if self.together:
            own = scores[np.arange(rows.n), rows.Y[:, 0].astype(int)]
            rivals = np.where(np.arange(self.k) == rows.Y, -np.inf, scores).max(axis=1)
            size = np.sqrt((coef**2).sum() + (intercept**2).sum() * bool(model.fit_intercept))
            counted = (mistakes.sum(axis=1) // 2).tolist()
            return self._report(model, radius, counted, own - rivals, size, plain, 2.0, self.proven.all(), None)
        signs = rows.Y if self.k == 1 else np.where(rows.Y == np.arange(self.k), 1.0, -1.0)
        reports = {}
        for c in range(self.k):
            size = np.sqrt((coef[c] ** 2).sum() + intercept[c] ** 2 * bool(model.fit_intercept))
            z = signs[:, c] * scores[:, c]
            one = radius, mistakes[:, c].tolist(), z, size, plain, 1.0, self.proven[c], signs[:, c]
            reports[model.classes_[c if self.k > 1 else 1]] = self._report(model, *one)
        return reports if self.k > 1 else next(iter(reports.values()))

    def _report(self, model, radius, mistakes, z, size, plain, factor, proven, signs):
        status, proof = "out of epochs", ""
        if z.min() > 0:
            status = "separated"
        elif proven:
            status, proof = "not separable", "repeated state"
        elif model.prove == "lp" and signs is not None and not separable(self.rows.X, signs, model.fit_intercept):
            status, proof = "not separable", "linear program"
        report = PerceptronReport(status, mistakes, radius, proof=proof)
        if status == "separated":
            report.margin = float(z.min() / size)
            if model.largest_margin and signs is not None:
                report.margin = max(report.margin, largest_margin(self.rows.X, signs, model.fit_intercept))
            if plain:
                report.bound = (factor * radius**2 + 2 * model.margin / model.eta0) / report.margin**2
        return report


def votes_of(X, updates, intercepts, survived):
    """Mean vote, -1 to 1, of all states of the weights on rows X, each counted as often as it survived."""
    result, size = np.empty(X.shape[0]), max(1, FEW_SCORES // len(survived))
    total = max(survived.sum(), 1)
    for start in range(0, X.shape[0], size):
        steps = X[start : start + size] @ updates.T
        steps = (steps.toarray() if sp.issparse(steps) else steps) + intercepts
        scores = np.cumsum(np.concatenate([np.zeros((len(steps), 1)), steps], axis=1), axis=1)
        result[start : start + size] = np.where(scores > 0, 1.0, -1.0) @ survived / total
    return result


def signed_rows(X, signs, intercept):
    rows = sp.hstack([X, np.ones((X.shape[0], 1))]) if sp.issparse(X) else np.column_stack([X, np.ones(len(X))])
    rows = rows if intercept else X
    return rows.multiply(signs[:, None]).tocsr() if sp.issparse(rows) else rows * signs[:, None]


def separable(X, signs, intercept):
    """Whether some w has signs (X w + b) >= 1 everywhere: a linear program."""
    rows = signed_rows(X, signs, intercept)
    answer = linprog(np.zeros(rows.shape[1]), -rows, -np.ones(rows.shape[0]), bounds=(None, None), method="highs")
    return answer.status != 2  # 2: infeasible


def largest_margin(X, signs, intercept):
    """The largest distance from a plane through the origin that all signed rows can have: that of the hard-margin SVM.

    Its dual, least |sum a_i x_i| with a in the simplex, is non-negative least squares: least |Z a|^2 + (sum a - 1)^2.
    """
    Z = signed_rows(X, signs, intercept)
    Z = Z.toarray() if sp.issparse(Z) else Z
    scale = np.abs(Z).max(initial=1e-300)
    A = np.vstack([np.asarray(Z, float).T / scale, np.ones(len(Z))])
    a, _ = nnls(A, np.append(np.zeros(A.shape[0] - 1), 1.0))
    w = Z.T @ a
    return float((Z @ w).min() / np.linalg.norm(w)) if np.any(w) else 0.0
