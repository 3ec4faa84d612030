"""What a comparison found, as text: cold start, the table, remarks. Also after Ctrl-C, as far as it got."""

import statistics
from collections import Counter

from fastml.cli.columns import information_line
from fastml.cli.encoder import INPUTS
from fastml.cli.judging import headline, positive, ranked, worth
from fastml.cli.models import MANY_ROWS
from fastml.cli.race import FIRST_ROWS, INNER_FOLDS, LIBRARIES, leaders
from fastml.cli.terminal import duration, table

__all__ = ["entry_cells", "in_order", "legend", "race_and_show", "start_cells", "summary", "usual"]


def race_and_show(race):
    """Run a race and print it; returns the exit code."""
    stopped = False
    try:
        race.run()
    except KeyboardInterrupt:
        stopped = True
    race.progress.clear()
    print("\n".join(summary(race)))
    if stopped:
        raise KeyboardInterrupt
    return 1 if race.failed else 0


def summary(race):
    for problem in race.problems if race.done else ():
        sentence = headline(race, problem)
        if sentence:
            yield sentence
            yield ""
    if race.starts:
        yield from cold_start(race)
    if race.entries:
        yield ""
        yield from score_table(race)
        yield ""
        yield from class_table(race)
        yield from legend(race)
    for remark in race.remarks:
        yield f"! {remark}"


def cold_start(race):
    yield f"Cold start: the first fit and predict of each model in this process, on up to {FIRST_ROWS} rows"
    yield ""
    yield from table([["model", *LIBRARIES, "kernels"]], [start_cells(start) for start in race.starts])


def start_cells(start):
    seconds = ["-" if s is None else duration(s) for s in start.seconds]
    return [start.title, *seconds, f"{start.compiled} compiled, {start.loaded} cached"]


def score_table(race):
    several = len(race.problems) > 1
    headings = [
        ["", "", "score", "", "", "fit", "", "", "predict", "", ""],
        ["data", "model", *LIBRARIES, "same", *LIBRARIES, "ratio", *LIBRARIES, "ratio"],
    ]
    rows = [[entry.problem, *entry_cells(entry)] for entry in in_order(race)]
    if not several:
        headings, rows = [row[1:] for row in headings], [row[1:] for row in rows]
    yield from table(headings, rows, left=2 if several else 1)


def in_order(race):
    """The rows of the table: problem by problem, the highest score first."""
    for problem in race.problems:
        yield from ranked([e for e in race.entries if e.problem == problem.name and e.begun])


def class_table(race):
    """For classes of unequal size, what accuracy does not tell."""
    for problem in race.problems:
        rows = worth(race, problem) if race.done else []
        if rows:
            rarer = positive(problem)
            of = "the mean over the classes" if rarer is None else f"of {rarer!s}, the rarer class"
            headings = [["held-out rows", "balanced accuracy", "average precision", "Brier score"]]
            yield from table(headings, rows)
            yield f"on {problem.name}; average precision {of}; Brier score: squared error of probabilities, 0 is best"
            yield ""


def entry_cells(entry):
    scores = [score_cell(entry, library) for library in LIBRARIES]
    if entry.baseline:
        return [entry.title, scores[0], *[""] * 8]
    same = f"{statistics.mean(entry.equal):.1%}" if entry.equal else ""
    return [entry.title + " *" * entry.best, *scores, same, *times(entry, "fit"), *times(entry, "predict")]


def score_cell(entry, library):
    if library in entry.failed:
        return "-" if entry.demanding else "failed"
    scores = [run.score for run in entry.runs.get(library, ())]
    spread = statistics.stdev(scores) if len(scores) > 1 else 0.0
    return f"{statistics.mean(scores):.3f} ± {spread:.3f}" if scores else "-"


def times(entry, what):
    """The median of each library and how many times longer scikit-learn takes."""
    seconds = [[getattr(run, what) for run in entry.runs.get(library, ())] for library in LIBRARIES]
    ours, theirs = (statistics.median(each) if each else None for each in seconds)
    cells = ["-" if median is None else duration(median) for median in (ours, theirs)]
    return [*cells, ratio(theirs / ours) if ours and theirs else ""]


def ratio(value):
    return f"{value:.{0 if value >= 9.95 else 1 if value >= 0.995 else 2}f}×"


def legend(race):
    names = " and ".join(sorted({"accuracy" if p.task == "classification" else "R²" for p in race.problems}))
    yield f"score: {names}, mean ± standard deviation (ddof=1) over {race.folds} folds; same: equal predictions"
    for problem in race.problems if race.done else ():
        yield from verdict(race, problem)
    for problem in race.problems if len(race.problems) == 1 else ():
        yield information_line(problem)
    yield "fit, predict: median over the folds; ratio: scikit-learn's time by fastml's, above 1 where fastml is faster"
    shown = {model.title: model.input for problem in race.problems for model in race.models_for(problem)}
    for kind, form in INPUTS.items():
        titles = [title for title, given in shown.items() if given == kind]
        if titles:
            reduced = ", then principal components" if race.problems[0].reduce and kind != "native" else ""
            yield f"input of {', '.join(titles)}: {form}{reduced}"
    for name, given in large_settings(race):
        yield f"{name}, on more than {MANY_ROWS} rows: {given}"
    for title, rows in race.thinned.items():
        cure = "to keep all within about a minute (--budget 10m for more)"
        yield f"{title}: fitted on {rows} rows of each fold only, {cure}"
    if race.tune:
        yield f"tuned: each library's own search by {INNER_FOLDS} folds within the training rows; fit is all of it"
        yield from (settings(entry) for entry in race.entries if entry.chosen)
    if not race.done:
        last = race.entries[-1]
        yield f"stopped early: {last.title} on {last.problem} has {last.folds} of {race.folds} folds, others none"


def large_settings(race):
    """What both libraries' models are told where the table is large: [(title, settings)]."""
    for problem in race.problems:
        for model in race.models_for(problem) if len(problem.y) * (1 - 1 / race.folds) > MANY_ROWS else ():
            if model.large:
                yield model.title, ", ".join(f"{name}={value}" for name, value in model.large.items())


def verdict(race, problem):
    """Which model is best, if the paired test says so; else which ones it cannot tell apart."""
    first = leaders(race.of(problem), race.folds)
    if len(first) == 1:
        yield f"* best on {problem.name}: {first[0].title}, by the folds' paired test against every other (p < 0.05)"
    elif first:
        names = ", ".join(entry.title for entry in first)
        yield f"no model is surely the best on {problem.name}: the paired test cannot tell apart {names}"


def usual(chosen):
    """The settings that a search chose in most folds; {} of none."""
    counts = Counter(tuple(each.items()) for each in chosen)
    return dict(counts.most_common(1)[0][0]) if counts else {}


def settings(entry):
    """What the search chose, the most frequent first."""
    found = Counter(", ".join(f"{name}={value}" for name, value in chosen.items()) for chosen in entry.chosen)
    words = "; ".join(f"{text} in {count} of {len(entry.chosen)} folds" for text, count in found.most_common())
    return f"tuned {entry.title} on {entry.problem}: {words}"
