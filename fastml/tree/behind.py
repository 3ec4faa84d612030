"""A tree behind steps that scale, fill or choose columns: its thresholds are moved before them, and rows stay unscaled.

A step that never turns the order of two numbers round keeps on the left just the numbers up to some largest one, and
that number is the threshold before it: it is searched in the arithmetic of the step, so answers are equal to the bit.
"""

import numpy as np

from fastml.operations import Filled
from fastml.tree.walking import Nodes
from fastml_ext import preprocessing
from fastml_ext.tree.applying import apply as walk
from fastml_ext.tree.structure import NUMERIC

__all__ = ["answers_behind", "largest_up_to", "largest_within"]

KEYS = {"f": np.dtype(np.int32), "d": np.dtype(np.int64)}
COST = 30  # values of a table that are scaled in the time in which a threshold is moved


def answers_behind(self, method, operations, X):
    """What the method gives of what the operations make of a plain table X; None where it must be made.

    operations: of fastml.operations, each of which may treat columns alone
    """
    walker = self._walker
    if walker is None or self.missing_values != "branch" or walker.n_columns < 0:
        return None
    moved = moved_tree(walker, operations, X)
    if moved is None:
        return None
    direct = method == "predict" and walker.direct
    answers = walker.answers if direct else np.arange(walker.tree.node_count)
    out, clean = walk.walk(X, moved[0], answers, self.n_jobs)
    if not clean and not (moved[2] and is_within(X, moved[1])):
        return None
    return out if direct else getattr(self, method)(Nodes(out))


def is_within(X, limit):
    """Whether no number of X is beyond the limit; NaN may be."""
    return all(not (np.abs(ends) > limit).any() for ends in preprocessing.extremes(X))


def moved_tree(walker, operations, X):
    """(packed tree, limit of what it is right for, whether it is for NaN) before the operations, or None.

    It is kept for the numbers that the operations have, not for their arrays, which may be written into.
    """
    key = [part.tobytes() if isinstance(part, np.ndarray) else part for each in operations for part in each]
    kept = walker.moved.get(X.dtype.char)
    if kept is not None and kept[0] == key:
        return kept[1]
    if COST * walker.tree.node_count > X.size or not all(each.monotone for each in operations):
        return None
    made = move(walker, operations, X.dtype, X.shape[1])
    walker.moved[X.dtype.char] = key, made
    return made


def move(walker, operations, dtype, d):
    if not all(part.dtype == dtype for each in operations for part in each if is_floats(part)):
        return None  # arithmetic that is rounded twice
    with np.errstate(all="ignore"):
        limit = largest_within(operations, dtype, d)
        if limit is None:
            return None
        nodes, missing_left = walk.nodes_of(walker.tree, walker.dtypes, dtype), walker.tree.missing_go_to_left.copy()
        inner = np.flatnonzero(walker.tree.kind == NUMERIC)
        places = [nodes["feature"][inner].astype(np.intp)]  # of the columns before each operation, and behind the last
        for each in reversed(operations):
            places.insert(0, each.source(places[0]))
        thresholds = nodes["threshold"][inner]
        filled = through(operations, places, np.full(len(inner), np.nan, dtype))
        known = ~np.isnan(filled)
        missing_left[inner[known]] = filled[known] <= thresholds[known]
        nodes["threshold"][inner] = largest_up_to(operations, places, thresholds)
        nodes["feature"][inner] = places[0]
    packed = walk.walker_of(dtype)[1](nodes, missing_left.view(np.uint8), limit)
    return packed, limit, any(type(each) is Filled for each in operations)


def is_floats(part):
    return isinstance(part, np.ndarray) and part.dtype.kind == "f"


def through(operations, places, x):
    """What the operations make of values x (m,) of the columns places[0] (m,)."""
    for each, at in zip(operations, places, strict=False):
        x = each.of_values(x, at)
    return x


def largest_up_to(operations, places, thresholds):
    """For each threshold t (m,) the largest finite x of its dtype that becomes t at most; -inf where none does.

    places: for each operation, and behind the last, the columns (m,) of the values

    The numbers of a dtype are counted through. Where to look is guessed, the way from there doubled until it leads
    beyond, and what lies between halved.
    """
    dtype = thresholds.dtype
    most = key_of(np.array([np.finfo(dtype).max]))[0]

    def left(keys):
        return through(operations, places, number_of(keys, dtype)) <= thresholds

    guess = thresholds
    for each, at in zip(reversed(operations), reversed(places[:-1]), strict=True):
        guess = each.back(guess, at)
    guess = np.where(np.isfinite(guess), guess, dtype.type(0))
    at = np.clip(key_of(guess.astype(dtype)), -most, most)
    going_up = left(at)
    low, high = at.copy(), at.copy()
    step = 1
    moving = np.ones(len(at), bool)
    while moving.any():
        up, down = moving & going_up, moving & ~going_up
        next_high, next_low = capped(high, step, most), -capped(-low, step, most)
        high, low = np.where(up, next_high, high), np.where(down, next_low, low)
        probe = left(np.where(going_up, high, low))
        low = np.where(up & probe, high, low)  # still to the left of the threshold
        high = np.where(down & ~probe, low, high)
        moving &= np.where(going_up, probe & (high < most), ~probe & (low > -most))
        step = min(2 * step, int(most) // 4)
    never = ~left(low)  # not even the lowest number
    always = left(high)
    while (apart := low < high - 1).any():
        middle = (low >> 1) + (high >> 1) + (low & high & 1)  # the difference may not fit
        to_left = left(middle)
        low, high = np.where(apart & to_left, middle, low), np.where(apart & ~to_left, middle, high)
    found = number_of(np.where(always, high, low), dtype)
    return np.where(never, dtype.type(-np.inf), found)


def capped(keys, step, most):
    """keys + step, at most `most`."""
    return np.where(keys > most - step, most, keys + keys.dtype.type(step))


def key_of(x):
    """Whole numbers in the order of the floats x, one apart where these are neighbours."""
    bits = x.view(KEYS[x.dtype.char])
    return np.where(bits < 0, np.iinfo(bits.dtype).min - bits, bits)


def number_of(keys, dtype):
    return np.where(keys < 0, np.iinfo(keys.dtype).min - keys, keys).view(dtype)


def largest_within(operations, dtype, d):
    """A magnitude up to which no operation makes a number of any column infinite, or None.

    It is a power of two, at least half of the largest.
    """
    info = np.finfo(dtype)

    def fits(exponent):
        limit = np.ldexp(dtype.type(1), exponent)
        table = np.array([[limit], [-limit]], dtype).repeat(d, axis=1)
        for each in operations:
            table = each.of_table(table)
            if table is None or not np.isfinite(table).all():
                return False
        return True

    low, high = info.minexp, info.maxexp
    if not fits(low):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return np.ldexp(dtype.type(1), low)
