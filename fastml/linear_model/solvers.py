"""Solvers that go to the optimum of an `Objective`: Newton's method, conjugate gradients, gradient descent."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import scipy.linalg
import scipy.sparse as sp

from fastml.linear_model.objective import FEW_COLUMNS
from fastml_ext import linear as kernels

__all__ = [
    "FEW_COLUMNS",
    "Solution",
    "conjugate_newton",
    "gradient_descent",
    "newton",
    "newton_is_quicker",
    "newton_pays",
    "proximal",
    "proximal_newton",
]

SMALLEST_STEP = 1e-10
FAR_BELOW = 1e-2
ENOUGH = 20  # iterations: with a max_iter below it, the solver asked for runs and is seen to stop
MANY_ROWS, SHARE = 3_000, 8  # from so many rows on, the first iterations see every eighth only
ROUNDING = 1e-16  # relative to the value: no gain smaller than this can be seen
ROUNDING_OF_SINGLES = 1e-9
HIDDEN = 1e3  # times the least gain that shows: so much rounding may hide from a line search
NEARLY = 0.9  # of its threshold: a gradient so large may pass it in the next step
FIRST = 16  # weights that may leave 0 in one step, or more by the size of the table
REFRESH = 0.1  # of the gain promised before: a Hessian that leads on by less than this is made anew
UNKNOWNS = 120  # weights whose Hessian costs less than the steps it saves
CLOSE, CLOSE_SINGLES, ROUGHLY = 1e-9, 1e-7, 1e-4  # Newton's own estimate of what is left to gain, relative to the value


@dataclass
class Solution:
    """Where a solver ended."""

    u: np.ndarray
    value: float
    n_iter: int
    converged: bool
    history: list = field(default_factory=list)  # objective after each iteration
    gradient: np.ndarray | None = None  # at u, where the solver looked there last
    factor: Callable | None = None  # right -> H^-1 right for the last Hessian made
    memory: object = None  # of the last steps of L-BFGS


def newton(objective, u, tol, max_iter, warm=False, close=None):
    """Newton's method with Cholesky factors and halved steps; first on some of the rows, where there are many.

    One score, or several where the objective is small. warm: u is near the optimum
    """
    before, fresh = 0, False
    close = close or (CLOSE if objective.X.dtype == np.float64 else CLOSE_SINGLES)
    if objective.is_small():
        Z, weight, l2 = objective.table()
        start = u.reshape(objective.k, -1)
        U, history, done = kernels.newton_steps(objective.code, Z, objective.Y, weight, l2, tol, max_iter, start)
        return Solution(U.ravel(), history[-1], len(history) - 1, done, history.tolist())
    factor = None
    if not warm and objective.n >= MANY_ROWS and objective.n >= 100 * objective.d and max_iter >= ENOUGH:
        rough = newton(objective.some_rows(SHARE), u, 1e-2, max_iter, close=ROUGHLY)
        u, before, factor = rough.u, rough.n_iter, rough.factor
    value, gradient = objective(u)
    history, last = [value], np.inf
    for iteration in range(before, max_iter):
        if factor is None:
            factor, fresh = regular_factor(objective.hessian()), True
        step = factor(gradient)
        gain = gradient @ step
        if (np.abs(gradient).max() <= tol and gain <= close * abs(value)) or gain <= seen(objective, value):
            return Solution(u, value, iteration, True, history, gradient, factor)
        if gain > REFRESH * last and gain > 1e-5 * abs(value) and not fresh:  # an older Hessian leads on by too little
            factor, fresh = regular_factor(objective.hessian()), True
            step = factor(gradient)
            gain = gradient @ step
        u, value, gradient, moved = search(objective, u, step, value, gradient, gain)
        history.append(value)
        if not moved:
            if not fresh:
                factor = None
                continue
            done = np.abs(gradient).max() <= 100 * tol or gain <= HIDDEN * seen(objective, value)
            return Solution(u, value, iteration + 1, bool(done), history, None, factor)
        if gain <= CLOSE**0.5 * max(abs(value), 1e-300) and np.abs(gradient).max() <= 1e-3 * tol:
            return Solution(u, value, iteration + 1, True, history, gradient, factor)
        last, fresh = gain, False
    return Solution(u, value, max_iter, bool(np.abs(gradient).max() <= tol), history, None, factor)


def newton_is_quicker(n, d, k):
    """Whether its usual eight steps on a small table take less time than fifteen of L-BFGS; in ns."""
    p, size = d + 1, k * (d + 1)
    newton = 8.0 * (0.04 * size**3 + n * (0.06 * size**2 + 40.0 * k))
    return newton <= 550e3 + 15.0 * n * k * (20.0 + 0.15 * p)


def newton_pays(X, k):
    """Whether second derivatives of several classes, made of some of the rows, cost less than the steps they save."""
    n, d = X.shape
    return not sp.issparse(X) and k > 1 and k * (d + 1) <= UNKNOWNS and n >= 20 * k * d


def regular_factor(H):
    """right -> H^-1 right by Cholesky factors; where H is singular, as little as makes it regular is added."""
    extra, size = 0.0, max(np.trace(H) / len(H), 1e-300)
    for _ in range(12):
        try:
            made = scipy.linalg.cho_factor(H + extra * np.eye(len(H)), lower=True, check_finite=False)
            return lambda right: scipy.linalg.cho_solve(made, right, check_finite=False)
        except scipy.linalg.LinAlgError:
            extra = max(10 * extra, 1e-12 * size)
    return lambda right: right / size


def seen(objective, value):
    """The least gain that rounding lets a value show: the scores are added up in the dtype of X."""
    return (ROUNDING if objective.X.dtype == np.float64 else ROUNDING_OF_SINGLES) * abs(value)


def search(objective, u, step, value, gradient, gain):
    """Along -step, halved until the value falls by a ten-thousandth of what the slope promises.

    Where it promises less than can be seen there is nothing left to search for.
    """
    t, least = 1.0, seen(objective, value)
    while t > SMALLEST_STEP and t * gain > least:
        new_value, new_gradient = objective(u - t * step)
        if new_value <= value - 1e-4 * t * gain:
            return u - t * step, new_value, new_gradient, True
        t /= 2
    objective(u)  # the curvature kept is that of the point
    return u, value, gradient, False


def conjugate_newton(objective, u, tol, max_iter):
    """Newton's method whose systems are solved by conjugate gradients, no better than they need be (Nash 2000)."""
    value, gradient = objective(u)
    history = [value]
    for iteration in range(max_iter):
        if reached(objective, gradient, tol):
            return Solution(u, value, iteration, True, history)
        step = conjugate_gradients(objective.product, gradient, min(0.25, np.sqrt(np.linalg.norm(gradient))))
        gain = gradient @ step
        if gain <= seen(objective, value):
            return Solution(u, value, iteration, True, history, gradient)
        u, value, gradient, moved = search(objective, u, step, value, gradient, gain)
        history.append(value)
        if not moved:
            done = np.abs(gradient).max() <= 100 * tol or gain <= HIDDEN * seen(objective, value)
            return Solution(u, value, iteration + 1, bool(done), history)
    return Solution(u, value, max_iter, reached(objective, gradient, tol), history)


