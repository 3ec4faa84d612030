"""L-BFGS that starts from second derivatives once they pay: on most tables it has ended before.

Once as much time has gone into passes over the rows as the second derivatives of each class take, they are made where
the search stands, and again after twice as much time, and so on: new ones forget the steps that lie behind.
"""

import numpy as np
import scipy.sparse as sp
from scipy.linalg.lapack import dpotrf, dpotri

from fastml.linear_model import solvers
from fastml.linear_model.objective import FEW_COLUMNS
from fastml_ext import linear as kernels

__all__ = ["lbfgs"]

PAIRS = 10  # last steps that are remembered
# The gain that the solver expects, beside the value, and the largest entry of the gradient, over tol: at the end one
# of these. Where classes part, gradients are small early; elsewhere other solvers leave little to gain at tol itself.
ENOUGH = (1.0, 0.01), (0.001, 0.25), (0.00001, 1.0)
ROUGHLY = 1e-3  # tol of some of the rows
LOOK, TRUST = 24, 1.5  # iterations of those, and how many times their value all rows may have there
TABLE, SPARSE_TABLE = 10_000_000, 200_000  # products: up to here a dense copy of scaled columns is the quickest
MOST_NUMBERS = 4_000_000  # in the matrices of all classes
FEWEST = 12  # passes before the first matrices
PRODUCT, SQUARE, CUBE = 0.03, 30.0, 0.08  # ns for each product of a matrix, and for an inverse by powers of its size
AT_ONCE = 2**17  # numbers of the table that are weighted for such products


def lbfgs(objective, u, tol, max_iter, warm=False, told=None, passes=None, memory=None):
    """From u on, to `tol` in scaled columns and in those of X, and until the solver expects little of its next step.

    Where there are many rows, some of them tell about where the optimum is. warm: u is near it

    told: called with u after each iteration | passes: what `passes_of` gave | memory: of steps before
    """
    passes, diagonal, inverse = passes or passes_of(objective), objective.diagonal(), None
    value, gradient = passes(u)
    if not warm and worth_a_look(objective) and max_iter >= LOOK:
        rough = a_look(objective.some_rows(solvers.SHARE), u)
        there = passes(rough.u)
        if there[0] < min(value, TRUST * rough.value):  # they tell nothing where a few rows happen to part
            u, (value, gradient), inverse = rough.u, there, rough.factor
        else:
            value, gradient = passes(u)
    memory = Memory(gradient, diagonal, inverse) if memory is None else memory
    history, wait, waited, gain = [value], passes.wait, 0, np.inf
    while len(history) <= max_iter:
        if waited >= wait:
            memory, wait, waited = Memory(gradient, diagonal, passes.inverse()), 2 * wait, 0
        step = memory.product(gradient)
        gain = float(gradient @ step)
        if len(memory.order) and enough(passes, gradient, 0.5 * gain / max(abs(value), 1e-300), tol):
            break
        if abs(gain) <= passes.rounding * abs(value):
            break
        new, tries = search(passes, u, value, step, gain)
        waited += tries
        if new is None:
            if not len(memory.order):  # rounding hides what is left
                break
            memory = Memory(gradient, diagonal)
            passes(u)
            waited = max(waited, wait if np.isfinite(wait) else 0)
            continue
        memory.add(new[0] - u, new[2] - gradient)
        u, value, gradient = new
        history.append(value)
        if told is not None:
            told(u)
    converged = passes.reached(gradient, tol) or abs(gain) <= solvers.HIDDEN * passes.rounding * abs(value)
    return solvers.Solution(u, value, len(history) - 1, converged, history, gradient, memory=memory)


def passes_of(objective):
    return Table(objective) if fits_table(objective) else Passes(objective)


def a_look(objective, u):
    """About where some of the rows have their optimum, and their second derivatives there."""
    passes = passes_of(objective)
    rough = lbfgs(objective, u, ROUGHLY, LOOK, warm=True, passes=passes)
    rough.factor = passes.inverse() if np.isfinite(passes.wait) else None
    return rough


def worth_a_look(objective):
    n, d = objective.n, objective.d
    return n >= solvers.MANY_ROWS and n >= 100 * d * objective.k and d <= FEW_COLUMNS


def enough(passes, gradient, left, tol):
    """left: what the solver expects to gain, relative to the value."""
    return any(left <= most * tol and passes.reached(gradient, share * tol) for most, share in ENOUGH)


def search(passes, u, value, step, gain):
    """((point, value, gradient), passes made) along -step; None for the first where nothing less is found."""
    t, tries = 1.0, 0
    while gain > 0 and t > solvers.SMALLEST_STEP and t * gain > passes.rounding * abs(value):
        new, tries = u - t * step, tries + 1
        new_value, new_gradient = passes(new)
        if new_value <= value - 1e-4 * t * gain:
            return (new, new_value, new_gradient), tries
        t *= min(0.5, max(0.1, 0.5 * gain * t / (new_value - value + gain * t)))
    return None, tries


