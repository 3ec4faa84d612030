"""What a value is: number, category or neither; and columns of Python objects. The table stands in __init__.py."""

import contextlib
import datetime
from typing import Any, NamedTuple, NoReturn

import numpy as np

EXACT = 2**53  # every integer up to here is a float64
NUMBERS = "fiub"  # kinds of NumPy's dtypes

DATE, SPAN, COMPLEX, INTERVAL, QUANTITY = "a date or time", "a span of time", "complex", "an interval", "a quantity"
CURES = {
    DATE: "pass what shall be learnt from it as numbers, such as the days since a fixed one, the month or the hour",
    SPAN: "divide it by a unit first, such as x / np.timedelta64(1, 's')",
    COMPLEX: "pass its real and imaginary part as two columns",
    INTERVAL: "pass its ends or its middle as numbers, or make it a category",
    QUANTITY: "pass it as a number in a unit of your choice, or as a text if it is a category",
}
BOOLEAN, WHOLE, REAL, TEXT, OTHER = "boolean", "whole", "real", "text", "other"
PLAIN = {float, int, bool, type(None), np.float64, np.float32, np.int64, np.int32, np.bool_}


class Categories(NamedTuple):
    """A column of categories: a code for each row, -1 where the value is missing, and the values of the codes."""

    codes: np.ndarray
    values: np.ndarray
    ordered: bool = False


def kind_of(kind):
    """What objects of a Python type are: one of the kinds above."""
    if issubclass(kind, bool | np.bool_):
        return BOOLEAN
    if issubclass(kind, datetime.timedelta | np.timedelta64):
        return SPAN
    if issubclass(kind, datetime.date | datetime.time | np.datetime64) or kind.__name__ in ("Period", "NaTType"):
        return DATE
    if issubclass(kind, complex | np.complexfloating):
        return COMPLEX
    if issubclass(kind, int | np.integer):
        return WHOLE
    if issubclass(kind, str | bytes):
        return TEXT
    if hasattr(kind, "__float__") or hasattr(kind, "__index__"):
        return REAL
    if kind.__name__ == "Interval":
        return INTERVAL
    return QUANTITY if hasattr(kind, "__sub__") else OTHER


def refuse(name: Any, what: str, example: Any) -> NoReturn:
    """The error for a column that holds neither numbers nor categories."""
    told = "Complex data not supported: " if what == COMPLEX else ""
    called = name if name == "y" else f"column {name!r}"
    raise ValueError(
        f"{told}{called} holds {example}, {what}: only numbers, strings, categories and bool can be read; {CURES[what]}"
    )


def refuse_dtype(name: Any, dtype: Any) -> NoReturn:
    """The same by the dtype of a column, in any library's words."""
    words = str(dtype).lower()
    spans, dates = ("duration", "timedelta"), ("date", "time", "period", "month")
    what = SPAN if any(map(words.__contains__, spans)) else DATE if any(map(words.__contains__, dates)) else None
    what = what or (COMPLEX if "complex" in words else INTERVAL if "interval" in words else QUANTITY)
    if what == QUANTITY:
        raise ValueError(
            f"column {name!r} has dtype {dtype}: only numbers, strings, categories and bool can be read; make columns"
            " of numbers or texts of it"
        )
    refuse(name, what, f"dtype {dtype}")


def refuse_large(name: Any, value: Any, reason: str) -> NoReturn:
    called = "X" if name is None else name if name == "y" else f"column {name!r}"
    raise ValueError(
        f"{called} holds {value}, beyond ±2**53, where float64 no longer tells integers apart, and {reason}: subtract"
        " an offset, or divide, first"
    )


