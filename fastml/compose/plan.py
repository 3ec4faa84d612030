"""What a fitted ColumnTransformer does to a row, worked out once: no part of the frame is selected, copied or joined.

Steps on numbers, such as scalers, are shown plain tables of their columns. An encoder, and what may stand before it,
looks at each value alone: it is asked once what it makes of each of its categories, and rows then look it up.
"""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array, issparse
from sklearn.pipeline import Pipeline as ScikitPipeline
from sklearn.preprocessing import FunctionTransformer

from fastml.base import Estimator
from fastml.compose.reading import Columns, read_columns
from fastml.impute import SimpleImputer
from fastml.preprocessing.base import ColumnMap
from fastml.preprocessing.encoders import OneHotEncoder, OrdinalEncoder
from fastml.preprocessing.rowwise import Binarizer
from fastml.preprocessing.scalers import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from fastml.preprocessing.scaling import ByKernel
from fastml_ext import linear
from fastml_ext import preprocessing as kernels

__all__ = ["Plan", "make_plan"]

SCALERS = (StandardScaler, MinMaxScaler, MaxAbsScaler, RobustScaler)  # a difference and a quotient
FEW = 32  # rows that are looked up one by one
MOST_CANDIDATES = 2**20  # categories of all columns of an encoder that are looked up at most
OBJECTS = {str, int, float, bool, type(None)}
MISSING = object()  # in place of NaN, which equals nothing
MOST_SPARSE = 2**16  # numbers of a table that is made before the sparse one
NONE = -1  # the place of a value that is 0 everywhere
KEEPING = Binarizer, SimpleImputer  # whole numbers stay whole
KEEPERS = ("fastml.feature_selection.",)
FAMILIES = "fastml.decomposition.", "fastml.feature_selection."  # that take tables of numbers
ENCODER_SETTINGS = ("categories_", "drop_idx_", "handle_unknown", "unknown_value", "dtype", "_infrequent_indices")


class Numbers(NamedTuple):
    """Steps that take a table of numbers."""

    columns: list  # of X, by their places
    steps: list
    start: int  # first column of the result
    stop: int

    def fill(self, X, out):
        """Write into the table; False where the steps must be asked in the usual way."""
        block = X.table(self.columns, not self.steps)
        if block is None:
            return False
        for step in self.steps:
            block = plain_transform(step, block)
            block = block.toarray() if issparse(block) else block
            if type(block) is not np.ndarray:
                return False
        if block.shape != (X.n, self.stop - self.start) or block.dtype != np.float64:
            return False
        out[:, self.start : self.stop] = block
        return True

    def score(self, X, coef, out, n_jobs):
        """Add what the columns give a linear model: a scaler's are scaled on the way."""
        own = np.ascontiguousarray(coef[:, self.start : self.stop])
        nothing = np.zeros(len(coef))
        block = X.table(self.columns, not self.steps)
        if block is None:
            return False
        if len(self.steps) == 1 and isinstance(self.steps[0], SCALERS) and not getattr(self.steps[0], "clip", False):
            if block.dtype != np.float64:
                return False
            scaling = self.steps[0]._centre_and_scale(block)
            out += kernels.scaled_scores(block, *scaling, own, nothing, n_jobs)
            return True
        table = np.empty((X.n, self.stop - self.start))
        if not self._replace(start=0, stop=table.shape[1]).fill(X, table):
            return False
        out += linear.scores(table, own, nothing, n_jobs)
        return True


class Looked(NamedTuple):
    """Columns whose values are looked up: each gives one number in one place of the row."""

    columns: list
    tables: list  # for each column {value: (place, number)}
    unknown: list  # (place, number) of a value that is not in the table of its column; None if it is to be refused
    dtype: np.dtype  # of the encoder

    def fill(self, X, out):
        if X.n > FEW:
            found = self.places(X)
            for each in found or ():
                kernels.put_looked(*each, out)
            return found is not None
        for column, table, unknown in zip(self.columns, self.tables, self.unknown, strict=True):
            if not self.few(column, table, unknown, X, out):
                return False
        return True

    def few(self, column, table, unknown, X, out):
        for i, value in enumerate(X.objects(column)):
            found = find(value, table, unknown)
            if found is None:
                return False
            if found[0] >= 0:
                out[i, found[0]] = found[1]
        return True

    def places(self, X):
        """(codes (n,), place and number of each code) of the columns, or None."""
        places = []
        for read, table, unknown in zip(X.distinct(self.columns), self.tables, self.unknown, strict=True):
            found = [find(value, table, unknown) for value in read[1].tolist()] if read is not None else [None]
            if None in found:
                return None
            place, number = zip(*found, strict=True)
            places.append(
                (np.ascontiguousarray(read[0], np.int64), np.array(place, np.int64), np.array(number, np.float64))
            )
        return places

    def score(self, X, coef, out, n_jobs):
        """Add the weights of what is looked up, times its number: no row of 0 and 1 is written."""
        found = self.places(X)
        for codes, place, number in found or ():
            kernels.add_looked(codes, np.where(place[:, None] >= 0, coef.T[place] * number[:, None], 0.0), out)
        return found is not None


