"""What estimators by k nearest neighbours share: every k and weighting from one search, every fold from one index."""

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier

from fastml.neighbors.weights import vote_weights
from fastml.sharing import NotShared, separate_fit
from fastml_ext import model_selection as folds
from fastml_ext import neighbors as kernels

__all__ = ["shared_responses"]

HELD_AT_ONCE = 2**21  # neighbours between search and votes: 32 MB
SPARE = 3.0  # standard deviations of neighbours in the own fold: a search of twice that many mends the rare rest
LEAST_SHARE = 0.5  # of the rows in a fold's training set, for a search among all rows to pay


def shared_responses(self: Any, X: Any, y: Any, splits: Any, settings: Any, method: str) -> Iterator[Any]:
    """Predictions of every setting for each split, or with method="predict_proba" shares of the votes.

    A method of `fastml.sharing.SharesWork`. One index over all rows serves every fold. Each asked row is searched once,
    for as many neighbours as the largest k needs after those outside its training rows are left out; the few rows where
    more are left out than expected are searched again. So the neighbours are those of a separate fit, in the same
    order.
    """
    settings = [{"n_neighbors": self.n_neighbors, "weights": self.weights} | setting for setting in settings]
    most = check_settings(self, settings, min(len(train) for train, _ in splits))
    with separate_fit():
        X, y = clone(self)._check_points(X, y, multi_output=True)
        whole = clone(self).set_params(n_neighbors=most).fit(X, y)  # algorithm="auto" looks at k
    if np.ndim(y) > 1 or self.metric == "precomputed" or method not in ("predict", "predict_proba"):
        raise NotShared("only predictions of one output, from rows rather than distances, are shared")
    if method == "predict_proba":
        check_classes(whole, splits)
    ends = np.cumsum([len(test) for _, test in splits]).tolist()
    parts, seen = [], 0
    for voter, distances, indices in neighbors_of_splits(whole, X, y, splits, most):
        parts.append(answers(voter, distances, indices, settings, method))
        seen += len(indices)
        if seen == ends[0]:
            yield [np.concatenate(of_setting) for of_setting in zip(*parts, strict=True)]
            parts, ends = [], ends[1:]


def check_settings(self, settings, n_fitted):
    """The largest k; whatever is wrong with a setting is for its own fit to say."""
    ks = [setting["n_neighbors"] for setting in settings]
    if not all(isinstance(k, Integral) and 1 <= int(k) <= n_fitted for k in ks):
        raise NotShared(f"n_neighbors must be from 1 to {n_fitted}, the rows of the smallest training set")
    with separate_fit():
        for weights in {setting["weights"] for setting in settings}:
            clone(self).set_params(weights=weights)._validate_params()
    return int(max(ks))


def check_classes(whole, splits):
    for train, _ in splits:
        if len(np.unique(whole._codes[0][train])) < len(whole.classes_):
            raise NotShared("a class is missing from a fold, so its probabilities have fewer columns")


def neighbors_of_splits(whole, X, y, splits, k):
    """(voter, distances, indices) of the k nearest training rows of the asked rows, in pieces of one split each.

    voter: the fitted estimator that `indices` are rows of: `whole`, or that of the fold alone
    """
    n, share = X.shape[0], min(len(train) for train, _ in splits) / X.shape[0]
    ascending = all((np.diff(train) > 0).all() for train, _ in splits)  # ties follow the order of the training rows
    if not ascending or share < LEAST_SHARE or getattr(whole, "class_weight", None) is not None:
        for train, test in splits:
            alone = refitted(whole, X, y, train)
            for part in pieces(test, k):
                yield alone, *nearest(alone, X[part], k)
        return
    wanted = min(n, int(k / share + SPARE * np.sqrt(k * (1 - share)) / share) + 2)
    queries = np.concatenate([test for _, test in splits])
    ends = np.cumsum([len(test) for _, test in splits])
    begin = 0
    for part in pieces(queries, wanted):
        found = nearest(whole, X[part], wanted)
        for split in range(np.searchsorted(ends, begin, "right"), len(splits)):
            start = max(begin, ends[split - 1] if split else 0)
            stop = min(begin + len(part), ends[split])
            if start >= stop:
                break
            rows = slice(start - begin, stop - begin)
            distances, indices = found[0][rows], found[1][rows]
            yield whole, *without_fold(whole, X, y, splits[split][0], part[rows], distances, indices, k)
        begin += len(part)


def refitted(whole, X, y, train):
    with separate_fit():
        return clone(whole).fit(X[train], y[train])


def nearest(voter, X, k):
    with separate_fit():  # a metric of the user's may fail
        return voter.kneighbors(X, k)


def pieces(rows, k):
    size = max(256, HELD_AT_ONCE // k)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def without_fold(whole, X, y, train, rows, distances, indices, k):
    """The first k training rows among the neighbours of `rows`; where those are fewer, among twice as many."""
    training = np.zeros(X.shape[0], np.uint8)
    training[train] = 1
    wanted = 2 * indices.shape[1]
    columns, indices = folds.first_kept(indices, training, k)
    distances = np.take_along_axis(distances, columns, axis=1)
    short = np.flatnonzero(columns[:, -1] < 0)
    if len(short) and wanted < X.shape[0] and len(short) * wanted < HELD_AT_ONCE:
        far, others = nearest(whole, X[rows[short]], wanted)
        distances[short], indices[short] = without_fold(whole, X, y, train, rows[short], far, others, k)
    elif len(short):
        alone = refitted(whole, X, y, train)
        distances[short], found = nearest(alone, X[rows[short]], k)
        indices[short] = train[found]
    return distances, indices


def answers(voter, distances, indices, settings, method):
    """What the neighbours of some rows answer, in each setting."""
    results = [None] * len(settings)
    for weights, places in by_weighting(settings).items():
        ks = [settings[at]["n_neighbors"] for at in places]
        if callable(weights):  # may look at all its k distances at once
            found = [path(voter, distances[:, :k], indices[:, :k].copy(), weights, [k], method)[0] for k in ks]
        else:
            order = np.argsort(ks, kind="stable")
            ascending = path(voter, distances, indices, weights, np.array(ks)[order], method)
            found = [ascending[rank] for rank in np.argsort(order)]
        for at, result in zip(places, found, strict=True):
            results[at] = result
    return results


def path(voter, distances, indices, weights, ks, method):
    """The response for each of ascending ks, by one weighting of the votes."""
    ks = np.asarray(ks, np.int64)
    with separate_fit():  # so may weights
        votes = vote_weights(weights, distances, n_jobs=voter.n_jobs)
    if not is_classifier(voter):
        means = [voter._mean_of_first(k, indices, votes.ravel(), indices.shape)[:, 0] for k in ks.tolist()]
        return [mean.astype(voter._target_dtype, copy=False) for mean in means]
    votes = voter._weigh(0, indices, votes)
    votes = votes if len(votes) else np.empty((0, 0))
    codes, n_classes = voter._codes[0], len(voter.classes_)
    if method == "predict":
        return voter.classes_[kernels.vote_path(indices, votes, codes, n_classes, ks, voter.n_jobs)]
    return folds.share_path(indices, votes, codes, n_classes, ks)


def by_weighting(settings):
    """{weights: places of the settings that have them}."""
    groups: dict = {}
    for at, setting in enumerate(settings):
        groups.setdefault(setting["weights"], []).append(at)
    return groups
