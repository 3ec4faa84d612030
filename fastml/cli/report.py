"""`fastml-report.html`: what `fastml demo` and `fastml compare` found, as one page that needs nothing else."""

import html
import itertools
import platform
import statistics
from functools import cache, partial
from importlib import resources

import numpy as np

import fastml
from fastml.cli.columns import entropy_of, information
from fastml.cli.encoder import estimate
from fastml.cli.judging import headline, importances, positive, ranked, worth
from fastml.cli.models import CLASSIFICATION, load
from fastml.cli.output import write_text
from fastml.cli.problem import strongest
from fastml.cli.race import LIBRARIES
from fastml.cli.results import entry_cells, in_order, legend, start_cells, usual
from fastml.metrics import confusion_matrix

__all__ = ["page", "write_report"]

CLASSES = 20  # of a confusion matrix; more would not be readable
COLOURED = 10  # classes of a decision boundary
HARD = 20  # rows that no model gets right, at most
DRAWN_DEPTH = 3
COLUMNS = 6  # of those rows
BEST = 3  # models whose confusion and certainty is shown
DRAWN = 4  # models whose boundary is drawn
CURVES = 5  # models of the learning curve
OVERVIEW = 60  # columns of the overview
SHOWN = 20  # columns whose importance is shown
SLOW = 8  # seconds that what takes long needs, where a budget is set
RATIOS, NOISE = (6, 9), 1.3  # places of the ratios in a row; what is no difference


def write_report(race, title, path, repeat=None):
    """Write the page and say so; where its libraries are missing say which, and how to get them. None is no page."""
    if path is None:
        return
    try:
        text = page(race, title, repeat)
    except ImportError as error:
        print(f'\nNo {path}: {error.name} is not installed; pip install "fastml-learn[report]"')
        return
    write_text(path, text)
    print(f"\nWritten: {path}")