def find(value, table, unknown):
    """(place, number) of a value, or None."""
    kind = type(value)
    if kind is float and value != value:
        return table.get(MISSING, unknown)
    return table.get(value, unknown) if kind in OBJECTS else None


class Plan:
    """Rows of the result of a ColumnTransformer, for tables of float64."""

    def __init__(self, transformer, parts, watched):
        self.transformers = transformer.transformers_
        self.parts, self.watched = parts, watched
        names = transformer.__dict__.get("feature_names_in_")
        self.names = None if names is None else tuple(names.tolist())
        self.n_columns = transformer.n_features_in_
        self.seen: Any = None  # (names of a frame of pandas as it has them, places of the fitted columns in it)
        self.width = max((place.stop for place in transformer.output_indices_.values()), default=0)
        self.sparse = bool(transformer.sparse_output_)
        steps = [step for part in parts if type(part) is Numbers for step in part.steps]
        self.few = self.sparse or any(map(gives_sparse, steps))  # whether large tables take the usual way

    def holds(self, transformer):
        """Whether the fitted steps are those of which the plan was made."""
        if self.transformers is not transformer.transformers_:
            return False
        return all(state.get(name) is value for state, name, value in self.watched)

    def read(self, X):
        """The `Columns` of X, or None. Rows of one frame have one index of names, which need not be read again."""
        names: Any = getattr(X, "columns", None)
        seen = self.seen
        if seen is not None and hasattr(names, "is_") and names.is_(seen[0]) and len(X):
            return Columns(X, "pandas", seen[1])
        found = read_columns(X, self.names, self.n_columns)
        if found is not None and found.kind == "pandas":
            self.seen = names, found.places
        return found

    def result(self, X):
        """What `transform` gives of the `Columns`, or None where the steps must be asked in the usual way."""
        if self.few and X.n * self.width > MOST_SPARSE:
            return None
        out = np.zeros((X.n, self.width))
        if not all(part.fill(X, out) for part in self.parts):
            return None
        return as_sparse(out) if self.sparse else out

    def scores(self, X, coef, intercept, n_jobs):
        """Scores (n, k) of a linear model on the result, which is not made; None as for `result`.

        coef (k, width), intercept (k,): float64
        """
        out = np.empty((X.n, len(coef)))
        out[:] = intercept
        with np.errstate(over="ignore", invalid="ignore"):
            if not all(part.score(X, coef, out, n_jobs) for part in self.parts):
                return None
        return out if np.isfinite(out).all() else None  # a value that is not finite leaves no finite score


def as_sparse(table):
    from fastml._sklearn import _align_api_if_sparse

    return _align_api_if_sparse(csr_array(table))


def make_plan(transformer):
    """The Plan of a fitted ColumnTransformer, or None where a step is not of those that it knows."""
    if transformer.transformer_weights or not hasattr(transformer, "output_indices_"):
        return None
    parts: list[Any] = []
    watched: list[tuple] = []
    for name, step, columns in transformer.transformers_:
        at = transformer._transformer_to_input_indices[name]
        place = transformer.output_indices_[name]
        if isinstance(step, str) or place.stop == place.start:
            if step != "drop" and len(at):
                return None
            continue
        if np.isscalar(columns):
            return None  # one column as a vector
        part = part_of(step, [int(j) for j in at], place, watched)
        if part is None:
            return None
        parts.append(part)
    return Plan(transformer, parts, watched) if any(map(is_wide, parts)) else None


def is_wide(part):
    """Whether what a part gives is float64 whatever whole numbers it is given, so that the whole table is."""
    if type(part) is Looked:
        return part.dtype == np.float64
    return any(not isinstance(step, KEEPING) and not type(step).__module__.startswith(KEEPERS) for step in part.steps)


def part_of(step, columns, place, watched):
    steps = flat(step)
    if steps is None:
        return None
    last = steps[-1] if steps else None
    if isinstance(last, OneHotEncoder | OrdinalEncoder):
        return looked_up(steps, columns, place, watched)
    if all(takes_numbers(each) for each in steps):
        return Numbers(columns, steps, place.start, place.stop)
    return None


def flat(step):
    """The steps of nested pipelines as one list, without those that do nothing; None where one is unknown."""
    if isinstance(step, ScikitPipeline):
        if step.transform_input:
            return None
        found = [flat(each) for _, each in step.steps if each is not None and each != "passthrough"]
        return None if None in found else [each for steps in found for each in steps]
    if type(step) is FunctionTransformer:
        return [] if step.func is None and not step.validate else None
    return [step] if isinstance(step, Estimator) else None