def is_missing(value):
    """Whether an object stands for a missing value: None, NaN of any type, NaT, pandas' NA."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    if hasattr(value, "is_nan"):  # a Decimal, whose signaling NaN cannot even be compared
        return bool(value.is_nan())
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        return False


# ------------------------------------------------------------------------------------------------ columns of objects


def distinct(x, name):
    """({value: its place}, (n,) int64 codes, -1 where missing) of a column of Python objects."""
    place: dict = {}
    codes = np.empty(len(x), np.int64)
    for i, value in enumerate(x.tolist() if x.dtype.kind != "g" else list(x)):
        try:
            codes[i] = -1 if type(value) is not str and is_missing(value) else place.setdefault(value, len(place))
        except TypeError:
            raise TypeError(
                f"X[{i}, {name}] is {value!r}: argument must be a string, a number or None, not {type(value).__name__}"
            ) from None
    return place, codes


def kinds_in(values, name):
    """The kinds of the types of some objects; those that are neither numbers nor categories are refused."""
    kinds = {kind: kind_of(kind) for kind in set(map(type, values))}
    for kind, what in kinds.items():
        if what in CURES:
            refuse(name, what, repr(next(value for value in values if type(value) is kind)))
    return set(kinds.values())


def from_objects(x, name):
    """A column of Python objects: numbers where all of them are, else categories in their natural order."""
    place, codes = distinct(x, name)
    kinds = kinds_in(place, name)
    if kinds <= {WHOLE, REAL, BOOLEAN} and kinds != {BOOLEAN}:
        return of_numbers(list(place), codes, name)
    try:
        order = sorted(place)
    except TypeError:
        order = sorted(place, key=lambda value: (type(value).__name__, str(value)))
    rank = np.empty(len(place) + 1, np.int64)
    rank[[place[value] for value in order]] = np.arange(len(place))
    rank[-1] = -1
    values = np.empty(len(order), object)
    values[:] = order
    return Categories(rank[codes], values)


def of_numbers(values, codes, name):
    """The numbers of distinct objects by code: integers where all are and none is missing, else float64."""
    whole = len(values) > 0 and (codes >= 0).all() and all(isinstance(v, int | np.integer) for v in values)
    if whole:
        low, high = int(min(values)), int(max(values))
        for dtype in (np.int64, np.uint64):
            if np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
                return np.array([int(v) for v in values], dtype)[codes]
    return np.append(floats(values, name), np.nan)[codes]


def floats(values, name):
    """Distinct objects as float64, none of them another number, no two of them one; texts are read by `float`."""
    found = np.array([to_float(value, name) for value in values], np.float64)
    for kind in {type(v) for v in values} - {float, int, bool, str, np.str_, np.float64, np.float32}:
        places = [k for k, value in enumerate(values) if type(value) is kind]
        if len(set(found[places].tolist())) < len(places):
            seen: dict = {}
            first, second = next(
                (values[seen[x]], values[k]) for k, x in zip(places, found[places].tolist(), strict=True)
                if seen.setdefault(x, k) != k
            )  # fmt: skip
            raise ValueError(
                f"{'y' if name == 'y' else f'column {name!r}'} holds {first!r} and {second!r}, which float64 does not"
                " tell apart: subtract an offset, or round them, first"
            )
    return found


def to_float(value, name):
    where = "y" if name == "y" else f"column {name!r}"
    try:
        found = float(value)
    except OverflowError:
        found = np.inf if value > 0 else -np.inf
    except TypeError:  # such as an object with __index__ alone
        raise TypeError(f"{where} holds {value!r}, of which float makes no number") from None
    except ValueError as error:
        raise ValueError(f"{error}: {where} holds no number there") from None
    if np.isinf(found) and not isinstance(value, str | bytes) and not is_infinite(value):
        raise ValueError(f"{where} holds {value!r:.40}, beyond the largest float64, 1.8e308: divide it first")
    if abs(found) >= EXACT and np.isfinite(found) and not isinstance(value, float):
        exact = exact_of(value)
        if exact is not None and int(found) != exact:
            refuse_large(name, f"{value!s:.40}", "it would become another number")
    if found == 0 and not isinstance(value, str | bytes) and value != 0:
        raise ValueError(f"{where} holds {value!r:.40}, nearer to 0 than float64 can be: multiply it first")
    return found


def is_infinite(value):
    try:
        return value in (float("inf"), float("-inf"))
    except (TypeError, ValueError):
        return False


def exact_of(value):
    """The int that a whole number of any type is, or None."""
    if isinstance(value, str | bytes):
        from decimal import Decimal, InvalidOperation

        try:
            value = Decimal(value.decode() if isinstance(value, bytes) else value)
        except InvalidOperation:
            return None
    whole = int(value)
    return whole if whole == value else None


def to_numbers(x, name):
    """A column of objects, texts among them, as float64 for those reason take numbers alone."""
    place, codes = distinct(x, name)
    kinds_in(place, name)
    return np.append(floats(list(place), name), np.nan)[codes]


def array_of_objects(X):
    """A table of Python objects as float64."""
    if set(map(type, X.ravel().tolist())) <= PLAIN:
        with contextlib.suppress(OverflowError):  # of an int, which is then refused by name
            found = X.astype(np.float64)
            if not (np.abs(found) >= EXACT).any():
                return found
    return np.stack([to_numbers(X[:, j], j) for j in range(X.shape[1])], axis=1)


def as_objects(values):
    """A list as a column of objects, also where they are sequences."""
    x = np.empty(len(values), object)
    x[:] = values
    return x
