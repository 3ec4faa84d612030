"""What nearest-neighbour classifiers share: every k and weighting from one search, every fold from one index."""

from numbers import Integral

import numpy as np
from sklearn.base import clone

from fastml_ext import model_selection as kernels

__all__ = ["SharedNeighbors"]

HELD_AT_ONCE = 2**21  # neighbours between search and votes: 32 MB
LEAST_SHARE = 0.5  # of the rows in a fold's training set, for a search among all rows to pay


class SharedNeighbors:
    """The half of `fastml.sharing.SharesWork` that classifiers by nearest neighbours inherit.

    One index over all rows serves every fold. Each asked row is searched once, for as many neighbours as the largest k
    needs after those outside its training rows are left out; the few rows where more are left out than expected are
    searched again among the training rows alone. So the neighbours are those of a separate fit, in the same order.
    """

    shared_parameters = ("n_neighbors", "weights")

    def shared_responses(self, X, y, splits, settings, method):
        """Labels (method="predict") or shares of the votes ("predict_proba") of every setting, for each split."""
        if method not in ("predict", "predict_proba"):
            raise ValueError(f"method={method!r} is not shared: neighbors vote for predict and predict_proba")
        settings = [{"n_neighbors": self.n_neighbors, "weights": self.weights} | setting for setting in settings]
        most = self._check_settings(settings, min(len(train) for train, _ in splits))
        X, y = clone(self)._check_fit(X, y)
        whole = clone(self).set_params(n_neighbors=1).fit(X, y)
        if method == "predict_proba" and any(
            len(np.unique(whole._codes[train])) < len(whole.classes_) for train, _ in splits
        ):
            raise ValueError("a class is missing from a fold, so its probabilities have fewer columns")
        parts, ends = [], np.cumsum([len(test) for _, test in splits]).tolist()
        seen = 0
        for distances, indices in neighbors_of_splits(whole, X, y, splits, most):
            parts.append(self._vote(whole, distances, indices, settings, method))
            seen += len(indices)
            if seen == ends[0]:
                yield [np.concatenate(of_setting) for of_setting in zip(*parts, strict=True)]
                parts, ends = [], ends[1:]

    def _check_settings(self, settings, n_fitted):
        """The largest k; whatever is wrong with a setting is for its own fit to say."""
        ks = [setting["n_neighbors"] for setting in settings]
        if not all(isinstance(k, Integral) and 1 <= k <= n_fitted for k in ks):
            raise ValueError(f"n_neighbors must be from 1 to {n_fitted}, the rows of the smallest training set")
        for weights in {setting["weights"] for setting in settings}:
            clone(self).set_params(weights=weights)._validate_params()
        return max(ks)

    def _vote(self, whole, distances, indices, settings, method):
        """Responses of every setting to some of the asked rows."""
        from fastml.neighbors import vote_weights

        codes, n_classes = whole._codes[indices], len(whole.classes_)
        count = kernels.vote_path if method == "predict" else kernels.share_path
        responses = [None] * len(settings)
        for weights, places in by_weighting(settings).items():
            ks = np.array([settings[at]["n_neighbors"] for at in places], np.int64)
            if callable(weights):  # may look at all its k distances at once
                paths = [
                    count(codes[:, :k].copy(), vote_weights(weights, distances[:, :k]), n_classes, ks[at : at + 1])[0]
                    for at, k in enumerate(ks)
                ]
            else:
                order = np.argsort(ks, kind="stable")
                paths = count(codes, vote_weights(weights, distances), n_classes, ks[order])[np.argsort(order)]
            for at, path in zip(places, paths, strict=True):
                responses[at] = path
        return [whole.classes_[response] for response in responses] if method == "predict" else responses


def by_weighting(settings):
    """{weights: places of the settings that have them}."""
    groups = {}
    for at, setting in enumerate(settings):
        groups.setdefault(setting["weights"], []).append(at)
    return groups


def neighbors_of_splits(whole, X, y, splits, k):
    """(distances, indices) of the k nearest training rows of the asked rows, in pieces that never span two splits."""
    n, share = len(X), min(len(train) for train, _ in splits) / len(X)
    ascending = all((np.diff(train) > 0).all() for train, _ in splits)  # ties follow the order of the training rows
    if not ascending or share < LEAST_SHARE:
        for train, test in splits:
            alone = clone(whole).fit(X[train], y[train])
            for part in pieces(test, k):
                distances, indices = alone.kneighbors(X[part], k)
                yield distances, train[indices]
        return
    wanted = min(n, int(k / share + 4 * np.sqrt(k * (1 - share)) / share) + 2)
    asked = np.concatenate([test for _, test in splits])
    ends = np.cumsum([len(test) for _, test in splits])
    begin = 0
    for part in pieces(asked, wanted):
        near = whole.kneighbors(X[part], wanted)
        for split in range(np.searchsorted(ends, begin, "right"), len(splits)):
            start = max(begin, ends[split - 1] if split else 0)
            stop = min(begin + len(part), ends[split])
            if start >= stop:
                break
            rows = slice(start - begin, stop - begin)
            yield without_fold(whole, X, y, splits[split][0], part[rows], *(each[rows] for each in near), k)
        begin += len(part)


def pieces(rows, k):
    size = max(256, HELD_AT_ONCE // k)
    return [rows[start : start + size] for start in range(0, len(rows), size)]


def without_fold(whole, X, y, train, rows, distances, indices, k):
    """The first k training rows among the neighbours of `rows`; searched again where those are fewer."""
    kept = np.zeros(len(X), np.uint8)
    kept[train] = 1
    columns, indices = kernels.first_kept(indices, kept, k)
    distances = np.take_along_axis(distances, columns, axis=1)
    short = np.flatnonzero(columns[:, -1] < 0)
    if len(short):
        alone = clone(whole).fit(X[train], y[train])
        distances[short], found = alone.kneighbors(X[rows[short]], k)
        indices[short] = train[found]
    return distances, indices