def takes_numbers(step):
    numeric = isinstance(step, ByKernel | ColumnMap) or type(step).__module__.startswith(FAMILIES)
    return numeric and hasattr(step, "n_features_in_")


def gives_sparse(step):
    return getattr(step, "sparse_output", False) or getattr(step, "encode", None) == "onehot"


# ------------------------------------------------------------------------------------------------ steps on their own


def bare(step):
    """A fitted step without the names of its columns, so that plain tables pass it at once; arrays are shared."""
    aside = object.__new__(type(step))
    state = aside.__dict__
    state.update(step.__dict__)
    if "feature_names_in_" in state:
        del state["feature_names_in_"]
        if "_fast_columns" in state:
            state["_fast_columns"] = state["n_features_in_"]
    return aside


def plain_transform(step, table):
    """What a step's `transform` gives of a table, without what makes frames of results."""
    method = type(step).transform
    return getattr(method, "__wrapped__", method)(bare(step), table)


# ------------------------------------------------------------------------------------------------ encoders


def looked_up(steps, columns, place, watched):
    """The part of an encoder and the imputers before it, or None."""
    encoder, before = steps[-1], steps[:-1]
    if not all(type(step) is SimpleImputer and not step.add_indicator for step in before):
        return None
    categories = [values.tolist() for values in encoder.categories_]
    if any(values.dtype.kind not in "biufUO" for values in encoder.categories_) or len(categories) != len(columns):
        return None
    if any(type(value) not in OBJECTS for values in categories for value in values) or not all(map(len, categories)):
        return None
    if max(map(len, categories)) * len(columns) > MOST_CANDIDATES:
        return None
    asked = asked_of(encoder, categories, bool(before))
    dtype = object if any(values.dtype.kind in "UO" for values in encoder.categories_) else np.float64
    tables: list[dict] = [{} for _ in columns]
    first = [values[0] for values in categories]
    rows = [
        [values[i] if i < len(values) else values[0] for values in asked]
        for i in range(max(map(len, asked), default=0))
    ]
    try:
        found = answers(before, encoder, rows, dtype, place)
    except (ValueError, TypeError):
        return None
    for row, answer in zip(rows, found, strict=True):
        note(tables, row, answer)
    for missing in (np.nan, None) if before else ():
        for j, table in enumerate(tables):
            row = [*first[:j], missing, *first[j + 1 :]]
            try:
                table[MISSING if missing is not None else None] = answers(before, encoder, [row], dtype, place)[0][j]
            except (ValueError, TypeError):
                continue  # rows that hold it are refused in the usual way
    unknown = of_unknown(encoder, place, len(columns))
    for step in steps:
        names = ENCODER_SETTINGS if step is encoder else ("statistics_", "missing_values", "strategy")
        watched += [(step.__dict__, name, step.__dict__.get(name)) for name in names]
    return Looked(columns, tables, unknown, np.dtype(encoder.dtype))


def asked_of(encoder, categories, imputed):
    """The categories of each column that are asked about; missing ones only where no imputer takes them away."""
    if not imputed:
        return categories
    return [[value for value in values if value is not None and value == value] for values in categories]


def note(tables, row, answer):
    for table, value, found in zip(tables, row, answer, strict=True):
        table[value if value == value else MISSING] = found


def answers(before, encoder, rows, dtype, place):
    """For each row, for each column, (place, number)."""
    if not rows:
        return []
    table = np.array(rows, dtype)
    for step in before:
        table = plain_transform(step, table)
    aside: Any = bare(encoder)
    if isinstance(encoder, OrdinalEncoder):
        found = plain_transform(aside, table)
        return [[(place.start + j, float(x)) for j, x in enumerate(row)] for row in found.tolist()]
    aside.sparse_output = True
    found = csr_array(plain_transform(aside, table))
    ends = np.cumsum(encoder._n_features_outs)
    answer = [[(NONE, 0.0)] * len(ends) for _ in rows]
    of_row = np.repeat(np.arange(len(rows)), np.diff(found.indptr))
    of_column = np.searchsorted(ends, found.indices, side="right")
    for i, j, at in zip(of_row.tolist(), of_column.tolist(), found.indices.tolist(), strict=True):
        answer[i][j] = place.start + at, 1.0
    return answer


def of_unknown(encoder, place, d):
    """(place, number) for each column of a category that was not fitted; None where it is an error, or worth a word."""
    if isinstance(encoder, OrdinalEncoder):
        if encoder.handle_unknown != "use_encoded_value":
            return [None] * d
        return [(place.start + j, float(encoder.unknown_value)) for j in range(d)]
    silent = encoder.handle_unknown == "ignore" and encoder.drop is None
    return [(NONE, 0.0) if silent else None] * d
