"""What the bound-filtered search reads of the points: a few coordinates of each, rotated and rounded to float32.

Write x for a point after it was centred and scaled, by a power of two, into the unit ball; y for a query; V for m
orthonormal columns; z = V'x for the coordinates kept and r = |x - VV'x| for the length of what they leave out. Then

    |x - y|^2  >=  |z_x - z_y|^2 + (r_x - r_y)^2                                                                  (1)

by Pythagoras and the triangle inequality. r is one more coordinate, and because |z|^2 + r^2 = |x|^2 the right side is
N_x + N_y - 2 (z_x z_y + r_x r_y) with N = |x|^2. So a pair at a squared distance of T or less has

    score(x, y) = z_x z_y + r_x r_y - N_x / 2  >=  (N_y - T) / 2                                                  (2)

and the left side is one product of m + 2 columns. It is computed in float32. What rounding can do to it, with u and v
for the units of float32 and float64 and gamma(j) = ju / (1 - ju):

  - V is orthonormal up to delta, the Frobenius norm of V'V - 1, which is measured. It lengthens z by sqrt(1 + delta).
  - z is computed in float64, so it is off by at most gamma64(d) sqrt(m) |x|, and by u |x| once rounded to float32. r is
    the root of |x|^2 - |z|^2, which is off by rho |x|^2 with rho = 2 delta + 4 gamma64(d + 2) sqrt(m), and
    |sqrt(a) - sqrt(b)| <= sqrt(|a - b|): r is off by (sqrt(rho) + u) |x|. Together, (z, r) is off by eta |x| with
    eta = 2u + 2 sqrt(rho), or 2u where no column is left out.
  - So the right side of (1), of the numbers as stored, is at most |x - y|^2 + kappa (|x| + |y|)^2 with
    kappa = delta + 2.1 eta + eta^2, because |x - y| <= |x| + |y|; and (|x| + |y|)^2 <= 2 N_x + 2 N_y.
  - Summing j products in float32, in any order, is off by gamma(j) times the sum of their sizes, at most
    1.5 N_x + N_y over both stages. The two stages see |z|^2 + r^2 of different m, apart by 4 eta N.

`slack` = 1.02 (kappa + 4 eta + 2 gamma(j)) covers all of it: slack N_x is put into the column of -N_x / 2 and slack N_y
is taken off the threshold, so that (2) holds for the computed score. Products that underflow add TINY.

Where no column is left out, (1) is an equation, and the same errors bound the score from below: a point with a score
of s is at a squared distance of at most N_y - 2 s + slack (2 N_y + 4 N_x), and the rounding of N_x / 2, which is less
than slack N_x. So k scores of at least s say how far away the k-th neighbour can be.

The second stage adds further columns to the score of the first and replaces its r: the same bound with a larger m.
"""

import functools
from typing import NamedTuple

import numpy as np
import scipy.linalg

from fastml_ext import blas, pool

__all__ = [
    "Axes",
    "PointPanels",
    "QueryPanels",
    "lay_out_points",
    "lay_out_queries",
    "make",
    "may_rotate",
    "rounding",
    "sample_size",
]

U, V = 2.0**-24, 2.0**-53  # relative rounding of float32 and of float64
TINY = 1e-35  # more than all products of a score can lose by underflow, and far below the square of any useful distance
STEP = 1536  # rows rotated at a time, a multiple of every panel's width
LEADING = 8  # axes on which blocks of points have boxes
FIRST_TAIL, SECOND_TAIL = 1 / 8, 1 / 32  # share of the variance that may be left out by the first and second stage
FEWEST_COLUMNS, WIDEST_ROTATION = 48, 2048  # that are rotated: finding the axes costs the cube of their number
SAMPLE = 4096  # rows, or four times as many as there are columns, that the axes are found from


class Axes(NamedTuple):
    """The change of coordinates, and what its rounding can do to a score."""

    centre: np.ndarray  # (d,) float64
    scale: float  # a power of two
    rotation: np.ndarray  # (d, second) float64; (d, 0) where the columns are taken as they are
    first: int  # columns of the first stage
    slack: float


class PointPanels(NamedTuple):
    """The points as a search reads them, near ones next to each other."""

    panels: np.ndarray  # (n / w, columns, w) float32: the first stage, w points side by side
    rest: np.ndarray  # (n, further columns) float32: the second stage
    order: np.ndarray  # (n,) int64: which point stands where
    low: np.ndarray  # (n / block, LEADING or 0) float32: the smallest leading coordinates of a block
    high: np.ndarray  # the largest
    block: int  # points in a block
    longest: float  # the largest N


class QueryPanels(NamedTuple):
    """The queries of one search, in the form that fits `PointPanels`."""

    panels: np.ndarray  # (m / h, columns, h) float32
    rest: np.ndarray  # (m, further columns) float32
    order: np.ndarray  # (m,) int64
    norms: np.ndarray  # (m,) float64: N


