"""What to believe of a comparison: what leaks, which model is best and how surely, what its columns are worth."""

import statistics
import warnings

import numpy as np

from fastml.cli.encoder import estimate
from fastml.cli.models import CLASSIFICATION, load
from fastml.cli.race import LIBRARIES, leaders, score, splits, surely_better
from fastml.cli.terminal import duration

__all__ = ["headline", "held_out", "importances", "interval", "positive", "ranked", "worth"]

ROWS = 1000  # of a fold that columns are shuffled in
LARGEST = 5000  # training rows of the models whose columns are shuffled
COLUMNS = 40
REPEATS = 3
IMBALANCE = 0.3  # share of a class below which accuracy alone says little


def ranked(entries):
    """Entries by their mean score, the best first; those without a score come last."""
    return sorted(entries, key=lambda entry: -statistics.mean(entry.scores) if entry.scores else np.inf)


def interval(scores):
    """Half the width of the 95 % interval of the mean over folds, by Nadeau and Bengio's variance."""
    from scipy.stats import t

    k = len(scores)
    if k < 2:
        return float("nan")
    return float(t.ppf(0.975, k - 1) * np.sqrt(np.var(scores, ddof=1) * (1 / k + 1 / (k - 1))))


def headline(race, problem):
    """The sentence at the top: what is best, by how much, how surely, and what it costs; "" where nothing ran whole."""
    entries = [e for e in race.of(problem) if len(e.scores) == race.folds]
    base = [e for e in race.entries if e.baseline and e.problem == problem.name and len(e.scores) == race.folds]
    if not entries or not base:
        return ""
    top, first = ranked(entries)[0], leaders(entries, race.folds)
    name = "accuracy" if problem.task == CLASSIFICATION else "R²"
    mean, floor = statistics.mean(top.scores), statistics.mean(base[0].scores)
    if mean <= floor or not surely_better(top, base[0], race.folds):
        return (
            f"No model is surely better than {base[0].title} on {problem.name}: the highest, {top.title}, "
            f"has {name} {mean:.3f}, {base[0].title} {floor:.3f}."
        )
    all_ran = len(entries) == len(race.of(problem))
    tied = [e.title for e in first if e is not top]
    sure = (
        f"surely better than every other{'' if all_ran else ' that ran'} (p < {0.05})"
        if len(first) == 1
        else f"not surely better than {', '.join(tied[:3])}{' and others' if len(tied) > 3 else ''}"
        if tied
        else "the only one that ran whole"
    )
    runs = top.runs[LIBRARIES[0]]
    fit, ask = (statistics.median(getattr(run, what) for run in runs) for what in ("fit", "predict"))
    n = len(problem.y) / race.folds
    reached = f"{name} {mean:.3f} ± {interval(top.scores):.3f}"
    above = f"{mean - floor:.3f} above {base[0].title}"
    cost = f"It is fitted in {duration(fit)} and answers in {duration(ask / n)} a row."
    return f"Highest on {problem.name}: {top.title}, {reached}, {above}; {sure}. {cost}"


def positive(problem):
    """The rarer of two classes, or None where there are more."""
    classes, counts = np.unique(problem.y, return_counts=True)
    return classes[np.argmin(counts)] if len(classes) == 2 else None


def worth(race, problem):
    """Rows of a second table for classes: [model, balanced accuracy, average precision, Brier score], held-out rows."""
    if problem.task != CLASSIFICATION:
        return []
    return [row for entry in ranked(race.of(problem)) if (row := judged(problem, entry)) is not None]


def judged(problem, entry):
    from fastml.metrics import average_precision_score, balanced_accuracy_score

    if entry.seen is None or not entry.seen.any():
        return None
    seen = entry.seen
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a class may be missing in a part of the rows
        balanced = balanced_accuracy_score(problem.y[seen], entry.predicted[seen])
        scores, classes = entry.sureness, np.unique(problem.y)
        if scores is None or np.isnan(scores[seen]).any():
            return [entry.title, f"{balanced:.3f}", "-", "-"]
        if len(classes) == 2:
            at = int(np.flatnonzero(classes == positive(problem))[0])
            precision = average_precision_score(problem.y[seen] == classes[at], scores[seen, at])
        else:
            precision = np.mean(
                [average_precision_score(problem.y[seen] == c, scores[seen, i]) for i, c in enumerate(classes)]
            )
        hot = problem.y[seen][:, None] == classes
        brier = f"{((scores[seen] - hot) ** 2).sum(axis=1).mean():.3f}" if entry.probable else "-"
    return [entry.title, f"{balanced:.3f}", f"{precision:.3f}", brier]


def held_out(model, X, classes):
    """((m, n_classes) what a fitted model says of each class, whether these are probabilities), or (None, False)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if hasattr(model, "predict_proba"):
                given, probable = np.asarray(model.predict_proba(X), float), True
            elif hasattr(model, "decision_function"):
                given, probable = np.asarray(model.decision_function(X), float), False
                given = np.column_stack([-given, given]) if given.ndim == 1 else given
            else:
                return None, False
        except Exception:  # said where the model predicts
            return None, False
    found = np.zeros((len(X), len(classes))) if probable else np.full((len(X), len(classes)), -np.inf)
    places = np.searchsorted(classes, model.classes_)
    if len(places) != given.shape[1]:
        return None, False
    found[:, places] = given
    return np.nan_to_num(found, posinf=1e300, neginf=-1e300), probable


def importances(race, problem, model):
    """[(column, mean fall of the score where it is shuffled, standard deviation)], the largest first.

    The model is fitted on the training rows of each fold, the column shuffled in rows that were held out.
    """
    from fastml.cli.problem import strongest

    random = np.random.default_rng(0)
    falls: dict = {}
    places = list(range(problem.X.shape[1]))
    if len(places) > COLUMNS:
        places = [*strongest(problem), *problem.texts][:COLUMNS]
    for train, test in splits(problem, race.folds):
        rows = random.permutation(train)[:LARGEST]
        test = random.permutation(test)[:ROWS]
        encoder = estimate(model.input, problem.X[rows], problem.texts, problem.reduce)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitted = load(model)[0](**model.settings_for(len(rows))).fit(
                encoder.apply(problem.X[rows]), problem.y[rows]
            )
            X, y = problem.X[test], problem.y[test]
            whole = score(problem.task, y, fitted.predict(encoder.apply(X)))
            for i in places:
                race.progress(f"importance of columns on {problem.name}", problem.names[i])
                for _ in range(REPEATS):
                    shuffled = X.copy()
                    shuffled[:, i] = random.permutation(shuffled[:, i])
                    fall = whole - score(problem.task, y, fitted.predict(encoder.apply(shuffled)))
                    falls.setdefault(i, []).append(fall)
        if race.left() < 5:
            break
    found = [(problem.names[i], float(np.mean(each)), float(np.std(each))) for i, each in falls.items()]
    return sorted(found, key=lambda item: -item[1])
