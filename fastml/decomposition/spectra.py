"""Spectra of tables: products of the columns from one pass, and the leading directions from these or from the rows."""

import threading

import numpy as np
import scipy.linalg
from sklearn.utils import check_random_state

from fastml_ext import linear as kernels

__all__ = [
    "Projection",
    "centred_products",
    "flipped",
    "normal_numbers",
    "principal",
    "projection_of",
    "randomised",
    "singular",
]

EACH = np.empty(0)  # weights of one each
SMALL = 20_000  # values, up to which a copy costs less than handing over
FAR = 1e5  # squared mean over variance, from which on the products are taken again round the mean
FEW = 5000  # values, up to which what SciPy's functions look at first costs more than left vectors that nobody needs
GESDD = {"d": scipy.linalg.lapack.dgesdd, "f": scipy.linalg.lapack.sgesdd}
BLOCK = 2**15  # numbers of a column that are in the cache
ROW_BY_ROW = 2000  # columns times directions, up to which each row is projected by itself

_own = threading.local()


class Projection:
    """X @ directions' + intercept; where it is small, a row alone has the bits that it has among others."""

    def __init__(self, directions, intercept, dtype):
        self.directions = np.ascontiguousarray(directions, dtype)
        self.intercept = np.ascontiguousarray(intercept, dtype)

    def __call__(self, X):
        if 0 < self.directions.size <= ROW_BY_ROW:
            return kernels.row_scores(X, self.directions, self.intercept)
        return X @ self.directions.T + self.intercept


def projection_of(model):
    """That of a fitted model on its principal components."""
    directions = model.components_.astype(np.float64)
    if model.whiten:
        least = np.finfo(model.explained_variance_.dtype).eps
        directions /= np.maximum(np.sqrt(model.explained_variance_), least)[:, None]
    return Projection(directions, -(directions @ model.mean_), model._dtype)


def centred_products(X):
    """(mean (d,), products (d, d) of the columns round their means), float64."""
    n, d = X.shape
    if d == 1:
        return of_one_column(X[:, 0])
    if X.size <= SMALL:
        mean = np.add.reduce(X, axis=0, dtype=np.float64) / n  # X.mean takes twice as long
        Z = X - mean
        return mean, Z.T @ Z
    nothing = np.empty((n, 0)), EACH, np.zeros(d), np.empty(0)
    total = kernels.moments(X, *nothing)
    mean, products = total[d, :d] / n, total[:d, :d]
    products -= n * np.multiply.outer(mean, mean)
    if (n * mean**2 > FAR * products.diagonal()).any():  # too much has cancelled
        shift = mean.astype(X.dtype).astype(np.float64)
        total = kernels.moments(X, nothing[0], EACH, shift, np.empty(0))
        moved = total[d, :d] / n
        mean, products = shift + moved, total[:d, :d] - n * np.multiply.outer(moved, moved)
    return mean, products


def of_one_column(x):
    """`centred_products` of a column x (n,)."""
    mean, total = x.mean(dtype=np.float64), 0.0
    for start in range(0, len(x), BLOCK):
        z = x[start : start + BLOCK] - mean
        total += z @ z
    return np.array([mean]), np.array([[total]])


def normal_numbers(random_state, shape):
    """What scikit-learn's check_random_state(random_state).normal(size=shape) draws.

    Each thread keeps a generator for seeds, for a new one asks the system for random bits before it is seeded: 60 us.
    """
    if type(random_state) is not int:
        return check_random_state(random_state).normal(size=shape)
    random = getattr(_own, "random", None)
    if random is None:
        random = _own.random = np.random.RandomState(random_state)
    else:
        random.seed(random_state)
    return random.normal(size=shape)


def principal(products, dtype):
    """(values descending, vectors in rows) of symmetric products; values below 0 are 0."""
    products = np.asarray(products, dtype)
    solve = scipy.linalg.lapack.dsyevd if dtype == np.float64 else scipy.linalg.lapack.ssyevd
    values, vectors, failed = solve(products.T, lower=1, overwrite_a=1)
    if failed:
        raise np.linalg.LinAlgError(f"syevd found no eigenvalues: {failed}")
    return np.maximum(values[::-1], 0), vectors.T[::-1]


def singular(Z):
    """(singular values, right vectors in rows) of Z (n, d), which is written over; the left vectors are not made."""
    n, d = Z.shape
    if Z.size <= FEW:
        values, vectors, failed = GESDD[Z.dtype.char](Z, full_matrices=0, overwrite_a=1)[1:]
        if failed:
            raise np.linalg.LinAlgError(f"gesdd found no singular values: {failed}")
        return values, vectors
    if n >= d:
        (triangle,) = scipy.linalg.qr(Z, overwrite_a=True, mode="r", check_finite=False)
        _, values, vectors = scipy.linalg.svd(triangle[:d], full_matrices=False, check_finite=False, overwrite_a=True)
        return values, vectors
    q, r = scipy.linalg.qr(Z.T, overwrite_a=True, mode="economic", check_finite=False)
    _, values, vectors = scipy.linalg.svd(r.T, full_matrices=False, check_finite=False, overwrite_a=True)
    return values, vectors @ q.T


def randomised(Z, products, start, rounds, normaliser):
    """(singular values, right vectors in rows), as many as `start` has columns, by Halko's subspace iteration.

    Z (n, d) | products: Z'Z if n >= d, else ZZ' | start (min(n, d), k): random numbers | rounds: of the iteration
    Both products of a round are one with the small matrix: far fewer operations, and the same space.
    """
    tall = len(Z) >= Z.shape[1]
    space = start
    for _ in range(rounds):
        space = normaliser(products @ space)
    image = Z @ space if tall else Z.T @ space
    basis, _ = scipy.linalg.qr(image, mode="economic", check_finite=False, overwrite_a=True)
    small = basis.T @ Z if tall else (Z @ basis).T
    left, values, right = scipy.linalg.svd(small, full_matrices=False, check_finite=False, overwrite_a=True)
    return values, right if tall else (basis @ left).T


def normaliser_of(name, rounds):
    """What keeps the columns of a subspace iteration apart."""
    if name == "none" or (name == "auto" and rounds <= 2):
        return lambda space: space
    if name == "QR":
        return lambda space: scipy.linalg.qr(space, mode="economic", check_finite=False)[0]
    return lambda space: scipy.linalg.lu(space, permute_l=True, check_finite=False)[0]


def flipped(vectors):
    """The rows with such a sign that the entry that is largest without it is above 0, as scikit-learn's svd_flip."""
    places = np.abs(vectors).argmax(axis=1)
    turned = vectors[np.arange(len(vectors)), places] < 0
    return np.where(turned[:, None], -vectors, vectors)
