"""Order statistics of columns. Contract: reference.py.

Few rows are sorted. Of many, a sample tells between which two numbers a quantile of a column lies. One pass over the
rows counts the numbers from each end of these brackets on and keeps those inside, some hundredths of the column, and
these are sorted. Where the sample was wrong, the whole column is sorted: the result is exact for any order of the rows.
"""

import numpy as np

from fastml_ext import pool
from fastml_ext.jit import kernel
from fastml_ext.preprocessing.columns import by_rows, put_lines
from fastml_ext.preprocessing.order import sort_few

__all__ = ["quantiles"]

FEW_ROWS = 256  # that take less time in one pass of our own than in NumPy's vectorised sort
MANY_ROWS = 10_000  # from where on a sample is worth it
MOST, MOST_DRAWN = 5, 3  # quantiles, of all rows and of drawn ones, beyond which sorting is as quick
ALL = np.empty(0, np.int64)  # rows
SURE = 3.5  # standard deviations of a place in the sample
TILE = 256  # numbers that are looked at together
TOGETHER = 8  # columns, which lie in one line of the cache
PASSING, SORTING = 0.4, 5.0  # ns a number, for each end of a bracket, and to sort it
LOW, ABOVE_LOW, HIGH, ABOVE_HIGH = range(4)  # ends of a bracket: numbers from there on are counted


def quantiles(X, q, rows=None, n_jobs=None):
    """Numbers beside each quantile of each column, how many are there, and extremes. Contract: reference.py."""
    q = np.ascontiguousarray(q, np.float64)
    inner = np.unique(q[q < 1])  # what stands beside the last number is that number
    rows = ALL if rows is None else rows
    n = len(rows) or len(X)
    if n < MANY_ROWS or len(inner) > (MOST_DRAWN if len(rows) else MOST):
        return _by_sorting(X, q, rows, n_jobs)
    X = X if X.flags.c_contiguous else by_rows(X) if X.flags.f_contiguous else np.ascontiguousarray(X)
    return _by_brackets(X, q, inner, rows, n_jobs)


def _by_sorting(X, q, rows, n_jobs):
    n, d = len(rows) or len(X), X.shape[1]
    q = np.concatenate([q, [0.0, 1.0]])
    low, high = np.empty((len(q), d), X.dtype), np.empty((len(q), d), X.dtype)
    count = np.zeros(d, np.int64)
    found = q, low, high, count
    if n <= FEW_ROWS:
        X = np.ascontiguousarray(X[rows] if len(rows) else X)
        pool.run(sort_few, d, X, *found, cost=SORTING * n, step=TOGETHER, n_jobs=n_jobs)
    else:
        pool.run(_sort_columns, d, X, rows, *found, cost=SORTING * n, step=TOGETHER, n_jobs=n_jobs)
    return low[:-2], high[:-2], count, low[-2:]


def _sort_columns(start, stop, X, rows, q, low, high, count):
    n = len(rows) or len(X)
    lines = np.empty((min(TOGETHER, stop - start), n), X.dtype)
    for first in range(start, stop, TOGETHER):
        some = slice(first, min(first + TOGETHER, stop))
        ordered = lines[: some.stop - first]
        put_lines(first, some.stop, X, rows, ordered)
        ordered.sort(axis=1)  # NaN last
        held = np.full(len(ordered), n)
        for j in np.flatnonzero(np.isnan(ordered[:, -1])).tolist():
            held[j] = np.searchsorted(ordered[j], np.nan)
        below = np.floor(q[:, None] * (np.maximum(held, 1) - 1)).astype(np.int64)
        columns = np.arange(len(ordered))
        low[:, some] = ordered[columns, below]
        high[:, some] = ordered[columns, np.maximum(np.minimum(below + 1, held - 1), 0)]
        count[some] = held


