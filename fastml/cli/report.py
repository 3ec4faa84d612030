"""`fastml-report.html`: what `fastml demo` and `fastml compare` found, as one page that needs nothing else."""

import html
import itertools
import platform
from functools import cache, partial
from importlib import resources

import numpy as np

import fastml
from fastml.cli.encoder import estimate
from fastml.cli.models import CLASSIFICATION
from fastml.cli.output import write_text
from fastml.cli.problem import strongest
from fastml.cli.race import LIBRARIES
from fastml.cli.results import entry_cells, legend, start_cells
from fastml.metrics import confusion_matrix

__all__ = ["write_report"]

CLASSES = 20  # of a confusion matrix; more would not be readable
COLOURED = 10  # classes of a decision boundary
HARD = 20  # rows that no model gets right, at most
DRAWN_DEPTH = 3
COLUMNS = 6  # of those rows


def write_report(race, title, path):
    """Write the page and say so; where its libraries are missing say which, and how to get them. None is no page."""
    if path is None:
        return
    try:
        import jinja2
        import matplotlib  # noqa: F401
    except ImportError as error:
        print(f'\nNo {path}: {error.name} is not installed; pip install "fastml-learn[report]"')
        return
    source = resources.files("fastml.cli").joinpath("report.html").read_text(encoding="utf-8")
    environment = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined)
    template = environment.from_string(source)
    try:
        page = template.render(content(race, title))
    finally:
        race.progress.clear()
    write_text(path, page.encode("utf-8", "replace").decode("utf-8"))
    print(f"\nWritten: {path}")


def content(race, title):
    number = itertools.count()
    return {
        "title": title,
        "version": fastml.__version__,
        "machine": f"Python {platform.python_version()}, {platform.system()} {platform.machine()}",
        "libraries": LIBRARIES,
        "starts": [start_cells(start) for start in race.starts],
        "entries": [[entry.problem, *entry_cells(entry)] for entry in race.entries if entry.begun],
        "legend": list(legend(race)),
        "remarks": race.remarks,
        "problems": [section(race, problem, number) for problem in race.problems],
    }


def section(race, problem, number):
    """One data set: matrices, pictures and hard rows."""
    entries = [e for e in race.entries if e.problem == problem.name and e.complete and not e.baseline]
    models = [m for m in race.models_for(problem) if m.title in {entry.title for entry in entries}]
    classify = problem.task == CLASSIFICATION
    figures = [*answers(race, problem, models, entries), *curve(race, problem, models), *inside(problem, entries)]
    return {
        "name": problem.name,
        "about": f"{len(problem.y)} rows, {problem.X.shape[1]} columns, {problem.task}",
        "notes": problem.notes,
        "matrices": [matrix(problem, entry) for entry in entries] if classify else [],
        "too_many": classify and len(np.unique(problem.y)) > CLASSES,
        "pictures": [picture(words, draw, next(number)) for words, draw in figures],
        "tree": drawn_tree(problem) if entries else None,
        "hard": hard_rows(problem, entries) if entries else None,
    }


def drawn_tree(problem):
    """(words, HTML) of a small tree on all rows, texts and missing values as they are."""
    from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, tree_html

    kind = DecisionTreeClassifier if problem.task == CLASSIFICATION else DecisionTreeRegressor
    X = estimate("native", problem.X, problem.texts).apply(problem.X)
    words = f"The first {DRAWN_DEPTH} levels of a tree on all rows"
    try:
        return words, tree_html(kind(max_depth=DRAWN_DEPTH).fit(X, problem.y), feature_names=problem.names)
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
    counts = confusion_matrix(problem.y, entry.predicted, labels=classes)
    shares = counts / counts.sum(axis=1, keepdims=True)
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
        wrong = np.all([p != problem.y for p in predicted], axis=0)
        rows, words = np.flatnonzero(wrong), f"{wrong.sum()} of {len(wrong)} rows are wrong by every model"
    else:
        error = np.min([np.abs(p - problem.y) for p in predicted], axis=0)
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
