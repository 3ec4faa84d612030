"""Linear models over a table in parts: least squares in one pass, classifiers by Newton's steps, a pass each.

The reductions (see `fastml.scale.Reduction`) add up blocks of rows in the order of fastml_ext/blocks.py.
"""

import warnings
from typing import NamedTuple

import numpy as np
import scipy.linalg
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from fastml.class_weight import class_factors
from fastml.linear_model import solvers
from fastml.linear_model.columns import NO_WEIGHT
from fastml.linear_model.normal import ROUNDING, Sums, solve
from fastml.linear_model.objective import FEW_COLUMNS
from fastml.linear_model.settings import check_solver, warn_of_settings
from fastml.linear_model.stochastic import check_total
from fastml_ext import linear as kernels
from fastml_ext.linear.codes import LOSSES

__all__ = ["fit_least_squares", "fit_logistic", "fit_margins"]

MOST_UNKNOWNS = 2000  # weights whose Hessian is made in a pass


class Products(NamedTuple):
    """State of least squares: rows, means of [X, y], and sums of products of the columns about these means."""

    n: float
    means: np.ndarray  # (d + 1,)
    C: np.ndarray  # (d + 1, d + 1)


class Totals:
    """The reduction of the sum of the weights."""

    def partial(self, rows):
        return float(np.sum(rows.weight))

    def merge(self, first, second):
        return first + second


def weights_of_rows(rows):
    return NO_WEIGHT if rows.weight is None else rows.weight


def total_weight(table, reduce):
    """What the rows weigh together: their number, or the sum of their weights, for which a pass is made."""
    if not table.parts.has_weight and table.checks.factors is None:
        return table.n_rows
    total = reduce(Totals())
    check_weights(total)
    return total


def check_weights(total):
    if not total > 0:
        raise ValueError("sample_weight is 0 everywhere. Sample weights must contain at least one non-zero number.")
    check_total(np.array([total]), "sample_weight")


class LeastSquaresSums:
    """The reduction of least squares; without an intercept all is about 0."""

    def __init__(self, d, free):
        self.d, self.free = d, free
        self.key = "least squares", d, free  # one pass for every alpha of a search

    def partial(self, rows):
        X, y, weight, d = rows.X, rows.y, weights_of_rows(rows), self.d
        with np.errstate(over="ignore", invalid="ignore"):
            shift = np.mean(X, axis=0, dtype=float).astype(X.dtype).astype(float) if self.free else np.zeros(d)
            shift_y = np.array([y.mean() if self.free else 0.0])
            M = kernels.moments(X, y[:, None], weight, shift, shift_y, 1)
            if not M[-1, -1] > 0:
                return Products(0.0, np.zeros(d + 1), np.zeros((d + 1, d + 1)))
            if not self.free:
                return Products(M[-1, -1], np.zeros(d + 1), M[:-1, :-1])
            off = M[-1, :-1] / M[-1, -1]
            return Products(M[-1, -1], np.append(shift, shift_y) + off, M[:-1, :-1] - M[-1, -1] * off[:, None] * off)

    def merge(self, first, second):
        if first.n == 0 or second.n == 0:
            return second if first.n == 0 else first
        n = first.n + second.n
        apart = second.means - first.means
        C = first.C + second.C + first.n * (second.n / n) * (apart[:, None] * apart)
        return Products(n, first.means + second.n / n * apart, C)


class Residuals:
    """The reduction of a correction: sums of what weights leave of y, times the columns."""

    def __init__(self, *arguments):
        self.arguments = arguments

    def partial(self, rows):
        return kernels.residual_moments(rows.X, rows.y[:, None], weights_of_rows(rows), *self.arguments, 1)

    def merge(self, first, second):
        return first + second


