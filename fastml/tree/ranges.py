"""How the columns of a table in parts are coded: what passes find of their values. See `fastml.scale.Tally`."""

from typing import Any, NamedTuple

import numpy as np

from fastml.preprocessing.in_parts import as_floats, next_digit, picked
from fastml_ext import preprocessing, tree

__all__ = ["MOST", "Coding", "codes_of", "find_codings", "width_of"]

MOST = 2**16  # distinct values of a column that are told apart
MOST_CATEGORIES = 2**20  # texts of a column
ROOM = 2**21  # bytes of the memory for the distinct values of a column, of two threads or tasks
CELLS = 2**21  # counters of a pass: 16 MB
BITS = 11  # of a number, that a pass counts at most
FEW = 2**20  # numbers among which those sought are, that are collected instead


class Coding(NamedTuple):
    """What is known of one column: its values, or the ends of ranges of them, or its texts."""

    keys: np.ndarray  # uint64: of the values, or of the largest one of each range but the last
    whole: bool  # whether these are the values
    values: np.ndarray  # of the keys
    spread: float  # the largest value minus the smallest
    missing: bool  # whether there are missing values
    texts: list | None = None

    @property
    def n_codes(self) -> int:
        """Codes but for that of a missing value."""
        if self.texts is not None:
            return len(self.texts)
        return len(self.keys) + (not self.whole)


def width_of(coding: Coding) -> np.dtype:
    """The dtype of codes and that of a missing value."""
    most = coding.n_codes
    return np.dtype(np.uint8 if most < 2**8 else np.uint16 if most < 2**16 else np.uint32)


def find_codings(table: Any) -> list[Coding]:
    """One pass over the distinct values, and as many as it takes where a column has too many of them."""
    parts = table.parts
    texts = parts.texts or [False] * parts.n_features
    names = parts.names or [f"x{j}" for j in range(parts.n_features)]
    dtype = np.dtype(np.float64) if parts.texts else parts.dtype
    keys, digits, known, missing, rows = distinct_values(table, texts, names)
    if parts.n_rows is None:
        parts.n_rows = rows
    if not rows:
        raise ValueError(f"{parts!r} has 0 rows, and {table.who} needs at least one")
    wide = [j for j, each in enumerate(keys) if each is None and not texts[j]]
    first = [digits[j] for j in wide]
    ends = dict(zip(wide, upper_ends(table, wide, first, texts, dtype), strict=True))
    codings = []
    for j, own in enumerate(keys):
        if texts[j]:
            codings.append(Coding(np.empty(0, np.uint64), True, np.empty(0), 0.0, bool(missing[j]), sorted(known[j])))
            continue
        if j in ends:
            own, *extremes = ends[j]
        else:
            extremes = as_floats(own[[0, -1]], dtype).tolist() if len(own) else [0.0, 0.0]
        spread = float(extremes[1]) - float(extremes[0])
        codings.append(Coding(own, j not in ends, as_floats(own, dtype), spread, bool(missing[j])))
    return codings