class Memory:
    """The last steps, and what stands for second derivatives before them: the first product, times a number."""

    def __init__(self, gradient, diagonal, inverse=None):
        """diagonal: second derivatives along each entry | inverse: q -> H^-1 q, which is better"""
        self.first = inverse or (lambda q: q / diagonal)
        self.order, self.places = [], np.empty(0, np.int64)
        self.steps, self.changes = np.empty((PAIRS, len(gradient))), np.empty((PAIRS, len(gradient)))
        size = np.sqrt(gradient @ gradient)
        self.number = 1.0 if inverse is not None or size == 0 else 1.0 / size

    def strengthen(self, more, inverse):
        """`more` (k (d + 1),) is added to second derivatives along each entry; inverse: of the matrix, or None."""
        self.changes[self.order] += more * self.steps[self.order]
        if inverse is not None:
            self.first, self.number = inverse, 1.0

    def product(self, gradient):
        return kernels.quasi_newton(self.steps, self.changes, self.places, self.start, gradient)

    def start(self, q):
        return self.number * self.first(q)

    def add(self, step, change):
        at, length = self.order.pop(0) if len(self.order) == PAIRS else len(self.order), step @ change
        if length > 0:  # rounding may leave none
            self.steps[at], self.changes[at] = step, change
            self.order.append(at)
            self.number = length / (change @ self.first(change))
        self.places = np.array(self.order, np.int64)


class Passes:
    """The objective by passes over X in several threads."""

    def __init__(self, objective):
        self.objective = objective
        self.rounding = solvers.ROUNDING if objective.X.dtype == np.float64 else solvers.ROUNDING_OF_SINGLES
        stored = objective.X.nnz / objective.n if sp.issparse(objective.X) else objective.d + 1
        a_pass = 20.0 + (3.0 if sp.issparse(objective.X) else 0.2) * stored
        products = stored**2 if sp.issparse(objective.X) else 0.5 * PRODUCT * stored**2
        self.wait, self.inverse_time = wait(objective, a_pass, products), inverse_time(objective, a_pass)
        self.l2 = objective.penalties()

    def strengthen(self, l2):
        """The penalty is `l2` above 0 from now on."""
        self.objective.l2 = l2
        self.l2 = self.objective.penalties()

    def __call__(self, u):
        return self.objective(u)

    def reached(self, gradient, tol):
        return solvers.reached(self.objective, gradient, tol)

    def inverse(self):
        return blocks(self.hessian(c) for c in range(self.objective.k))

    def hessian(self, c):
        return self.objective.own_hessian(c)


class Table:
    """The objective by passes over the dense table of scaled columns and the intercept's ones."""

    rounding = solvers.ROUNDING

    def __init__(self, objective):
        self.objective = objective
        self.Z, self.weight, self.l2 = objective.table()
        self.scores = np.empty((objective.n, objective.k))
        a_pass = 20.0 + 0.2 * len(self.l2)
        self.wait, self.inverse_time = (
            wait(objective, a_pass, PRODUCT * len(self.l2) ** 2),
            inverse_time(objective, a_pass),
        )

    def strengthen(self, l2):
        """The penalty is `l2` above 0 from now on."""
        self.objective.l2 = l2
        self.l2 = self.objective.penalties()

    def __call__(self, u):
        U = u.reshape(self.objective.k, -1)
        args = self.objective.code, self.Z, self.objective.Y, self.weight, self.l2, U, self.scores
        value, gradient = kernels.table_pass(*args, self.objective.n_jobs)
        return value, gradient.ravel()

    def reached(self, gradient, tol):
        G = gradient.reshape(self.objective.k, -1)
        own = G[:, :-1] / self.objective.scale + G[:, -1:] * self.objective.centre  # in the columns of X
        self.objective.gradient_norm = max(float(np.abs(own).max()), float(np.abs(G[:, -1]).max()))
        return solvers.reached(self.objective, gradient, tol)

    def inverse(self):
        return blocks(self.hessian(c) for c in range(self.objective.k))

    def hessian(self, c):
        h = self.scores[:, c]
        h = h if self.objective.k == 1 else self.weight * h * (1.0 - h)
        root, H = np.sqrt(h)[:, None], np.zeros((len(self.l2),) * 2)
        size = max(64, AT_ONCE // len(H))
        for first in range(0, len(root), size):
            rows = self.Z[first : first + size] * root[first : first + size]
            H += rows.T @ rows  # half of the work where BLAS sees that it is one matrix
        H.flat[:: len(H) + 1] += self.l2
        return H


def fits_table(objective):
    products = objective.n * (objective.d + 1) * objective.k
    return products <= (SPARSE_TABLE if sp.issparse(objective.X) else TABLE)


def wait(objective, a_pass, products):
    """Passes that take as long as the matrices of all classes; a_pass, products: ns for a row, of one class."""
    return max(FEWEST, products / a_pass + inverse_time(objective, a_pass))


def inverse_time(objective, a_pass):
    """Of the inverses of all classes, in passes; infinite for matrices that are too large."""
    n, p, k = objective.n, objective.d + 1, objective.k
    return (SQUARE * p**2 + CUBE * p**3) / (n * a_pass) if p <= FEW_COLUMNS and k * p * p <= MOST_NUMBERS else np.inf


def blocks(hessians):
    """q -> the inverses of positive matrices, times the parts of q."""
    inverses = np.array([inverse(H) for H in hessians])
    k, p = inverses.shape[:2]
    return lambda q: np.matmul(inverses, q.reshape(k, p, 1)).ravel()


def inverse(H):
    """As little is added to the diagonal as makes it regular."""
    diagonal, extra = H.diagonal().copy(), 1e-12 * max(np.trace(H) / len(H), 1e-300)
    for _ in range(8):
        H.flat[:: len(H) + 1] = diagonal + extra
        factor, singular = dpotrf(H.T, lower=1, clean=0)
        if not singular:
            half = dpotri(factor, lower=1)[0]
            return np.tril(half) + np.tril(half, -1).T
        extra *= 30.0
    return np.eye(len(H)) * (len(H) / max(diagonal.sum(), 1e-300))
