"""The columns of a table as the numbers that a model takes; whatever is estimated comes from the training rows."""

from typing import NamedTuple

import numpy as np

from fastml.preprocessing.edges import equal_parts, middle

__all__ = ["INPUTS", "UNKNOWN", "Encoder", "estimate"]

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
LARGE = 1e150  # beyond it squares are none of float64's
MISSING = -1.0  # a text that is missing is a text of its own
UNKNOWN = -2.0  # the place of a text that the training rows do not have


class Encoder(NamedTuple):
    """How a table (n, d) of numbers and places of texts becomes an input of one of the forms of INPUTS."""

    kind: str
    numbers: np.ndarray  # (p,) which columns are numbers
    fill: np.ndarray  # (p,) what stands for a missing one
    least: np.ndarray  # (p,) and
    most: np.ndarray  # (p,): the range of each
    texts: dict  # of each text column: its place -> its texts
    kept: dict  # of each text column: its place -> what `frequent` returns
    center: np.ndarray  # (width,) subtracted from each column of the input, where kind is "scaled"
    scale: np.ndarray  # (width,) and what the rest is divided by

    def apply(self, X):
        """The input for the rows X (n, d) float64: (n, width) float64 in C order, or for "native" (n, d) objects."""
        if self.kind == "native":
            return as_objects(X, self.texts)
        parts = [self._numbers(X[:, self.numbers])]
        parts += [one_hot(X[:, place], *self.kept[place]) for place in self.texts]
        encoded = np.ascontiguousarray(np.concatenate(parts, axis=1))
        if self.kind == "scaled":
            large = self.scale > LARGE
            if large.any():
                encoded[:, large] = encoded[:, large] / self.scale[large] - self.center[large] / self.scale[large]
            encoded[:, ~large] -= self.center[~large]
            encoded[:, ~large] /= self.scale[~large]
        return encoded

    def _numbers(self, X):
        X = np.where(np.isnan(X), self.fill, X)
        if self.kind == "unit":  # halves: a difference of large numbers may be beyond the largest float
            width = np.where(self.most > self.least, self.most / 2 - self.least / 2, 0.5)
            with np.errstate(over="ignore"):
                X = np.clip((X / 2 - self.least / 2) / width, 0, 1)
        elif self.kind == "binned":
            ends = zip(self.least, self.most, strict=True)
            edges = np.array([equal_parts(low, high, BINS)[1:-1] for low, high in ends]).reshape(-1, BINS - 1).T
            X = np.where(self.most > self.least, (X >= edges[:, None]).sum(axis=0), 0).astype(float)
        return X


def estimate(kind, X, texts):
    """The Encoder of one of the forms of INPUTS for training rows X (n, d) float64, NaN where missing.

    texts: of each text column: its place -> its texts, and X holds the places of its cells among them
    """
    numbers = np.array([i for i in range(X.shape[1]) if i not in texts], np.int64)
    known = [X[~np.isnan(X[:, i]), i] for i in numbers]
    fill, least, most = (
        np.array([summary(x) if len(x) else 0.0 for x in known]) for summary in (median, np.min, np.max)
    )
    kept = {} if kind == "native" else {place: frequent(X[:, place]) for place in texts}
    nothing = np.empty(0)
    encoder = Encoder(kind, numbers, fill, least, most, texts, kept, nothing, nothing)
    if kind != "scaled":
        return encoder
    encoded = encoder._replace(kind="filled").apply(X)
    most = np.abs(encoded).max(axis=0, initial=0)
    unit = np.where((most > LARGE) | ((most < 1 / LARGE) & (most > 0)), most, 1)  # where squares leave float64
    deviation = (encoded / unit).std(axis=0) * unit
    return encoder._replace(center=(encoded / unit).mean(axis=0) * unit, scale=np.where(deviation > 0, deviation, 1))


def median(x):
    x = np.sort(x)
    return middle(x[(len(x) - 1) // 2], x[len(x) // 2])


def frequent(places):
    """(the texts of a column that get a column of their own, in order; whether all others share one)."""
    seen, counts = np.unique(np.where(np.isnan(places), MISSING, places), return_counts=True)
    if len(seen) <= ONE_HOT:
        return seen, False
    return np.sort(seen[np.argsort(-counts, kind="stable")[: ONE_HOT - 1]]), True


def one_hot(places, kept, others):
    """(n, len(kept) + others): 1 in the column of each row's text; 0 everywhere for one without any column."""
    hot = np.where(np.isnan(places), MISSING, places)[:, None] == kept
    if others:
        hot = np.column_stack([hot, ~hot.any(axis=1)])
    return hot.astype(float)


def as_objects(X, texts):
    """X with numbers as numbers and texts as texts, None where one is missing; floats where no column is a text."""
    if not texts:
        return X
    mixed = X.astype(object)
    for i, words in texts.items():
        mixed[:, i] = [None if np.isnan(place) or place < 0 else words[int(place)] for place in X[:, i]]
    return mixed
