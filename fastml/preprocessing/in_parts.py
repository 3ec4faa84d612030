"""Scalers over a table in parts: one pass; see `fastml.scale.Reduction`."""

import numpy as np

from fastml_ext import preprocessing as kernels

__all__ = ["Counted", "Distinct", "Extremes", "Moments", "fit_drawn", "order_statistics"]

BITS = 11  # of a number, that a pass counts: 16 KB a column and bucket wanted
FEW = 2**20  # numbers in the buckets wanted that are collected instead
MOST_DISTINCT = 2**20  # categories of a column


class Moments:
    """Rows, mean, and squared distances from it, of each column; NaN is left out."""

    def partial(self, rows):
        if rows.weight is not None:
            return weighted_moments(rows.X.astype(float), rows.weight[:, None])
        count, mean, squares = kernels.moments(rows.X)
        return np.asarray(count, float), np.where(count > 0, mean, 0.0), np.where(count > 0, squares, 0.0)

    def merge(self, first, second):
        """Chan, Golub and LeVeque 1983, equation 1.5."""
        count = first[0] + second[0]
        share = np.divide(second[0], count, out=np.zeros_like(count), where=count > 0)
        apart = np.where((first[0] > 0) & (second[0] > 0), second[1] - first[1], 0.0)
        mean = np.where(first[0] > 0, first[1] + share * apart, second[1])
        return count, mean, first[2] + second[2] + apart**2 * first[0] * share


def weighted_moments(X, weight):
    """What `Moments` finds of rows with weights (n, 1)."""
    weight = np.where(np.isnan(X), 0.0, weight)
    X = np.where(weight > 0, X, 0.0)
    count = weight.sum(axis=0)
    share = np.divide(weight, count, out=np.zeros_like(weight), where=count > 0)
    mean = (share * X).sum(axis=0)
    return count, mean, (weight * (X - mean) ** 2).sum(axis=0)


class Extremes:
    """(least, largest) of each column, and how many rows there are."""

    def partial(self, rows):
        least, largest = kernels.extremes(rows.X)
        return least, largest, len(rows.X)

    def merge(self, first, second):
        return np.fmin(first[0], second[0]), np.fmax(first[1], second[1]), first[2] + second[2]


class Distinct:
    """The distinct values of each column: numbers in order, of which NaN is the last; objects as they come."""

    def __init__(self, names):
        self.names = names

    def partial(self, rows):
        return [distinct(column) for column in rows.X.T]

    def merge(self, first, second):
        found = [distinct(np.concatenate(pair)) for pair in zip(first, second, strict=True)]
        for j, values in enumerate(found):
            if len(values) > MOST_DISTINCT:
                raise ValueError(
                    f"column {self.names[j]!r} has more than {MOST_DISTINCT} distinct values: it is no category"
                )
        return found


MISSING = "\0missing"  # the name of NaN, which equals nothing


class Counted:
    """What `Distinct` finds, how many rows have each value, NaN by a name of its own, and all rows."""

    def __init__(self, names):
        self.distinct = Distinct(names)

    def partial(self, rows):
        found = []
        for column in rows.X.T:
            counts: dict = {}
            for value in column.tolist():
                name = value if value == value else MISSING
                counts[name] = counts.get(name, 0) + 1
            found.append(counts)
        return self.distinct.partial(rows), found, len(rows.X)

    def merge(self, first, second):
        values = self.distinct.merge(first[0], second[0])
        counts = [
            a | {value: a.get(value, 0) + count for value, count in b.items()}
            for a, b in zip(first[1], second[1], strict=True)
        ]
        return values, counts, first[2] + second[2]


def distinct(column):
    if column.dtype.kind != "O":
        return np.unique(column)
    found = {value if value == value else None: value for value in reversed(column.tolist())}
    values = np.empty(len(found), object)
    values[:] = [*found.values()][::-1]
    return values


# ------------------------------------------------------------------------------------------------- numbers by rank


def order_statistics(reduce, d, dtype, shares):
    """What `kernels.quantiles` gives, (low, high, count), of a table in parts: by counting digits, the highest first.

    Floats are taken as integers of the same order. Each pass counts the next digit of those that share the higher ones
    with a number sought; when few share them, these are collected. Three passes are enough as a rule, and memory does
    not depend on the rows.
    """
    width = 8 * dtype.itemsize
    prefixes, shift, count = [np.zeros(1, np.uint64)] * d, width, np.zeros(0)
    sought: list = []
    while shift:
        bits = min(BITS, shift)
        shift -= bits
        counts = reduce(Digits(prefixes, shift, bits))
        if not sought:
            count = np.array([table.sum() for table in counts])
            below = np.floor(np.asarray(shares)[:, None] * np.maximum(count - 1, 0)).astype(np.int64)
            places = np.concatenate([below, np.minimum(below + 1, np.maximum(count - 1, 0))])  # (2 m, d)
            sought = [[(0, place) for place in column] for column in places.T]
        held = 0
        for j, table in enumerate(counts):
            sought[j], prefixes[j], rows = next_digit(sought[j], prefixes[j], table, bits)
            held += rows
        if 0 < held <= FEW and shift:
            collected = reduce(Collected(prefixes, shift))
            found = [picked(*each, shift) for each in zip(sought, prefixes, collected, strict=True)]
            break
    else:
        found = [[prefix for prefix, _ in column] for column in sought]
    numbers = as_floats(np.array(found, np.uint64).T, dtype)
    numbers = np.where(count > 0, numbers, dtype.type(np.nan))
    return numbers[: len(shares)], numbers[len(shares) :], count


