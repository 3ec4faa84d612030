"""Pictures of scores: the confusion matrix, curves over thresholds, over a parameter and over the number of rows."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from fastml import metrics
from fastml.markup import math_free
from fastml.plot.axes import axes_of

__all__ = ["confusion_matrix", "learning_curve", "precision_recall", "roc", "validation_curve"]

MOST_WRITTEN = 30  # classes: with more, a number no longer fits into its cell


def confusion_matrix(y_true: Any, y_pred: Any = None, *, normalize: str | None = None, ax: Any = None) -> Any:
    """Draw how many rows of each true class (rows) were predicted as each class (columns).

    y_true: (n,) labels, or a `fastml.metrics.Confusion` | y_pred: (n,) labels, left out for a Confusion
    normalize: None writes counts, "true", "pred" or "all" shares; the shade is always the share of the true class
    ax: matplotlib axes, default new ones; they are returned

    >>> ax = confusion_matrix(["cat", "dog", "dog"], ["cat", "dog", "cat"])
    >>> ax.get_xlabel(), [text.get_text() for text in ax.texts]
    ('predicted', ['1', '0', '1', '1'])
    """
    counted = y_true if isinstance(y_true, metrics.Confusion) else metrics.Confusion.count(y_true, y_pred)
    values = counted.matrix if normalize is None else counted.normalized(normalize)
    shades, n_classes = counted.normalized("true"), len(counted.labels)
    side = np.clip(1.8 + 0.55 * n_classes, 3.2, 12)
    ax = axes_of(ax, (side + 0.4, side))
    ax.imshow(shades, cmap="Blues", vmin=0, vmax=1)
    if n_classes <= MOST_WRITTEN:
        for row, column in np.ndindex(values.shape):
            value = f"{values[row, column]:g}" if normalize is None else f"{values[row, column]:.2f}"
            color = "white" if shades[row, column] > 0.55 else "black"
            ax.text(column, row, value, ha="center", va="center", color=color)
        names = [math_free(label) for label in counted.labels]
        slanted = {"rotation": 45, "rotation_mode": "anchor", "ha": "right"} if max(map(len, names)) > 3 else {}
        ax.set_xticks(range(n_classes), names, **slanted)
        ax.set_yticks(range(n_classes), names)
    ax.set(xlabel="predicted", ylabel="true", title=f"accuracy {counted.accuracy:.3f} of {counted.total:g} rows")
    return ax


def roc(
    y_true: Any,
    y_score: Any,
    *,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
    name: str | None = None,
    ax: Any = None,
) -> Any:
    """Draw the ROC curve of a score, or of each of several: true against false positive rate.

    y_true: (n,) labels of two classes | y_score: (n,), or a dict of such by name
    pos_label, sample_weight: as in `fastml.metrics.roc_curve` | name: legend of a single score
    ax: matplotlib axes, default new ones; they are returned

    >>> ax = roc([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], name="model")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['model: area 0.750', 'chance']
    """
    ax = axes_of(ax, (4.6, 4.4))
    for each, scores in named(y_score, name).items():
        fpr, tpr, _ = metrics.roc_curve(y_true, scores, pos_label=pos_label, sample_weight=sample_weight)
        ax.plot(fpr, tpr, label=f"{math_free(each)}: area {metrics.auc(fpr, tpr):.3f}", clip_on=False)
    ax.plot([0, 1], [0, 1], color="0.6", linestyle="--", linewidth=1, label="chance")
    ax.set(xlabel="false positive rate", ylabel="true positive rate", xlim=(0, 1), ylim=(0, 1), aspect="equal")
    ax.legend(loc="lower right")
    return ax


def precision_recall(
    y_true: Any,
    y_score: Any,
    *,
    pos_label: Any = None,
    sample_weight: ArrayLike | None = None,
    name: str | None = None,
    ax: Any = None,
) -> Any:
    """Draw the precision against the recall of a score, or of each of several; parameters as in `roc`.

    >>> ax = precision_recall([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8], name="model")
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['model: average precision 0.833']
    """
    ax = axes_of(ax, (4.6, 4.4))
    for each, scores in named(y_score, name).items():
        precision, recall, _ = metrics.precision_recall_curve(
            y_true, scores, pos_label=pos_label, sample_weight=sample_weight
        )
        average = max(0.0, -float((np.diff(recall) * precision[:-1]).sum()))
        ax.step(
            recall, precision, where="post", label=f"{math_free(each)}: average precision {average:.3f}", clip_on=False
        )
    ax.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), aspect="equal")
    ax.legend(loc="lower left")
    return ax


def validation_curve(
    search: Any, param: str | None = None, *, metric: str = "score", log: bool | None = None, ax: Any = None
) -> Any:
    """Draw the scores of a search over one of its parameters, a line for each combination of the others.

    search: fitted search, fastml's or scikit-learn's | param: the parameter, default the only one or the first numeric
    metric: the name of the score, where there are several | log: logarithmic axis, default by the spacing of the values
    ax: matplotlib axes, default new ones; they are returned

    The band is one standard error (standard deviation, ddof=1, over the root of the number of folds); training scores
    are dashed, where the search has them; the dot is the candidate chosen.

    >>> from fastml.model_selection import GridSearchCV
    >>> from fastml.neighbors import KNeighborsClassifier
    >>> search = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3, 5]}, cv=2)
    >>> ax = validation_curve(search.fit([[i] for i in range(20)], [0, 0, 0, 0, 0, 1, 1, 1, 1, 1] * 2))
    >>> ax.get_xlabel()
    'n_neighbors'
    """
    results = search.cv_results_
    param = param or first_numeric(results["params"])
    if any(param not in candidate for candidate in results["params"]):
        raise ValueError(f"param={param!r} is not a parameter of every candidate")
    n_folds = sum(key.startswith("split") and key.endswith(f"_test_{metric}") for key in results)
    if n_folds == 0:
        raise ValueError(f"the search has no score named {metric!r}")
    ax = axes_of(ax, (6.0, 4.0))
    values = np.array([candidate[param] for candidate in results["params"]])
    for label, places in by_the_others(results["params"], param).items():
        places = np.array(places)[np.argsort(values[places], kind="stable")]
        mean, std = (results[f"{part}_test_{metric}"][places] for part in ("mean", "std"))
        (line,) = ax.plot(values[places], mean, marker=".", label=label)
        if n_folds > 1:
            half = std / np.sqrt(n_folds - 1)
            ax.fill_between(values[places], mean - half, mean + half, color=line.get_color(), alpha=0.2, linewidth=0)
        if f"mean_train_{metric}" in results:
            training = f"{label}, training" if label else "training"
            train = results[f"mean_train_{metric}"][places]
            ax.plot(values[places], train, color=line.get_color(), linestyle="--", linewidth=1, label=training)
    if hasattr(search, "best_index_"):
        best = search.best_index_
        chosen = f"chosen: {values[best]:g}"
        ax.plot(values[best], results[f"mean_test_{metric}"][best], "ko", markersize=6, label=chosen)
    if spans_decades(values) if log is None else log:
        from matplotlib.ticker import NullFormatter, ScalarFormatter

        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(ScalarFormatter())
        ax.xaxis.set_minor_formatter(NullFormatter())
    ax.set(xlabel=param, ylabel=metric if metric != "score" else score_name(search))
    if any(not text.startswith("_") for text in ax.get_legend_handles_labels()[1]):
        ax.legend()
    return ax


def learning_curve(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    train_sizes: Any = None,
    cv: Any = 5,
    scoring: Any = None,
    random_state: int | np.random.RandomState | None = 0,
    n_jobs: int | None = None,
    ax: Any = None,
) -> Any:
    """Draw the scores of a model over the number of rows it was fitted on, held out and on the training rows.

    estimator, X, y, cv, scoring, n_jobs: as in scikit-learn's learning_curve
    train_sizes: shares or numbers of rows, default eight shares up to all | random_state: of the order of the rows
    ax: matplotlib axes, default new ones; they are returned

    The bands are one standard error over the folds.

    >>> from fastml.neighbors import KNeighborsClassifier
    >>> X, y = [[i] for i in range(40)], [0, 1] * 20
    >>> learning_curve(KNeighborsClassifier(1), X, y, train_sizes=[8, 16, 32]).get_xlabel()
    'rows to train on'
    """
    from sklearn.model_selection import learning_curve as scores_by_size

    sizes = np.linspace(0.1, 1, 8) if train_sizes is None else train_sizes
    options = {"cv": cv, "scoring": scoring, "shuffle": True, "random_state": random_state, "n_jobs": n_jobs}
    sizes, train, test = scores_by_size(estimator, X, y, train_sizes=sizes, **options)
    ax = axes_of(ax, (6.0, 4.0))
    for scores, label in ((train, "training rows"), (test, "held-out rows")):
        mean, half = scores.mean(axis=1), scores.std(axis=1, ddof=1) / np.sqrt(scores.shape[1])
        (line,) = ax.plot(sizes, mean, marker=".", label=label, linestyle="--" if scores is train else "-")
        ax.fill_between(sizes, mean - half, mean + half, color=line.get_color(), alpha=0.2, linewidth=0)
    ax.set(xlabel="rows to train on", ylabel=scoring if isinstance(scoring, str) else default_score(estimator))
    ax.legend()
    return ax


def named(scores, name):
    return scores if isinstance(scores, dict) else {name or "score": scores}


def first_numeric(candidates):
    """The first parameter of every candidate whose values are numbers and differ."""
    for name in candidates[0]:
        values = [candidate.get(name) for candidate in candidates]
        numbers = all(isinstance(value, (int, float, np.number)) and not isinstance(value, bool) for value in values)
        if numbers and len(set(values)) > 1:
            return name
    raise ValueError("no parameter of the search has several numbers as values: pass param")


def by_the_others(candidates, param):
    """{text of the other parameters that differ: places of the candidates}."""
    names = sorted({name for candidate in candidates for name in candidate} - {param})
    varied = [name for name in names if len({repr(candidate.get(name)) for candidate in candidates}) > 1]
    lines: dict = {}
    for place, candidate in enumerate(candidates):
        text = ", ".join(f"{name}={candidate.get(name)}" for name in varied)
        lines.setdefault(text or None, []).append(place)
    return lines


def spans_decades(values):
    """Are the values spaced by factors rather than by steps?"""
    values = np.unique(values)
    if len(values) < 3 or values[0] <= 0:
        return False
    return values[-1] / values[0] > 50 and values[1] - values[0] < np.ptp(values) / 20


def score_name(search):
    scoring = search.scoring
    return scoring if isinstance(scoring, str) else default_score(search.estimator) if scoring is None else "score"


def default_score(estimator):
    from sklearn.base import is_classifier, is_regressor

    return "accuracy" if is_classifier(estimator) else "R²" if is_regressor(estimator) else "score"