def fit_least_squares(model, table, reduce):
    """LinearRegression and Ridge: one pass for the normal equations, one or two more where these are ill.

    Where a sample would be the table, it is fitted in memory.
    """
    d, free, who = table.parts.n_features, model.fit_intercept, type(model).__name__
    alphas = np.ravel(np.asarray(getattr(model, "alpha", 0.0), float))
    if len(alphas) != 1:
        raise ValueError(f"alpha={model.alpha!r} has {len(alphas)} numbers, and a table in parts has one output")
    if model.positive or getattr(model, "solver", "exact") in ("gd", "sgd", "lbfgs"):
        raise ValueError(f"{who} of a table in parts is solved in closed form: leave positive and solver as they are")
    if d > FEW_COLUMNS * 4:
        raise ValueError(f"{who} makes a matrix of {d} × {d} of a table in parts: choose fewer columns")
    found, few = table.reduce_unless_few(LeastSquaresSums(d, free))
    if few is not None:
        return model.fit(*few)
    dtype, n = table.parts.dtype, found.n
    check_weights(n)
    if not np.isfinite(found.C).all():
        bad = np.flatnonzero(~np.isfinite(found.C.diagonal()))
        what = "y" if len(bad) == 0 or bad[0] == d else f"column {bad[0]} of X"
        raise ValueError(f"the squares of {what} add up beyond the largest float64: divide it first")
    shift = found.means[:d].astype(dtype).astype(float) if free else np.zeros(d)
    centre = found.means[:d] - shift if free else np.zeros(d)
    G, right, squares = found.C[:d, :d].copy(), found.C[d:, :d].copy(), found.C.diagonal()[:d] / n
    constant = squares <= (np.finfo(dtype).eps * found.means[:d]) ** 2
    G[constant], G[:, constant], right[:, constant] = 0.0, 0.0, 0.0
    means = np.zeros(1)
    sums = Sums(shift, found.means[d:], centre, means, G, right, ROUNDING[dtype.itemsize])

    def residuals(coef, intercept):
        return reduce(Residuals(sums.shift, sums.shift_y, coef, intercept))

    coef = solve(sums, alphas, free, dtype.itemsize, residuals)
    model.solver_ = "cholesky"
    if coef is None:
        model.solver_, coef = "lstsq", shortest(G, right, alphas[0], dtype)
    model.n_iter_, model._flat, model._one_output = 1, True, True
    if hasattr(type(model), "singular_"):
        model.__dict__.pop("singular_", None)
        model._gram, model.rank_ = G, int(np.linalg.matrix_rank(G, hermitian=True))
    rows = np.zeros((1, d), dtype)
    return model._keep(coef, found.means[d:] - coef @ found.means[:d], rows, found.means[d:])


def shortest(G, right, alpha, dtype):
    """Of the weights that fit equally well the shortest, where columns depend on one another."""
    values, vectors = scipy.linalg.eigh(G + alpha * np.eye(len(G)))
    kept = values > len(G) * np.finfo(dtype).eps * max(values[-1], 0.0)
    return (right @ vectors[:, kept] / values[kept]) @ vectors[:, kept].T


class Curvature:
    """The reduction of logistic regression: loss, gradient and Hessian at a point, of columns centred and scaled."""

    def __init__(self, coef, intercept, centre, scale, dtype):
        self.coef, self.intercept = coef, intercept.astype(dtype)
        self.centre, self.scale = centre.astype(dtype), scale.astype(dtype)

    def partial(self, rows):
        Z, k = (rows.X - self.centre) * self.scale, len(self.coef)
        Y = np.where(rows.y == 1, 1.0, -1.0) if k == 1 else rows.y.astype(float)
        curvature = np.empty((len(Z), k))
        weight = weights_of_rows(rows)
        loss, gradient = kernels.evaluate(LOSSES["log"], Z, Y, weight, self.coef, self.intercept, curvature, 1)
        d = Z.shape[1]
        zero, one = np.zeros(d), np.ones(d)
        H = np.empty((k, d + 1, k, d + 1))
        for a in range(k):
            for b in range(a + 1):
                own = curvature[:, 0] if k == 1 else curvature[:, a] * np.abs((a == b) - curvature[:, b])
                own = own * weight if k > 1 and len(weight) else own
                part = kernels.gram(Z, own, zero, one, 1)
                H[a, :, b] = part if a == b else -part
                H[b, :, a] = H[a, :, b]
        return loss, gradient, H

    def merge(self, first, second):
        return first[0] + second[0], first[1] + second[1], first[2] + second[2]