def page(race, title, repeat=None):
    """The page as HTML; ImportError where its libraries are missing. repeat: (command, Python) that find it again."""
    import jinja2
    import matplotlib  # noqa: F401

    source = resources.files("fastml.cli").joinpath("report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(source)
    try:
        text = template.render(content(race, title, repeat))
    finally:
        race.progress.clear()
    return text.encode("utf-8", "replace").decode("utf-8")


def content(race, title, repeat):
    number = itertools.count()
    entries = list(in_order(race))
    return {
        "title": title,
        "version": fastml.__version__,
        "machine": f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "libraries": LIBRARIES,
        "headlines": [words for p in race.problems if race.done and (words := headline(race, p))],
        "starts": [start_cells(start) for start in race.starts],
        "several": len(race.problems) > 1,
        "entries": [table_row(entry, len(race.problems) > 1) for entry in entries],
        "legend": list(legend(race)),
        "remarks": race.remarks,
        "repeat": repeat,
        "problems": [section(race, problem, number) for problem in race.problems],
    }


def table_row(entry, several):
    """(cells with the class of each, the share that the bar fills)"""
    cells = [*([entry.problem] if several else []), *entry_cells(entry)]
    ratios = [place + several for place in RATIOS]
    kinds = ["even" if place in ratios and even(cell) else "" for place, cell in enumerate(cells)]
    kinds[: several + 1] = ["text model"] * (several + 1)
    mean = statistics.mean(entry.scores) if entry.scores else 0.0
    return list(zip(cells, kinds, strict=True)), min(1.0, max(0.0, mean))


def even(cell):
    """Whether a ratio of times is within what one measurement on a busy machine tells."""
    return cell.endswith("×") and 1 / NOISE <= float(cell[:-1]) <= NOISE


def section(race, problem, number):
    """One data set: what it holds, what the best models say of it, and why."""
    from fastml.cli import pictures

    entries = ranked([e for e in race.of(problem) if e.complete])
    by_title = {model.title: model for model in race.models_for(problem)}
    models = [by_title[entry.title] for entry in entries]
    classify = problem.task == CLASSIFICATION
    figures = [*certain(problem, entries)]
    if race.left() > SLOW:
        figures += [*answers(race, problem, models[:DRAWN], entries[:DRAWN])]
        figures += [*curve(race, problem, models[:CURVES]), *inside(problem, entries)]
    fallen = []
    if models and race.left() > SLOW:
        fallen = importances_of(race, problem, models[0])
    return {
        "name": problem.name,
        "about": f"{len(problem.y)} rows, {problem.X.shape[1]} columns, {problem.task}",
        "notes": problem.notes,
        "columns": [overview(problem, i) for i in range(min(problem.X.shape[1], OVERVIEW))],
        "more": max(0, problem.X.shape[1] - OVERVIEW),
        "worth": worth(race, problem),
        "rarer": None if not classify or positive(problem) is None else str(positive(problem)),
        "matrices": [matrix(problem, entry) for entry in entries[:BEST]] if classify else [],
        "too_many": classify and len(np.unique(problem.y)) > CLASSES,
        "columns_worth": columns_worth(problem, fallen),
        "bits": f"{entropy_of(problem):.2f}",
        "tenth": not classify,
        "judge": entries[0].title if entries else "",
        "pictures": [(*picture(words, draw, next(number)), "network" in words) for words, draw in figures],
        "tree": drawn_tree(problem, models, entries) if entries and race.left() > SLOW else None,
        "hard": hard_rows(problem, entries) if entries else None,
        "folds": pictures.CURVE_FOLDS,
    }


def importances_of(race, problem, model):
    """What `importances` gives; nothing where the model cannot be asked so."""
    try:
        return importances(race, problem, model)
    except Exception:  # the rest of the page is worth having
        return []


def columns_worth(problem, fallen):
    """[(column, bits, their share of the most, fall of the score, its share of the largest)] of the first columns."""
    told = information(problem)
    bits = dict(told)
    falls = {name: (fall, spread) for name, fall, spread in fallen}
    names = [*falls, *(name for name, _ in told if name not in falls)][:SHOWN]
    most_bits = max(bits.values(), default=0.0) or 1.0
    most = max([fall for fall, _ in falls.values()], default=0.0)
    return [
        (
            name, f"{bits[name]:.2f}", bits[name] / most_bits,
            "{:.3f} ± {:.3f}".format(*falls[name]) if name in falls else "",
            max(0.0, falls[name][0] / most) if name in falls and most > 0 else 0.0,
        )
        for name in names
    ]  # fmt: skip


def overview(problem, place):
    """What one column holds, in words and bars."""
    from fastml.cli.curves import sparks

    x, texts = problem.X[:, place], problem.texts.get(place)
    known = x[~np.isnan(x)]
    if texts is None:
        low, middle, high = np.quantile(known, [0, 0.5, 1]) if len(known) else [np.nan] * 3
        words = f"{shown(low)} … {shown(middle)} … {shown(high)}"
    else:
        counts = np.bincount(known.astype(np.int64), minlength=len(texts))
        words = ", ".join(texts[i][:30] for i in np.argsort(-counts, kind="stable")[:3])
    kind = "texts" if texts is not None else "truth" if set(np.unique(known[:1000])) <= {0.0, 1.0} else "numbers"
    return {
        "name": problem.names[place], "kind": kind,
        "missing": f"{np.isnan(x).mean():.1%}" if len(known) < len(x) else "",
        "different": len(np.unique(known)), "words": words, "bars": sparks(x, texts),
    }  # fmt: skip


def certain(problem, entries):
    """ROC, precision and recall, calibration of the best models, where they tell how sure they are."""
    from fastml.cli import curves

    sure = [entry for entry in entries if entry.sureness is not None][:BEST]
    if not sure or problem.task != CLASSIFICATION:
        return
    if positive(problem) is not None:
        which = f"{positive(problem)!s}, the rarer class, on held-out rows"
        yield f"ROC of {which}; in brackets the area", partial(curves.roc, problem, sure)
        yield f"Precision and recall of {which}; in brackets the mean", partial(curves.precision_recall, problem, sure)
    elif len(np.unique(problem.y)) <= COLOURED:
        words = f"ROC of {sure[0].title}, each class against the rest, on held-out rows; in brackets the area"
        yield words, partial(curves.roc_of_classes, problem, sure[0])
    probable = [entry for entry in entries if entry.sureness is not None and entry.probable][:BEST]
    if probable:
        yield (
            "Calibration: on the line, a probability means what it says",
            partial(curves.calibration, problem, probable),
        )


def drawn_tree(problem, models, entries):
    """(words, HTML) of the best tree of the comparison, fitted on all rows, texts and missing values as they are."""
    from fastml.tree import tree_html

    of_trees = [(model, entry) for model, entry in zip(models, entries, strict=True) if model.path.startswith("tree.")]
    if not of_trees:
        return None
    model, entry = of_trees[0]
    words = f"The first {DRAWN_DEPTH} levels of {entry.title}, the best tree of the comparison, fitted on all rows"
    if model.input != "native":
        words += " with texts and missing values as they are"
    try:
        X = estimate("native", problem.X, problem.texts).apply(problem.X)
        tree = load(model)[0](**model.settings_for(len(X)) | usual(entry.chosen)).fit(X, problem.y)
        return words, tree_html(tree, feature_names=problem.names, max_depth=DRAWN_DEPTH)
    except Exception as error:  # as for pictures
        return f"{words}, no picture: {error}", ""


def picture(words, draw, number):
    """(words, SVG); without one, where a model cannot be drawn, the words say why."""
    try:
        return words, draw().svg(number, html.escape(words))
    except Exception as error:  # whatever it is, the rest of the page is worth having
        return f"{words}, no picture: {error}", ""


def matrix(problem, entry):
    """{"title", "classes", "rows": for each true class its label and (count, share) for each predicted one}"""
    classes = np.unique(problem.y)
    if len(classes) > CLASSES:
        return None
    counts = confusion_matrix(problem.y[entry.seen], entry.predicted[entry.seen], labels=classes)
    shares = counts / np.maximum(1, counts.sum(axis=1, keepdims=True))
    cells = [list(zip(*pair, strict=True)) for pair in zip(counts.tolist(), shares.tolist(), strict=True)]
    return {"title": entry.title, "classes": list(classes), "rows": list(zip(classes, cells, strict=True))}


def answers(race, problem, models, entries):
    """(words, function that draws): where each model puts the boundary, or how predicted and true numbers lie."""
    from fastml.cli import pictures

    if problem.task != CLASSIFICATION:
        for entry in entries:
            yield f"{entry.title}: predicted against true", partial(pictures.against, problem, entry)
        return
    columns = strongest(problem)[:2]
    if len(columns) < 2 or len(np.unique(problem.y)) > COLOURED:
        return
    race.progress(f"decision boundaries on {problem.name}")
    names = " and ".join(problem.names[i] for i in columns)
    for model in models:
        yield f"{model.title} from {names} alone", partial(pictures.boundary, problem, model, columns)


def curve(race, problem, models):
    from fastml.cli import pictures

    if models:
        draw = partial(pictures.learning_curve, problem, models, race.progress)
        yield "Score on held-out rows as the training rows grow", draw


def inside(problem, entries):
    """A network, and what it computes: small enough to be looked at."""
    from fastml.cli import pictures

    columns = strongest(problem)[: pictures.DRAWN_COLUMNS]
    if entries and columns:
        fitted = cache(partial(pictures.small_network, problem, columns))
        words = f"A network of {pictures.HIDDEN} hidden units on {len(columns)} columns: blue weights are above zero"
        yield words, lambda: pictures.network(*fitted())
        yield "What that network computes, as a graph", lambda: pictures.graph(fitted()[0])


def hard_rows(problem, entries):
    """The rows that every model gets wrong; of a regression those where the best answer is furthest off."""
    predicted = [entry.predicted for entry in entries]
    if problem.task == CLASSIFICATION:
        wrong = np.all([p != problem.y for p in predicted], axis=0) & entries[0].seen
        rows, words = np.flatnonzero(wrong), f"{wrong.sum()} of {entries[0].seen.sum()} rows are wrong by every model"
    else:
        error = np.where(entries[0].seen, np.min([np.abs(p - problem.y) for p in predicted], axis=0), -1)
        rows, words = np.argsort(-error, kind="stable"), "The rows where even the best model is furthest off"
    columns = strongest(problem)[:COLUMNS] or list(problem.texts)[:COLUMNS]
    lines = [[problem.rows[i], shown(problem.y[i]), *(shown(p[i]) for p in predicted)] for i in rows[:HARD]]
    return {
        "words": words,
        "headings": ["row", "true", *(entry.title for entry in entries), *(problem.names[c] for c in columns)],
        "rows": [[*line, *(cell(problem, i, c) for c in columns)] for line, i in zip(lines, rows, strict=False)],
    }


def cell(problem, row, column):
    value = problem.X[row, column]
    if np.isnan(value):
        return "missing"
    return problem.texts[column][int(value)] if column in problem.texts else shown(value)


def shown(value):
    return f"{value:.4g}" if isinstance(value, (float, np.floating)) else str(value)
