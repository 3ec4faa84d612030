"""Pictures of what the best models say of rows that were held out: ROC, precision and recall, calibration."""

import numpy as np

from fastml.cli.judging import positive
from fastml.cli.pictures import COLOURS, FAINT, Drawing

__all__ = ["calibration", "precision_recall", "roc", "roc_of_classes", "sparks"]

BINS = 10  # of a calibration curve, equally full
POINTS = 200  # of a curve
BARS = 24  # of a distribution


def of_positive(problem, entry):
    """(whether each row is of the rarer class, how sure the model was of it) of the rows held out."""
    rows = entry.seen
    at = int(np.flatnonzero(np.unique(problem.y) == positive(problem))[0])
    return problem.y[rows] == positive(problem), entry.sureness[rows, at]


def roc(problem, entries):
    from fastml.metrics import roc_auc_score, roc_curve

    drawing = Drawing()
    with drawing as axes:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        for colour, entry in zip(COLOURS, entries, strict=False):
            truth, sure = of_positive(problem, entry)
            false, true, _ = roc_curve(truth, sure)
            area = roc_auc_score(truth, sure)
            axes.plot(*thinned(false, true), color=colour, label=f"{entry.title} ({area:.3f})", linewidth=1.4)
        axes.set(xlabel="false positives, share", ylabel="true positives, share")
        axes.legend(fontsize=7, frameon=False, loc="lower right")
    return drawing


def roc_of_classes(problem, entry):
    """Of one model a curve for each class against all others."""
    from fastml.metrics import roc_auc_score, roc_curve

    drawing, rows, classes = Drawing(), entry.seen, np.unique(problem.y)
    with drawing as axes:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        for colour, label, sure in zip(COLOURS, classes, entry.sureness[rows].T, strict=False):
            truth = problem.y[rows] == label
            if truth.all() or not truth.any():
                continue
            false, true, _ = roc_curve(truth, sure)
            words = f"{str(label)[:20]} ({roc_auc_score(truth, sure):.3f})"
            axes.plot(*thinned(false, true), color=colour, label=words, linewidth=1.2)
        axes.set(xlabel="false positives, share", ylabel="true positives, share")
        axes.legend(fontsize=7, frameon=False, loc="lower right")
    return drawing


def precision_recall(problem, entries):
    from fastml.metrics import average_precision_score, precision_recall_curve

    drawing = Drawing()
    with drawing as axes:
        for colour, entry in zip(COLOURS, entries, strict=False):
            truth, sure = of_positive(problem, entry)
            precision, recall, _ = precision_recall_curve(truth, sure)
            mean = average_precision_score(truth, sure)
            axes.plot(*thinned(recall, precision), color=colour, label=f"{entry.title} ({mean:.3f})", linewidth=1.4)
        axes.axhline(truth.mean(), color=FAINT, linewidth=1)
        axes.set(xlabel="recall", ylabel="precision", ylim=(0, 1.02))
        axes.legend(fontsize=7, frameon=False, loc="lower left")
    return drawing


def thinned(x, y):
    """At most POINTS points of a curve, its ends among them."""
    places = np.unique(np.linspace(0, len(x) - 1, POINTS).astype(int))
    return x[places], y[places]


def calibration(problem, entries):
    """Of rows told with a certainty, the share that came true; of many classes, of the class that was told."""
    drawing, classes = Drawing(), np.unique(problem.y)
    with drawing as axes:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=1)
        for colour, entry in zip(COLOURS, entries, strict=False):
            if len(classes) == 2:
                true, sure = of_positive(problem, entry)
            else:
                given = entry.sureness[entry.seen]
                sure, true = given.max(axis=1), classes[given.argmax(axis=1)] == problem.y[entry.seen]
            order = np.argsort(sure, kind="stable")
            parts = [part for part in np.array_split(order, BINS) if len(part)]
            told, came = [sure[part].mean() for part in parts], [true[part].mean() for part in parts]
            axes.plot(told, came, marker="o", markersize=3, color=colour, label=entry.title, linewidth=1.2)
        axes.set(xlabel="told probability", ylabel="share that came true", xlim=(0, 1), ylim=(0, 1.02))
        axes.legend(fontsize=7, frameon=False, loc="upper left")
    return drawing


def sparks(values, texts):
    """Heights, 0 to 1, of the bars that show how the cells of a column are distributed."""
    known = values[~np.isnan(values)]
    if not len(known):
        return []
    if texts is not None:
        counts = np.sort(np.bincount(known.astype(np.int64), minlength=1))[::-1][:BARS]
    else:
        low, high = known.min(), known.max()
        whole = len(np.unique(known[:10_000])) <= BARS
        with np.errstate(all="ignore"):
            wide = np.isfinite(high - low) and high > low
        if whole:
            counts = np.unique(known, return_counts=True)[1][:BARS]
        else:
            counts = np.histogram(known, BARS)[0] if wide else np.array([len(known)])
    return (counts / max(1, counts.max())).tolist()