class InParts:
    """The mean objective of logistic regression, by points u (k, d + 1): weights of centred, scaled columns."""

    def __init__(self, model, reduce, sample, n, k):
        X = sample.astype(float)
        spread, l2 = X.std(axis=0), model._penalties(n)[1]
        self.free, self.reduce, self.n, self.k, self.dtype = model.fit_intercept, reduce, n, k, sample.dtype
        self.centre = X.mean(axis=0).astype(self.dtype).astype(float) if self.free else np.zeros(X.shape[1])
        size = spread if self.free else np.sqrt(np.mean(X**2, axis=0))
        self.scale = (1.0 / np.where(size > 0, size, 1.0)).astype(self.dtype).astype(float)
        self.l2 = np.append(l2 * self.scale**2, 0.0)

    def point(self, coef, intercept):
        return np.column_stack([coef / self.scale, intercept + coef @ self.centre])

    def weights(self, u):
        coef = u[:, :-1] * self.scale
        return coef, u[:, -1] - coef @ self.centre

    def __call__(self, u):
        """(value, gradient (k, d + 1), Hessian of its ravelled entries): one pass."""
        loss, gradient, H = self.reduce(Curvature(u[:, :-1], u[:, -1], self.centre, self.scale, self.dtype))
        if not np.isfinite(H).all():
            raise ValueError("sums of squares of X are beyond its dtype: scale its columns first")
        k, p = u.shape
        gradient, H = gradient / self.n + self.l2 * u, (H / self.n).reshape(k * p, k * p)
        H[np.diag_indices(k * p)] += np.tile(self.l2, k)
        H = H.reshape(k, p, k, p)
        if not self.free:
            gradient[:, -1] = 0.0
            H[:, -1], H[:, :, :, -1] = 0.0, 0.0
            H[range(k), -1, range(k), -1] = 1.0
        elif k > 1:
            H[:, -1, :, -1] += 1.0 / k**2  # what all intercepts have in common changes nothing
        return loss / self.n + 0.5 * np.sum(self.l2 * u**2), gradient, H.reshape(k * p, k * p)

    def norm(self, gradient):
        return float(max(np.abs(gradient[:, :-1] / self.scale).max(initial=0.0), np.abs(gradient[:, -1]).max()))


def fit_logistic(model, table, reduce):
    """From the optimum of a sample in memory by Newton's steps over the whole table: three reads as a rule."""
    refuse_settings(model, table)
    classes, d = table.labels.classes, table.parts.n_features
    sample = table.sample(table.sample_rows())
    if len(sample[0]) == table.n_rows:
        return fit_whole(model, classes, sample)
    warn_of_settings(model)
    take_factors(model, table, reduce)
    n = total_weight(table, reduce)
    model.classes_, k = classes, 1 if len(classes) == 2 else len(classes)
    objective, begun = InParts(model, reduce, sample[0], n, k), from_sample(model, sample, n, table.checks.factors)
    u = np.zeros((k, d + 1)) if begun is None else objective.point(*begun)
    del sample
    steps = newton(u, model.tol, model.max_iter, objective.dtype == np.float32)
    [(solution, gradient)] = side_by_side([steps], lambda asked: {0: objective(asked[0])})
    coef, intercept = objective.weights(solution.u)
    if k > 1:
        intercept = intercept - intercept.mean()
    model.solver_ = "newton-cholesky"
    if not model.fit_intercept:
        intercept = np.zeros(k)
    return model._keep(np.empty((0, d), objective.dtype), coef, intercept, solution, objective.norm(gradient))


def fit_whole(model, classes, sample):
    """The fit in memory, of a table that a sample holds."""
    X, codes, weight = sample
    return model.fit(X, classes[codes], sample_weight=weight)


class ClassTotals:
    """The reduction of what the rows of each class weigh."""

    def __init__(self, k):
        self.k = k

    def partial(self, rows):
        return np.bincount(rows.y, rows.weight, self.k).astype(float)

    def merge(self, first, second):
        return first + second


def take_factors(model, table, reduce):
    """class_weight as factors of the weights of rows, in all passes to come."""
    if model.class_weight is None:
        return
    k = len(table.labels.classes)
    totals = reduce(ClassTotals(k)) if table.parts.has_weight else table.labels.counts
    table.checks.factors = class_factors(model.class_weight, table.labels.classes, np.arange(k), totals)
    if not (table.checks.factors * totals).any():
        raise ValueError("class_weight is 0 for every sample: at least one must count")