def reached(objective, gradient, tol):
    """Converged, by the gradient in u and by that in the units of X; `objective` was last evaluated at this u.

    On columns so large that rounding keeps the second above tol, a gradient in u far below it is enough.
    """
    size = np.abs(gradient).max()
    return bool(max(size, objective.gradient_norm) <= tol or size <= FAR_BELOW * tol)


def conjugate_gradients(product, b, precision, most=200):
    """x with product(x) = b to a relative precision (Hestenes, Stiefel 1952); stops where curvature vanishes."""
    x, r = np.zeros_like(b), b.copy()
    p, rr = r.copy(), r @ r
    target = (precision**2) * rr
    for _ in range(most):
        Hp = product(p)
        curve = p @ Hp
        if curve <= 1e-16 * (p @ p):
            return x if x.any() else b
        x += rr / curve * p
        r -= rr / curve * Hp
        before, rr = rr, r @ r
        if rr <= target:
            break
        p = r + rr / before * p
    return x


def gradient_descent(objective, u, tol, max_iter, eta=None):
    """u -= eta * gradient; (solution, eta). eta=None is 1 / the largest curvature; halved if it diverges."""
    with np.errstate(invalid="ignore"):
        value, gradient = objective(u)
    if not np.isfinite(value):
        raise ValueError("the sum of the squares of y overflows at weights of 0: divide y, or the columns of X, first")
    if eta is None:
        eta = 1.0 / largest_curvature(objective, u)
    start, history = u, [value]
    for iteration in range(max_iter):
        if np.abs(gradient).max() <= tol:
            return Solution(u, value, iteration, True, history), eta
        u = u - eta * gradient
        value, gradient = objective(u)
        if not np.isfinite(value) or value > 1e6 * max(history[0], 1e-300):
            u, eta, history = start, eta / 2, history[:1]
            value, gradient = objective(u)
            continue
        history.append(value)
    return Solution(u, value, max_iter, bool(np.abs(gradient).max() <= tol), history), eta


def largest_curvature(objective, u):
    v = np.random.default_rng(0).normal(size=len(u))
    size = 1.0
    for _ in range(20):
        with np.errstate(over="ignore", invalid="ignore"):
            Hv = objective.product(v / np.linalg.norm(v))
            size = np.linalg.norm(Hv)
        if not np.isfinite(size):
            raise ValueError("the squares of the values of X overflow: divide the columns of X first, or give eta0")
        if size == 0:
            return 1.0
        v = Hv
    return 1.2 * size