def make(X, width, rotate=True, n_jobs=None):
    """(Axes, PointPanels) of X (n, d), `width` points to a panel; None where a value overflows or the sum has no bound.

    rotate: whether principal axes may take the place of the columns
    """
    d = X.shape[1]
    centre = mean(X)
    reach = extent(X, centre)
    if not np.isfinite(reach) or d * U > 1e-2:
        return None
    scale = scale_of(reach, d)
    if not 1e-140 < scale < 1e140:
        return None
    with blas.single():  # its threads cost more than they give at these sizes
        rotation, first = principal(X, centre, scale) if rotate and may_rotate(d) else (np.empty((d, 0)), d)
        axes = Axes(centre, scale, rotation, first, slack(rotation, first, d))
        return axes, lay_out_points(X, axes, width, n_jobs)


def mean(X):
    """A centre for X; any is right, the mean is best. Summed by rows so that no copy of X is made."""
    with np.errstate(over="ignore", invalid="ignore"):
        centre = np.zeros(X.shape[1])
        for start in range(0, len(X), STEP):
            centre += X[start : start + STEP].sum(axis=0, dtype=np.float64) / len(X)
    return centre


def extent(X, centre):
    """Largest distance of a coordinate from the centre, by blocks."""
    with np.errstate(over="ignore", invalid="ignore"):
        return max(float(np.abs(X[i : i + STEP] - centre).max()) for i in range(0, len(X), STEP))


def scale_of(reach, d):
    """The power of two that takes coordinates of up to `reach` into a ball of radius 1."""
    return 2.0 ** -float(np.ceil(np.log2(reach * np.sqrt(d)))) if reach > 0 else 1.0