def refuse_one_class(model, table):
    who, first = type(model).__name__, table.labels.classes.tolist()[0]
    if len(table.labels.classes) < 2:
        raise ValueError(f"y has one class only, {first!r}, and {who} tells at least 2 apart")


def refuse_many(model, table, unknowns):
    who, k, d = type(model).__name__, len(table.labels.classes), table.parts.n_features
    raise ValueError(
        f"{who} of {k} classes and {d} columns has {unknowns} weights, and of a table in parts it finds up to"
        f" {MOST_UNKNOWNS}: choose fewer columns, or take fastml.scale.partial_fit of SGDClassifier"
    )


def refuse_settings(model, table):
    who, k = type(model).__name__, len(table.labels.classes)
    refuse_one_class(model, table)
    check_solver(model)
    if model.solver in ("gd", "sgd", "liblinear") or model._penalties(table.n_rows)[0]:
        raise ValueError(
            f"{who} of a table in parts goes to the optimum with an l2 penalty or none, by Newton's steps: l1_ratio,"
            " solver='gd', 'sgd' and 'liblinear' are for tables in memory; or take fastml.scale.partial_fit of"
            " SGDClassifier"
        )
    unknowns = (table.parts.n_features + 1) * (1 if k == 2 else k)
    if unknowns > MOST_UNKNOWNS:
        refuse_many(model, table, unknowns)


def from_sample(model, sample, n, factors=None):
    """(coef, intercept) at the optimum of some of the rows, of weight n in all; None where they lack a class.

    factors (n_classes,): of the weights
    """
    X, codes, weight = sample
    if factors is not None:
        weight = factors[codes] if weight is None else factors[codes] * weight
    held = np.bincount(codes, weight)
    if not held.all():
        return None
    rough = clone(model).set_params(class_weight=None)
    if hasattr(model, "warm_start"):
        rough.set_params(warm_start=False)
    if rough.random_state is None:
        rough.set_params(random_state=0)  # or no two fits would begin at one point
    if np.isfinite(model.C):
        rough.set_params(C=model.C * (n / held.sum()))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", FutureWarning)  # of settings: told once
        rough.fit(X, codes, sample_weight=weight)
    return rough.coef_.astype(float), rough.intercept_.astype(float)


def newton(u, tol, max_iter, single):
    """Full steps, halved where the value rises; returns (Solution, gradient at its end).

    A generator, so that several problems share passes: it yields points, and is sent value, gradient and Hessian there.
    single: whether the rows are float32
    """
    close = solvers.CLOSE_SINGLES if single else solvers.CLOSE
    value, gradient, H = yield u
    history = [value]
    for iteration in range(max_iter):
        step = solvers.regular_factor(H)(gradient.ravel())
        gain = float(step @ gradient.ravel())
        if np.abs(gradient).max() <= tol and gain <= close * abs(value):
            u = u - step.reshape(u.shape)  # the last step costs no pass; the gradient is that before it
            return solvers.Solution(u, value, iteration + 1, True, history), gradient
        t, seen = 1.0, (1e-9 if single else 1e-16) * abs(value)
        while True:
            at = u - t * step.reshape(u.shape)
            found = yield at
            if found[0] <= value - 1e-4 * t * gain or t * gain <= seen:
                break
            t /= 2
        if found[0] > value:  # rounding hides what is left
            return solvers.Solution(u, value, iteration, bool(np.abs(gradient).max() <= tol), history), gradient
        u, (value, gradient, H) = at, found
        history.append(value)
    return solvers.Solution(u, value, max_iter, bool(np.abs(gradient).max() <= tol), history), gradient


def side_by_side(problems, evaluate):
    """What generators such as `newton` return; evaluate({number: point}) answers all that still ask, in one pass."""
    asked = {number: next(problem) for number, problem in enumerate(problems)}
    ended = {}
    while asked:
        answers = evaluate(asked)
        for number, answer in answers.items():
            try:
                asked[number] = problems[number].send(answer)
            except StopIteration as end:
                del asked[number]
                ended[number] = end.value
    return [ended[number] for number in range(len(problems))]