def proximal(objective, u, l1, tol, max_iter):
    """Accelerated proximal gradient steps for l1 |w|_1, restarted where they turn back (Beck, Teboulle 2009).

    l1 (k (d + 1),): threshold of each entry of u. A step is accepted once the quadratic with its curvature lies above.
    """
    value, gradient = objective(u, curvature=False)
    L, t, ahead, ahead_value, ahead_gradient = 1.0, 1.0, u, value, gradient
    history = [value + np.sum(l1 * np.abs(u))]
    for iteration in range(max_iter):
        while True:
            new = shrink(ahead - ahead_gradient / L, l1 / L)
            step = new - ahead
            new_value, new_gradient = objective(new, curvature=False)
            if new_value <= ahead_value + ahead_gradient @ step + 0.5 * L * (step @ step) + 1e-13 * abs(value):
                break
            L *= 2
        history.append(new_value + np.sum(l1 * np.abs(new)))
        violation = subgradient(new, new_gradient, l1)
        stuck = len(history) > 50 and history[-50] - history[-1] <= 10 * ROUNDING * abs(history[-1])
        if violation <= tol or stuck:
            return Solution(new, history[-1], iteration + 1, violation <= tol, history)
        restart = (ahead - new) @ (new - u) > 0
        before, t = (1.0, 1.0) if restart else (t, (1 + np.sqrt(1 + 4 * t * t)) / 2)
        ahead = new if restart else new + (before - 1) / t * (new - u)
        u, L = new, L * 0.9
        ahead_value, ahead_gradient = (new_value, new_gradient) if restart else objective(ahead, curvature=False)
    return Solution(u, history[-1], max_iter, False, history)


def proximal_newton(objective, u, l1, tol, max_iter):
    """Newton's quadratic and the l1 penalty, minimised coordinate by coordinate (Friedman et al. 2010); one score."""
    value, gradient = objective(u)
    total = value + np.sum(l1 * np.abs(u))
    history = [total]
    for iteration in range(max_iter):
        violation = subgradient(u, gradient, l1)
        if violation <= tol:
            return Solution(u, total, iteration, True, history)
        target = lasso_step(objective, u, gradient, l1, 0.01 * min(violation, 1.0))
        step, t = target - u, 1.0
        promised = gradient @ step + np.sum(l1 * (np.abs(target) - np.abs(u)))
        if -promised <= ROUNDING * abs(total):
            return Solution(u, total, iteration, True, history)
        hidden = -promised <= HIDDEN * ROUNDING * abs(total)
        while t > SMALLEST_STEP:
            new_value, new_gradient = objective(u + t * step)
            new_total = new_value + np.sum(l1 * np.abs(u + t * step))
            if new_total <= total + 1e-4 * t * promised:
                break
            t /= 2
        else:
            objective(u)
            return Solution(u, total, iteration + 1, bool(violation <= 100 * tol or hidden), history)
        shows = new_total < total
        u, total, gradient = u + t * step, new_total, new_gradient
        history.append(total)
        if hidden and not shows:
            return Solution(u, total, iteration + 1, True, history)
    return Solution(u, total, max_iter, bool(subgradient(u, gradient, l1) <= tol), history)


def lasso_step(objective, u, gradient, l1, tol):
    """Where the quadratic at u with the l1 penalty is least, among weights that are not 0 or would not stay there.

    Most columns have neither: their curvature is not taken. Those just below their threshold count with the others,
    for the step moves the gradient. Where many would leave 0, those that would most are first.
    """
    above = np.abs(gradient[:-1]) - NEARLY * l1[:-1]
    above[u[:-1] != 0] = np.inf
    most = max(FIRST, min(objective.n, objective.d) // 2, 2 * np.count_nonzero(u[:-1]))
    at = np.flatnonzero(above > 0)
    if not len(at):
        at = np.array([above.argmax()])  # kernels take tables of one column or more
    if len(at) > most:
        at = np.sort(np.argpartition(above, -most)[-most:])
    if len(at) > 0.8 * objective.d:  # a part would not be less work
        return kernels.quadratic_lasso(objective.own_hessian(0), gradient, u, l1, tol, 1000)
    both = np.append(at, objective.d)
    target = u.copy()
    target[both] = kernels.quadratic_lasso(objective.hessian_of(at), gradient[both], u[both], l1[both], tol, 1000)
    return target


def shrink(u, threshold):
    return np.sign(u) * np.maximum(np.abs(u) - threshold, 0.0)


def subgradient(u, gradient, l1):
    """Largest violation of optimality of value + l1 |u|_1."""
    return float(np.max(np.where(u != 0, np.abs(gradient + l1 * np.sign(u)), np.maximum(np.abs(gradient) - l1, 0.0))))
