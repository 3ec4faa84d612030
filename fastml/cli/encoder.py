"""The columns of a table as the numbers that a model takes, by fastml's own steps; all is learnt from training rows."""

import warnings
from typing import Any, NamedTuple

import numpy as np

__all__ = ["INPUTS", "UNKNOWN", "Encoder", "estimate", "saved_encoder"]

# The forms in which a model may be given a table, in words for the user.
INPUTS = {
    "filled": "missing numbers by their median, texts one-hot",
    "scaled": "missing numbers by their median, texts one-hot, each column to mean 0 and variance 1",
    "unit": "missing numbers by their median, texts one-hot, each number scaled to 0..1",
    "binned": "missing numbers by their median, texts one-hot, each number cut into 10 equal ranges",
    "native": "missing values and texts as they are",
}
ONE_HOT = 20  # columns that a text column may become: the most frequent texts, and one for all others
BINS = 10
VARIANCE = 0.95  # share of it that the components hold, where columns are reduced
LARGE = 1e150  # beyond it squares are none of float64's
MISSING = -1.0  # a text that is missing is a text of its own
UNKNOWN = -2.0  # the place of a text that the training rows do not have


class Encoder(NamedTuple):
    """How a table (n, d) of numbers and places of texts becomes an input of one of the forms of INPUTS."""

    kind: str
    texts: dict  # of each text column: its place -> its texts
    numbers: np.ndarray  # (p,) which columns are numbers
    odd: np.ndarray | None  # (3, p) unit, least and most of each; None where every square is one of float64's
    steps: Any  # a fitted Pipeline that begins with a ColumnTransformer; None for "native"

    def apply(self, X):
        """The input for the rows X (n, d) float64: (n, width) float64 in C order, or for "native" (n, d) objects."""
        if self.kind == "native":
            return as_objects(X, self.texts)
        encoded = np.ascontiguousarray(self.steps.transform(self._in_units(X)))
        if self.odd is not None and self.kind == "filled" and len(self.steps.steps) == 1:
            encoded[:, : len(self.numbers)] *= self.odd[0]
        return encoded

    def _in_units(self, X):
        """X with numbers in units whose squares are numbers of float64 too."""
        if self.odd is None:
            return X
        unit, least, most = self.odd
        X, values = X.copy(), X[:, self.numbers]
        values = np.clip(values, least, most) if self.kind in ("unit", "binned") else values
        with np.errstate(over="ignore"):
            X[:, self.numbers] = values / unit
        return X


def estimate(kind, X, texts, reduce=None):
    """The Encoder of one of the forms of INPUTS for training rows X (n, d) float64, NaN where missing.

    texts: of each text column: its place -> its texts, and X holds the places of its cells among them
    reduce: "pca" for principal components in place of the columns, which "native" has no use for; or None
    """
    numbers = np.array([i for i in range(X.shape[1]) if i not in texts], np.int64)
    if kind == "native":
        return Encoder(kind, texts, numbers, None, None)
    encoder = Encoder(kind, texts, numbers, odd_units(X[:, numbers]), steps_of(kind, reduce, numbers, texts))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of constant columns: said where the table is read
        encoder.steps.fit(encoder._in_units(X))
    return encoder


def steps_of(kind, reduce, numbers, texts):
    """The Pipeline of a form of INPUTS, not fitted: columns of numbers and of texts first, then all of them."""
    from fastml.compose import ColumnTransformer
    from fastml.decomposition import PCA
    from fastml.impute import SimpleImputer
    from fastml.pipeline import make_pipeline
    from fastml.preprocessing import MinMaxScaler, OneHotEncoder, PiecewiseConstant, StandardScaler

    of_kind = {
        "filled": [],
        "scaled": [],
        "unit": [MinMaxScaler(clip=True)],
        "binned": [PiecewiseConstant(BINS, strategy="uniform", closed="left", encode="ordinal")],
    }[kind]
    fill = [SimpleImputer(strategy="median", keep_empty_features=True)]
    one_hot = [
        SimpleImputer(strategy="constant", fill_value=MISSING, keep_empty_features=True),
        OneHotEncoder(max_categories=ONE_HOT, handle_unknown="infrequent_if_exist", sparse_output=False),
    ]
    last = [StandardScaler()] if kind == "scaled" else []
    if reduce:
        last = [StandardScaler(), PCA(VARIANCE, svd_solver="full"), *of_kind, *last]
    else:
        fill += of_kind
    parts = [("numbers", make_pipeline(*fill), numbers.tolist()), ("texts", make_pipeline(*one_hot), list(texts))]
    return make_pipeline(ColumnTransformer([part for part in parts if part[2]]), *last)


def odd_units(X):
    """(unit, least, most) of each column, where one has squares that float64 does not; else None.

    A unit is a power of two, so that a division by it loses nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column may be empty
        least, most = np.nan_to_num(np.nanmin(X, axis=0)), np.nan_to_num(np.nanmax(X, axis=0))
    size = np.maximum(np.abs(least), np.abs(most))
    odd = (size > LARGE) | ((size < 1 / LARGE) & (size > 0))
    if not odd.any():
        return None
    return np.stack([np.where(odd, np.ldexp(1.0, np.clip(np.frexp(size)[1], -1021, 1023)), 1.0), least, most])


def as_objects(X, texts):
    """X with numbers as numbers and texts as texts, None where one is missing; floats where no column is a text."""
    if not texts:
        return X
    mixed = X.astype(object)
    for i, words in texts.items():
        mixed[:, i] = [None if np.isnan(place) or place < 0 else words[int(place)] for place in X[:, i]]
    return mixed


def saved_encoder(saved):
    """The Encoder that `fastml train` saved, `_asdict` of it."""
    return from_first(**saved) if "kept" in saved else Encoder(**saved)


def from_first(kind, numbers, fill, least, most, texts, kept, center, scale):
    """The Encoder of a model that version 0.1 saved: of a table with the same medians, ranges and frequent texts."""
    rows = max([5, *(3 * len(places) + 2 for places, _ in kept.values())])
    X = np.empty((rows, len(numbers) + len(texts)))
    X[:, numbers] = fill
    X[0, numbers], X[1, numbers] = least, most
    for column, (places, others) in kept.items():
        X[:, column] = places[0]
        X[: 3 * len(places), column] = np.repeat(places, 3)
        if others:
            X[-2:, column] = places.max() + 1.0, places.max() + 2.0  # once each: they share the last column
    X[:, list(texts)] = np.where(X[:, list(texts)] == MISSING, np.nan, X[:, list(texts)])
    encoder = estimate(kind, X, texts)
    if kind == "scaled":
        scaler = encoder.steps.steps[-1][1]
        scaler.mean_, scaler.scale_, scaler.var_ = center, scale, scale**2
    return encoder