class Margins:
    """The reduction of LinearSVC: squared hinge loss, gradient and Hessian of some classes, each against the rest."""

    def __init__(self, points, positive, scale, dtype):
        self.points, self.positive, self.scale, self.dtype = points, positive, scale.astype(dtype), dtype

    def partial(self, rows):
        Z, d, found = rows.X * self.scale, rows.X.shape[1], []
        zero, one, curvature = np.zeros(d), np.ones(d), np.empty((len(rows.X), 1))
        for u, positive in zip(self.points, self.positive, strict=True):
            y = np.where(rows.y == positive, 1.0, -1.0)
            at = u[:, :-1], u[:, -1].astype(self.dtype), curvature
            loss, gradient = kernels.evaluate(LOSSES["squared_hinge"], Z, y, weights_of_rows(rows), *at, 1)
            found.append((loss, gradient, kernels.gram(Z, curvature[:, 0], zero, one, 1)))
        return found

    def merge(self, first, second):
        return [tuple(a + b for a, b in zip(*pair, strict=True)) for pair in zip(first, second, strict=True)]


def fit_margins(model, table, reduce):
    """LinearSVC by Newton's steps, a pass for all classes that are not there yet; it begins at a sample's optimum."""
    refuse_margins(model, table)
    classes, d = table.labels.classes, table.parts.n_features
    sample = table.sample(table.sample_rows())
    if len(sample[0]) == table.n_rows:
        return fit_whole(model, classes, sample)
    X, n = sample[0], total_weight(table, reduce)
    model.classes_, dtype, free = classes, X.dtype, model.fit_intercept
    size = np.sqrt(np.mean(X.astype(float) ** 2, axis=0))
    scale = (1.0 / np.where(size > 0, size, 1.0)).astype(dtype).astype(float)
    l2 = np.append(scale**2, 1.0 / model.intercept_scaling**2) / (model.C * n)
    positive = [1] if len(classes) == 2 else list(range(len(classes)))
    begun = from_sample(model, sample, n)
    start = np.zeros((len(positive), d + 1)) if begun is None else np.column_stack([begun[0] / scale, begun[1]])
    del X, sample

    def evaluate(asked):
        reduction = Margins(list(asked.values()), [positive[number] for number in asked], scale, dtype)
        return {number: mean_of(*sums, asked[number]) for number, sums in zip(asked, reduce(reduction), strict=True)}

    def mean_of(loss, gradient, H, u):
        if not np.isfinite(H).all():
            raise ValueError("sums of squares of X are beyond its dtype: scale its columns first")
        gradient, H = gradient / n + l2 * u, H / n + np.diag(l2)
        if not free:
            gradient[:, -1], H[-1], H[:, -1] = 0.0, 0.0, 0.0
            H[-1, -1] = 1.0
        return loss / n + 0.5 * np.sum(l2 * u**2), gradient, H

    problems = [newton(u[None], model.tol, model.max_iter, dtype == np.float32) for u in start]
    found = [solution for solution, _ in side_by_side(problems, evaluate)]
    u = np.concatenate([solution.u for solution in found])
    model.solver_, model.n_iter_ = "newton", max(solution.n_iter for solution in found)
    return model._keep(dtype, u[:, :-1] * scale, u[:, -1], all(solution.converged for solution in found))


def refuse_margins(model, table):
    refuse_one_class(model, table)
    if (model.penalty, model.loss, model.multi_class) != ("l2", "squared_hinge", "ovr") or (
        model.solver not in ("auto", "newton") or model.dual is True or model.class_weight is not None
    ):
        raise ValueError(
            "LinearSVC of a table in parts goes to the optimum of the squared hinge with an l2 penalty, by Newton's"
            " steps: penalty='l1', loss='hinge', multi_class='crammer_singer', dual=True, class_weight and other"
            " solvers are for tables in memory; or take fastml.scale.partial_fit of SGDClassifier"
        )
    if table.parts.n_features + 1 > MOST_UNKNOWNS:
        refuse_many(model, table, table.parts.n_features + 1)