def next_digit(sought, prefixes, table, bits):
    """([(prefix, place among the numbers that share it)], distinct prefixes, numbers that share them), a digit longer.

    sought: the same before | table: (len(prefixes), 2**bits) counts of the next digit
    """
    ends, found, rows = np.cumsum(table, axis=1), [], {}
    for prefix, place in sought:
        at = int(np.searchsorted(prefixes, np.uint64(prefix)))
        digit = min(int(np.searchsorted(ends[at], place, side="right")), 2**bits - 1)
        longer = (int(prefix) << bits) + digit
        found.append((longer, place - int(ends[at, digit] - table[at, digit])))
        rows[longer] = int(table[at, digit])
    return found, np.array(sorted(rows), np.uint64), sum(rows.values())


def picked(sought, prefixes, keys, shift):
    keys = np.sort(keys)
    starts = np.searchsorted(keys, prefixes << np.uint64(shift))
    return [
        int(keys[starts[np.searchsorted(prefixes, np.uint64(prefix))] + place]) if len(keys) else 0
        for prefix, place in sought
    ]


class Digits:
    """The reduction that counts a digit of the numbers of each column that have one of the prefixes."""

    def __init__(self, prefixes, shift, bits):
        self.prefixes, self.shift, self.bits = prefixes, shift, bits

    def partial(self, rows):
        return [
            self.counts(as_keys(column), prefixes) for column, prefixes in zip(rows.X.T, self.prefixes, strict=True)
        ]

    def counts(self, keys, prefixes):
        size, digits = 1 << self.bits, keys >> np.uint64(self.shift)
        at = np.searchsorted(prefixes, digits >> np.uint64(self.bits))
        at = np.minimum(at, len(prefixes) - 1)
        wanted = prefixes[at] == digits >> np.uint64(self.bits)
        places = at[wanted] * size + (digits[wanted] & np.uint64(size - 1)).astype(np.int64)
        return np.bincount(places, minlength=len(prefixes) * size).reshape(len(prefixes), size)

    def merge(self, first, second):
        return [a + b for a, b in zip(first, second, strict=True)]


class Collected:
    """The reduction that collects the numbers of each column that have one of the prefixes, as keys."""

    def __init__(self, prefixes, shift):
        self.prefixes, self.shift = prefixes, shift

    def partial(self, rows):
        found = []
        for column, prefixes in zip(rows.X.T, self.prefixes, strict=True):
            keys = as_keys(column)
            found.append(keys[np.isin(keys >> np.uint64(self.shift), prefixes)])
        return found

    def merge(self, first, second):
        return [np.concatenate(pair) for pair in zip(first, second, strict=True)]


def as_keys(x):
    """uint64 in the order of the floats of x, NaN left out; -0 is 0."""
    x = x[~np.isnan(x)] + 0.0
    width = 8 * x.dtype.itemsize
    bits = x.view(np.dtype(f"u{x.dtype.itemsize}")).astype(np.uint64)
    sign = np.uint64(1 << (width - 1))
    every = np.uint64((1 << width) - 1)
    return np.where(bits & sign, bits ^ every, bits | sign)


def as_floats(keys, dtype):
    """What `as_keys` has made keys of."""
    width = 8 * dtype.itemsize
    sign, every = np.uint64(1 << (width - 1)), np.uint64((1 << width) - 1)
    bits = np.where(keys & sign, keys ^ sign, keys ^ every)
    return bits.astype(np.dtype(f"u{dtype.itemsize}")).view(dtype)


# --------------------------------------------------------------------------------------------------- rows drawn


def fit_drawn(model, table, draw):
    """Fit a model that draws `subsample` rows where there are more: of those that it would draw in memory.

    draw(n) gives their numbers; where a sample of the table would be all of it, the fit in memory draws them.
    """
    n, most = table.n_rows, table.sample_rows()
    if 0 < n <= most:
        model.fit(table.sample(most)[0])
        return
    if model.subsample is None:
        raise ValueError(
            f"{type(model).__name__} with subsample=None needs all of {table.parts!r} in memory: give a number of rows,"
            " such as subsample=200_000"
        )
    kept = model.subsample
    X = table.drawn(draw) if kept < n else table.sample(n)[0]
    model.subsample = None
    model.fit(X)
    model.subsample = kept