def principal(X, centre, scale):
    """(rotation (d, second), first): the axes that hold most of the variance of a sample, or none if it is spread out.

    The rule: the fewest axes, in steps of 16, that leave out FIRST_TAIL of the variance must be at most a third of all
    columns. Otherwise the columns are taken as they are and nothing is left out.
    """
    n, d = X.shape
    sample = (X[:: max(1, n // sample_size(n, d))] - centre) * scale
    moments = sample.T @ sample
    # Any r eigenvalues add up to at most sqrt(r) times the norm: where that is too little, none need be found.
    if np.sqrt(d // 3) * np.linalg.norm(moments) < (1 - FIRST_TAIL) * np.trace(moments):
        return np.empty((d, 0)), d
    values, vectors = scipy.linalg.eigh(moments, driver="evd")  # asked for some axes only, it took 20 times as long
    with np.errstate(invalid="ignore", divide="ignore"):
        tail = 1 - np.cumsum(values[::-1]) / np.trace(moments)
    left_out = np.append(tail[15::16], 0)
    first, second = (16 + 16 * int(np.argmax(left_out <= share)) for share in (FIRST_TAIL, SECOND_TAIL))
    if first > d // 3:
        return np.empty((d, 0)), d
    return np.ascontiguousarray(vectors[:, ::-1][:, : min(second, 3 * first)]), first


def may_rotate(d):
    return FEWEST_COLUMNS <= d <= WIDEST_ROTATION


def sample_size(n, d):
    return min(n, max(SAMPLE, 4 * d))


def slack(rotation, first, d):
    """The relative error of a score; see the top of this file."""
    second = rotation.shape[1]
    eta, delta = 2 * U, 0.0
    if second:
        delta = float(np.linalg.norm(rotation.T @ rotation - np.eye(second))) + second * d * V
        eta += 2 * np.sqrt(2 * delta + 4 * gamma(d + 2, V) * np.sqrt(second))
    kappa = delta + 2.1 * eta + eta**2
    return float(1.02 * (kappa + 4 * eta + 2 * gamma(max(first, second) + 6, U)))


def gamma(terms, unit):
    return terms * unit / (1 - terms * unit)


def lay_out_points(X, axes, width, n_jobs=None):
    """The points X (n, d) as `PointPanels`, `width` of them to a panel."""
    n, columns = len(X), columns_of(axes)
    # Where there are no boxes, a block need only stay in the cache.
    most, size = (512, 2**18) if axes.rotation.size else (8192, 2**19)
    block = max(2, min(most // width, size // (4 * columns * width))) * width
    order = gather(leading(X, axes, n_jobs), block)
    panels, rest, norms = empty(n, axes, width)
    pool.run(lay_out, n, X, axes, order, True, panels, rest, norms, step=STEP, cost=X.shape[1], n_jobs=n_jobs)
    starts, boxed = np.arange(0, n, block), np.empty((n, leading_of(axes)), np.float32)
    for c in range(boxed.shape[1]):
        boxed[:, c] = panels[:, c].reshape(-1)[:n]
    low, high = np.minimum.reduceat(boxed, starts), np.maximum.reduceat(boxed, starts)
    return PointPanels(panels, rest, order, low, high, block, float(norms.max()))


def lay_out_queries(Q, axes, height, block, n_jobs=None):
    """The queries Q (m, d) as `QueryPanels`, `height` of them to a panel and near ones within `block` of them."""
    m = len(Q)
    order = gather(leading(Q, axes, n_jobs), block)
    panels, rest, norms = empty(m, axes, height)
    pool.run(lay_out, m, Q, axes, order, False, panels, rest, norms, step=STEP, cost=Q.shape[1], n_jobs=n_jobs)
    return QueryPanels(panels, rest, order, norms)


def columns_of(axes):
    return axes.first + (2 if axes.rotation.size else 1)


def leading_of(axes):
    return min(LEADING, axes.first) if axes.rotation.size else 0


def empty(n, axes, width):
    """(panels, rest, norms) to be filled by `lay_out`."""
    further = axes.rotation.shape[1] - axes.first + 2 if axes.rotation.size else 0
    panels = np.zeros((-(-n // width), columns_of(axes), width), np.float32)
    return panels, np.empty((n, further), np.float32), np.empty(n)


def lay_out(start, stop, X, axes, order, points, panels, rest, norms):
    """Rotate the rows order[start:stop] of X: first stage into panels, second into rest, N into norms.

    The last column of the first stage is -N/2 + slack N for points and 1 for queries. The first column of the second
    stage takes back the product of the r of the first.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # a query may be far beyond the range of float32
        _lay_out(start, stop, X, axes, order, points, panels, rest, norms)


def _lay_out(start, stop, X, axes, order, points, panels, rest, norms):
    first, width = axes.first, panels.shape[2]
    x = (X[order[start:stop]] - axes.centre) * axes.scale
    norm = norms[start:stop] = np.einsum("ij,ij->i", x, x)
    rows = np.zeros((-(-len(x) // width) * width, panels.shape[1]), np.float32)
    z = x @ axes.rotation if axes.rotation.size else x
    rows[: len(x), :first] = z[:, :first]
    if axes.rotation.size:
        rows[: len(x), first] = left = remainder(norm, z[:, :first])
        rest[start:stop, 0] = -left if points else left
        rest[start:stop, 1:-1] = z[:, first:]
        rest[start:stop, -1] = remainder(norm, z)
    rows[: len(x), -1] = upwards((axes.slack - 0.5) * norm) if points else 1
    side_by_side = rows.reshape(-1, width, rows.shape[1]).transpose(0, 2, 1)
    panels[start // width : start // width + len(side_by_side)] = side_by_side


def remainder(norm, z):
    """Length of what the coordinates z leave out of vectors of squared length `norm`."""
    return np.sqrt(np.maximum(norm - np.einsum("ij,ij->i", z, z), 0))


def upwards(x):
    return np.nextafter(x.astype(np.float32), np.float32(np.inf))


def leading(X, axes, n_jobs=None):
    """The coordinates (n, LEADING) on the leading axes, of which there may be none."""
    lead = np.empty((len(X), leading_of(axes)), np.float32)
    if lead.size:
        pool.run(rotate_leading, len(X), X, axes, lead, step=STEP, cost=X.shape[1], n_jobs=n_jobs)
    return lead


def rotate_leading(start, stop, X, axes, lead):
    with np.errstate(over="ignore", invalid="ignore"):
        lead[start:stop] = ((X[start:stop] - axes.centre) * axes.scale) @ axes.rotation[:, : lead.shape[1]]


def gather(lead, block):
    """An order (n,) of the rows of `lead` in which near ones share a `block`: halved along the widest axis."""
    order = np.arange(len(lead))
    waiting = [(0, len(lead))] if lead.size else []
    while waiting:
        start, stop = waiting.pop()
        if stop - start <= block:
            continue
        rows = order[start:stop]
        column = lead[rows][:, np.argmax(np.var(lead[rows], axis=0))]
        half = block * (-(-(stop - start) // block) // 2)
        order[start:stop] = rows[np.argpartition(column, half)]
        waiting += [(start, start + half), (start + half, stop)]
    return order


@functools.cache
def rounding(dtype, d):
    """(relative, absolute): what rounding can do to a squared distance over d columns in `dtype`.

    A sum s in any order is off by gamma(d + 3) s and, by underflow, d times the smallest number. So a point whose sum
    comes out at most t is at a true squared distance of at most t (1 + relative) + absolute, and another order of
    summing widens that by as much again. No sum of more than a hundredth of 1/u columns is bounded so: (inf, 0).
    """
    information = np.finfo(dtype)
    unit = float(information.epsneg)
    if d * unit > 1e-2:
        return np.inf, 0.0
    return 1.05 * gamma(d + 3, unit), 4 * d * float(information.smallest_subnormal)