def _by_brackets(X, q, inner, rows, n_jobs):
    n, d = len(rows) or len(X), X.shape[1]
    ends, weights = _brackets(X, inner, rows, n, n_jobs)
    shape = ends.shape  # (4, len(inner), d)
    used = ~np.isnan(ends).all(axis=2).reshape(-1)
    wide = max(1, TILE // d)  # rows of a tile
    tiled = [np.tile(each.reshape(-1, d)[used], (1, wide)) for each in (ends, weights)]
    cost = d * (1.5 + PASSING * used.sum())
    found = pool.run(_count_and_keep, n, X.reshape(-1), rows, d, *tiled, cost=cost, n_jobs=n_jobs)
    count = sum(part[0] for part in found)
    passed = np.zeros((len(used), d), np.int64)
    passed[used] = count[1:]
    kept, places = _joined([part[2] for part in found], np.array([part[3] for part in found]), n_jobs)
    low, high = np.empty((len(q), d), X.dtype), np.empty((len(q), d), X.dtype)
    extremes = np.array([part[1] for part in found])
    extremes = np.stack([extremes[:, 0].min(axis=0), extremes[:, 1].max(axis=0)])
    missed = np.zeros(d, np.bool_)
    given = q, np.searchsorted(inner, q), count[0], extremes, passed.reshape(shape), ends, (kept, places)
    _settle(*given, (low, high), missed)
    for j in np.flatnonzero(missed).tolist():
        low[:, j : j + 1], high[:, j : j + 1], *_ = _by_sorting(X[:, j : j + 1], q, rows, n_jobs)
    extremes[:, count[0] == 0] = np.nan
    return low, high, count[0], extremes


def _brackets(X, inner, rows, n, n_jobs):
    """(ends, weights), (4, len(inner), d): what a number that reaches each end adds to how many brackets it is in.

    Of an end that the sample holds several times, the numbers that equal it are counted and not kept. What is not
    needed is NaN, which no number reaches.
    """
    size = int(2 * n ** (2 / 3))
    at = (np.arange(size) * n + n // 2) // size
    sample = np.ascontiguousarray(X[rows[at] if len(rows) else at].T)
    pool.run(_sort_each, len(sample), sample, cost=SORTING * size, n_jobs=n_jobs)
    held = (sample == sample).sum(axis=1)  # NaN stands last
    place = (inner[:, None] * np.maximum(held - 1, 0)).astype(np.int64)
    margin = (SURE * np.sqrt(place * (held - place) / np.maximum(held, 1))).astype(np.int64) + 2
    low, low_again = _at(sample, held, place - margin, -np.inf)
    high, high_again = _at(sample, held, place + margin, np.inf)
    ends = np.full((4, *low.shape), np.nan, X.dtype)
    ends[LOW] = low
    low_again &= np.isfinite(low)
    ends[ABOVE_LOW][low_again] = np.nextafter(low, X.dtype.type(np.inf))[low_again]
    ends[HIGH][high_again] = high[high_again]
    ends[ABOVE_HIGH] = np.where(high < np.inf, np.nextafter(high, X.dtype.type(np.inf)), np.nan)
    ends[:, :, held == 0] = np.nan
    weights = np.stack([~low_again, low_again, -high_again.astype(int), high_again - 1]).astype(np.int32)
    return ends, weights


def _at(ordered, held, place, beyond):
    """(the numbers of each column at these places, `beyond` where there is none; whether a neighbour is the same)."""
    columns, last = np.arange(len(ordered)), ordered.shape[1] - 1
    inside = (place >= 0) & (place < held)
    at = np.clip(place, 0, last)
    found = ordered[columns, at]
    again = (found == ordered[columns, np.maximum(at - 1, 0)]) & (at > 0)
    again |= (found == ordered[columns, np.minimum(at + 1, last)]) & (at < last)
    return np.where(inside, found, ordered.dtype.type(beyond)), again & inside


def _sort_each(start, stop, rows):
    for i in range(start, stop):
        rows[i].sort()


@kernel
def _count_and_keep(start, stop, X, rows, d, ends, weights):
    """(counts, extremes, kept, sizes) of the rows from start to stop of X, read as one line; of the table if no `rows`.

    counts (1 + n_ends, d): of the numbers, and of those that reach each end | extremes (2, d)
    kept: column by column, the numbers in any bracket, `sizes` of each
    ends, weights (n_ends, m): of each column, laid out beside one another for several rows
    """
    m, n_ends = ends.shape[1], len(ends)
    known, reached = np.zeros(m, np.int32), np.zeros((n_ends, m), np.int32)
    least, largest = np.full(m, np.inf, X.dtype), np.full(m, -np.inf, X.dtype)
    tile, inside = np.empty(m, X.dtype), np.empty(m, np.int32)
    place, column = np.empty(m + 1, np.int32), np.arange(m) % d
    room = stop - start + 1
    kept, size = np.empty(d * room, X.dtype), np.zeros(d, np.int64)
    for first in range(start, stop, m // d):
        n = min(m // d, stop - first)
        x = X[first * d : (first + n) * d]
        if len(rows):
            for r in range(n):
                at = rows[first + r] * d
                for j in range(d):
                    tile[r * d + j] = X[at + j]
            x = tile[: n * d]
        for i in range(len(x)):  # short loops: of few arrays each, they vectorise
            known[i] += x[i] == x[i]
        for i in range(len(x)):
            least[i] = x[i] if x[i] < least[i] else least[i]
        for i in range(len(x)):
            largest[i] = x[i] if x[i] > largest[i] else largest[i]
        for i in range(len(x)):
            inside[i] = 0
        for e in range(n_ends):
            for i in range(len(x)):
                reaches = x[i] >= ends[e, i]
                reached[e, i] += reaches
                inside[i] += weights[e, i] if reaches else np.int32(0)
        n_inside = 0
        for i in range(len(x)):
            place[n_inside] = i
            n_inside += inside[i] > 0
        for k in range(n_inside):
            i = place[k]
            j = column[i]
            kept[j * room + size[j]] = x[i]
            size[j] += 1
    return _by_column(known, reached, least, largest, kept, size, d)


@kernel
def _by_column(known, reached, least, largest, kept, size, d):
    """What `_count_and_keep` returns, from what it found beside each place of a tile."""
    counts, extremes = np.zeros((1 + len(reached), d), np.int64), np.empty((2, d), least.dtype)
    for j in range(d):
        extremes[0, j], extremes[1, j] = least[j], largest[j]
    for first in range(0, len(least), d):
        for j in range(d):
            extremes[0, j] = min(extremes[0, j], least[first + j])
            extremes[1, j] = max(extremes[1, j], largest[first + j])
            counts[0, j] += known[first + j]
            for e in range(len(reached)):
                counts[1 + e, j] += reached[e, first + j]
    packed, at, room = np.empty(size.sum(), least.dtype), 0, len(kept) // d
    for j in range(d):
        for i in range(size[j]):
            packed[at + i] = kept[j * room + i]
        at += size[j]
    return counts, extremes, packed, size


def _joined(kept, sizes, n_jobs):
    """(numbers, places): what the parts kept, in order; of column j it is numbers[places[j] : places[j + 1]].

    kept: for each part an array | sizes (n_parts, n_columns)
    """
    lengths = sizes.sum(axis=0)
    places = np.concatenate([[0], np.cumsum(lengths)])
    starts = np.cumsum(sizes.reshape(-1)).reshape(sizes.shape) - sizes
    joined = np.empty(places[-1], kept[0].dtype)
    cost = 1.0 + 2 * SORTING * places[-1] / len(lengths)
    pool.run(_join, len(lengths), np.concatenate(kept), starts, sizes, joined, places, cost=cost, n_jobs=n_jobs)
    return joined, places


def _join(start, stop, kept, starts, sizes, joined, places):
    _gather(start, stop, kept, starts, sizes, joined, places)
    for j in range(start, stop):
        joined[places[j] : places[j + 1]].sort()


@kernel
def _gather(start, stop, kept, starts, sizes, joined, places):
    for j in range(start, stop):
        at = places[j]
        for part in range(len(starts)):
            for i in range(sizes[part, j]):
                joined[at + i] = kept[starts[part, j] + i]
            at += sizes[part, j]


@kernel
def _settle(q, bracket, count, extremes, passed, ends, kept, beside, missed):
    """Write into `beside`, (low, high), what stands beside each quantile; missed: columns whose sample was wrong.

    bracket (len(q),): of each quantile | passed, ends: as of `_brackets` | kept: as of `_joined`
    """
    low, high = beside
    numbers, places = kept
    for j in range(len(count)):
        own = numbers[places[j] : places[j + 1]]
        for i in range(len(q)):
            n, b = count[j], bracket[i]
            if n == 0:
                low[i, j] = high[i, j] = np.nan
                continue
            below = np.int64(np.floor(q[i] * (n - 1)))
            for k in range(2):
                rank = min(below + k, n - 1)
                side = low if k == 0 else high
                if rank == 0:
                    side[i, j] = extremes[0, j]
                elif rank == n - 1:
                    side[i, j] = extremes[1, j]
                else:
                    found, value = _of_rank(rank, n, passed[:, b, j], ends[:, b, j], own)
                    side[i, j] = value
                    missed[j] |= not found


@kernel
def _of_rank(rank, n, passed, ends, kept):
    """(whether the bracket holds it, the number of that rank), counted from 0, of a column of n numbers."""
    low_apart, high_apart = ends[ABOVE_LOW] == ends[ABOVE_LOW], ends[HIGH] == ends[HIGH]
    first = n - (passed[ABOVE_LOW] if low_apart else passed[LOW])  # rank of the first that was kept
    last = n - (passed[HIGH] if high_apart else passed[ABOVE_HIGH])
    if rank < n - passed[LOW] or rank >= n - passed[ABOVE_HIGH]:
        return False, ends[LOW]
    if rank < first:
        return True, ends[LOW]
    if rank >= last:
        return True, ends[HIGH]
    at = np.searchsorted(kept, ends[ABOVE_LOW] if low_apart else ends[LOW])
    return True, kept[at + rank - first]