def distinct_values(table: Any, texts: list[bool], names: list[str]) -> tuple:
    """What `Distinct` finds: so many columns in a pass as the memory has room for, of their values."""
    d, step = len(names), max(8, table.parts.memory // ROOM)
    keys: list = []
    digits: list = []
    known: dict = {}
    missing: list = []
    rows = 0
    for first in range(0, d, step):
        some = slice(first, first + step)
        own, counts, words, holes, rows = table.tally(Distinct(texts[some], names[some], first))
        keys, digits, missing = keys + own, digits + counts, missing + holes.tolist()
        known |= {first + j: each for j, each in words.items()}
    return keys, digits, known, missing, rows


def numbers_of(X: np.ndarray, texts: list[bool]) -> np.ndarray:
    """The columns that are no texts."""
    return X if X.dtype.kind != "O" else X[:, ~np.array(texts)].astype(float)


class Distinct:
    """The tally of distinct values: (keys of columns of numbers, counts of their highest digit, {column: texts}, which
    columns have missing values, rows).
    """

    def __init__(self, texts: list[bool], names: list[str], first: int):
        self.texts, self.names, self.first = texts, names, first
        self.numbers = np.flatnonzero(~np.array(texts)).tolist()

    def start(self) -> tuple:
        keys = [None if text else np.empty(0, np.uint64) for text in self.texts]
        digits = [np.zeros((1, 2**BITS), np.int64) for _ in self.texts]
        return keys, digits, {j: set() for j in np.flatnonzero(self.texts).tolist()}, np.zeros(len(keys), bool), 0

    def add(self, state: tuple, rows: Any, n_jobs: int | None) -> tuple:
        keys, digits, known, missing, n = state
        columns = rows.X[:, self.first : self.first + len(self.texts)]
        X = numbers_of(columns, self.texts)
        missing[self.numbers] |= np.isnan(X).any(axis=0)
        found = tree.add_distinct(X, [keys[j] for j in self.numbers], MOST, n_jobs)
        for j, own in zip(self.numbers, found, strict=True):
            keys[j] = own
        every, shift = [np.zeros(1, np.uint64)] * len(self.numbers), 8 * X.dtype.itemsize - BITS
        tree.count_digits(X, every, shift, BITS, [digits[j] for j in self.numbers], n_jobs)
        for j, texts in known.items():
            codes, distinct = known_texts(columns[:, j], self.names[j])
            texts.update(distinct)
            missing[j] |= len(codes) > 0 and codes.min() < 0
        return self.looked_at((keys, digits, known, missing, n + len(rows.X)))

    def merge(self, first: tuple, second: tuple) -> tuple:
        keys = [together(*pair) for pair in zip(first[0], second[0], strict=True)]
        digits = [a + b for a, b in zip(first[1], second[1], strict=True)]
        known = {j: first[2][j] | second[2][j] for j in first[2]}
        return self.looked_at((keys, digits, known, first[3] | second[3], first[4] + second[4]))

    def looked_at(self, state: tuple) -> tuple:
        for j, known in state[2].items():
            if len(known) > MOST_CATEGORIES:
                raise ValueError(f"column {self.names[j]!r} has more than {MOST_CATEGORIES} texts: it is no category")
        return state


def together(first: Any, second: Any) -> Any:
    if first is None or second is None:
        return None
    keys = np.union1d(first, second)
    return keys if len(keys) <= MOST else None


def known_texts(column: np.ndarray, name: str) -> tuple[np.ndarray, list]:
    """(codes, texts) of a column; a missing one has the code -1."""
    codes, distinct = preprocessing.code_objects(column)
    texts = [value for value in distinct if isinstance(value, str)]
    if len(texts) == len(distinct):
        return codes, texts
    places, other = np.full(len(distinct), -1), None
    for value in distinct:
        if not isinstance(value, str) and value is not None and value == value:
            other = value
    if other is not None:
        raise TypeError(
            f"column {name!r} holds {other!r} among texts, a {type(other).__name__}: a tree takes a column of texts, or"
            " one of numbers; make texts of all of it (astype(str)), or code it (OrdinalEncoder)"
        )
    places[[isinstance(value, str) for value in distinct]] = np.arange(len(texts))
    return places[codes], texts


# ------------------------------------------------------------------------------------------------ ranges of values


def upper_ends(table: Any, wide: list[int], counts: list, texts: list[bool], dtype: np.dtype) -> list:
    """[(keys of the largest values of all ranges but the last, least value, largest value)] of some columns.

    Each range ends with the value of such a rank, that all have equally many rows, exactly: a pass counts the next
    digit of the numbers that share the higher ones with a value sought. counts: of their highest digit
    """
    if not wide:
        return []
    prefixes, bits, shift = [np.zeros(1, np.uint64) for _ in wide], BITS, 8 * dtype.itemsize - BITS
    sought = [[(0, int(place)) for place in places_of(each.sum(), table.parts.codes)] for each in counts]
    while True:
        held = 0
        for j, each in enumerate(counts):
            sought[j], prefixes[j], rows = next_digit(sought[j], prefixes[j], each, bits)
            held += rows
        if shift == 0:
            found = [[prefix for prefix, _ in column] for column in sought]
            break
        if held <= FEW:
            collected = table.tally(Collected(wide, texts, prefixes, shift))
            found = [picked(*each, shift) for each in zip(sought, prefixes, collected, strict=True)]
            break
        bits = min(BITS, shift, max(1, (CELLS // sum(map(len, prefixes))).bit_length() - 1))
        shift -= bits
        counts = table.tally(Digits(wide, texts, prefixes, shift, bits))
    keys = [np.array(column, np.uint64) for column in found]
    return [(np.unique(each[1:-1]), *as_floats(each[[0, -1]], dtype)) for each in keys]


def places_of(n: int, codes: int) -> np.ndarray:
    """The ranks of the least value, of the largest of each range but the last, and of the largest."""
    ends = [int(n) * c // codes - 1 for c in range(1, codes)]
    return np.array([0, *ends, int(n) - 1])


class Digits:
    """The tally of the next digit of numbers that have one of the prefixes."""

    def __init__(self, wide: list[int], texts: list[bool], prefixes: list, shift: int, bits: int):
        self.wide, self.texts, self.prefixes, self.shift, self.bits = wide, texts, prefixes, shift, bits

    def start(self) -> list:
        return [np.zeros((len(each), 1 << self.bits), np.int64) for each in self.prefixes]

    def add(self, state: list, rows: Any, n_jobs: int | None) -> list:
        tree.count_digits(columns_of(rows.X, self), self.prefixes, self.shift, self.bits, state, n_jobs)
        return state

    def merge(self, first: list, second: list) -> list:
        return [a + b for a, b in zip(first, second, strict=True)]


class Collected:
    """The tally that keeps the numbers that have one of the prefixes, as keys."""

    def __init__(self, wide: list[int], texts: list[bool], prefixes: list, shift: int):
        self.wide, self.texts, self.prefixes, self.shift = wide, texts, prefixes, shift

    def start(self) -> list:
        return [np.empty(0, np.uint64) for _ in self.wide]

    def add(self, state: list, rows: Any, n_jobs: int | None) -> list:
        found = tree.keys_of_prefixes(columns_of(rows.X, self), self.prefixes, self.shift, n_jobs)
        return self.merge(state, found)

    def merge(self, first: list, second: list) -> list:
        return [np.concatenate(pair) for pair in zip(first, second, strict=True)]


def columns_of(X: np.ndarray, tally: Any) -> np.ndarray:
    """The columns of which the values are sought."""
    X, numbers = numbers_of(X, tally.texts), np.flatnonzero(~np.array(tally.texts))
    places = np.searchsorted(numbers, tally.wide)
    return X if len(places) == X.shape[1] else X[:, places]


# ------------------------------------------------------------------------------------------------ codes


def codes_of(codings: list[Coding], texts: list[bool], rows: Any, n_jobs: int | None) -> list[np.ndarray]:
    """The codes of every column of some rows; a missing value has the code n_codes."""
    codes = [np.empty(len(rows.X), width_of(each)) for each in codings]
    numbers = [j for j, text in enumerate(texts) if not text]
    X = numbers_of(rows.X, texts)
    found = tree.code_values(
        X, [codings[j].keys for j in numbers], [codings[j].whole for j in numbers], [codes[j] for j in numbers], n_jobs
    )
    for place, (j, strange) in enumerate(zip(numbers, found, strict=True)):
        if strange >= 0:
            refuse_strange(X[strange, place], j, rows.start + strange)
    for j in np.flatnonzero(texts).tolist():
        own, distinct = known_texts(rows.X[:, j], f"x{j}")
        place_of = {text: code for code, text in enumerate(codings[j].texts or [])}
        places = np.array([*(place_of.get(text, -1) for text in distinct), codings[j].n_codes], np.int64)
        if len(places) and places.min() < 0:
            refuse_strange(distinct[int(places.argmin())], j, rows.start)
        codes[j][:] = places[own]
    return codes


def refuse_strange(value: Any, j: int, row: int) -> None:
    raise ValueError(
        f"column {j} is {value!r} in row {row} of the table or after it, which the pass before did not meet: the table"
        " has changed while it was read"
    )
