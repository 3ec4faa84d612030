"""The curse of dimensionality, as a table has it."""

from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from fastml._sklearn import check_array
from fastml.decomposition import PCA
from fastml.neighbors import KNeighborsClassifier, concentration
from fastml.plot.axes import axes_of

__all__ = ["dimensionality"]


def dimensionality(
    X: Any, y: Any = None, *, n_neighbors: int = 5, max_samples: int = 1000, random_state: Any = 0, ax: Any = None
) -> Any:
    """Draw how distances concentrate as columns are added, and what PCA does to nearest neighbours.

    The relative contrast of the distances falls as columns are added, see `fastml.neighbors.concentration`; dotted
    lines mark how many dimensions the rows fill. With labels, a second axis has the accuracy of k nearest neighbours on
    held-out rows after PCA to m directions.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Numbers.
    y : array-like of shape (n_samples,), default=None
        Labels; None draws no accuracy.
    n_neighbors : int, default=5
        Of the classifier.
    max_samples : int, default=1000
        Rows drawn, where there are more: for the distances, for learning and for holding out.
    random_state : int, RandomState instance or None, default=0
        Of the draws.
    ax : matplotlib axes, default=None
        Where to draw; new ones by default.

    Returns
    -------
    ax : matplotlib axes

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> ax = dimensionality(X, y, max_samples=300)
    >>> ax.get_xlabel()
    'columns, or directions of PCA'
    """
    X = check_array(X, dtype=np.float64)
    found = concentration(X, max_samples=max_samples, random_state=random_state)
    ax = axes_of(ax, (6.4, 4.2))
    (line,) = ax.plot(found.columns, found.contrast, "o-", color="C0", label="contrast of distances")
    ax.set(xscale="log", yscale="log", xlabel="columns, or directions of PCA", ylabel="(farthest − nearest) / nearest")
    ax.set_xticks(found.columns, found.columns)
    ax.xaxis.minorticks_off()
    lines = [line]
    for value, name, color in ((found.by_neighbors, "by neighbours", "C2"), (found.by_spectrum, "by spectrum", "C3")):
        if np.isfinite(value):
            lines.append(ax.axvline(value, color=color, ls=":", label=f"{value:.1f} dimensions {name}"))
    if y is not None:
        counts, accuracy = held_out(X, np.asarray(y), found.columns, n_neighbors, max_samples, random_state)
        right = ax.twinx()
        lines += right.plot(
            counts, accuracy, "s--", color="C1", label=f"accuracy of {n_neighbors} neighbours after PCA"
        )
        right.set(ylabel="accuracy on held-out rows")
    ax.legend(handles=lines, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2, frameon=False)
    return ax


def held_out(X, y, columns, n_neighbors, most, random_state):
    """(directions, accuracies): of neighbours on rows held out, after PCA learnt on the others."""
    order = check_random_state(random_state).permutation(len(X))
    cut = min(most, len(X) // 2)
    train, test = order[:cut], order[cut : 2 * cut]
    most_directions = min(cut, X.shape[1])
    counts = np.unique(np.append(columns[columns <= most_directions], most_directions))
    model = PCA(int(counts[-1]), svd_solver="full").fit(X[train])
    Z, Q = model.transform(X[train]), model.transform(X[test])
    k = min(n_neighbors, cut)
    scores = []
    for m in counts:
        model = KNeighborsClassifier(k).fit(np.ascontiguousarray(Z[:, :m]), y[train])
        scores.append(model.score(np.ascontiguousarray(Q[:, :m]), y[test]))
    return counts, np.array(scores)
