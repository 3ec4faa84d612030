"""The random surface: fastml against scikit-learn on problems that nobody chose.

    python benchmarks/surface --seconds 900 --seed 7 --report docs/benchmarks/surface.md
    python benchmarks/surface --transformers --seconds 300   steps before a model
    python benchmarks/surface --repeat 7000123               one problem again, by the seed that the report gives

Each problem is drawn from its own seed; both libraries fit it and predict up to 2,000 rows of it, warm, on the same
threads, after their results were held together. The ratio is scikit-learn's time over fastml's: 2 means twice as fast.
"""

import argparse
import statistics
import sys
import time
import warnings
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parent))
from families import FAMILIES
from peers import makers
from problems import Problem, draw, make
from transformers import TRANSFORMERS

ALL = FAMILIES | TRANSFORMERS
TIME_EACH = 0.25  # seconds that a measurement of one call may take, beyond one run


class Row(NamedTuple):
    """What one problem gave: seconds of fastml and of scikit-learn."""

    problem: Problem
    fit: tuple[float, float]
    predict: tuple[float, float]
    worse: str | None  # how fastml's result was worse; such rows are told apart and not counted
    others: dict[str, tuple]  # library: (fit, predict) as above, or (reason,) where it gave no result, or a worse one


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=900)
    parser.add_argument(
        "--seed", type=int, default=0, help="a new one after the last change: what was chosen was trained on"
    )
    parser.add_argument("--most", type=int, default=1000, help="number of problems at most")
    parser.add_argument("--rows", type=int, default=200_000, help="rows of a problem at most")
    parser.add_argument("--family", help="one family alone")
    parser.add_argument("--transformers", action="store_true", help="steps before a model in the place of models")
    parser.add_argument("--report", type=Path, help="a Markdown page to write; the picture stands beside it")
    parser.add_argument("--peers", action="store_true", help="other libraries too, where they are installed")
    parser.add_argument("--repeat", type=int, help="one problem, by its seed")
    given = parser.parse_args()
    families = TRANSFORMERS if given.transformers else FAMILIES
    families = {given.family: ALL[given.family]} if given.family else families
    warnings.simplefilter("ignore")
    if given.repeat is not None:
        show(measure(draw(given.repeat, families, given.rows), given.peers))
        return 0
    rows, started = [], time.monotonic()
    first = given.seed * 1_000_000
    while len(rows) < given.most and (time.monotonic() - started < given.seconds or not rows):
        rows.append(measure(draw(first + len(rows), families, given.rows), given.peers))
        if sys.stderr.isatty():
            print(f"\r{len(rows)} problems, {time.monotonic() - started:.0f} s", end="", file=sys.stderr, flush=True)
    from report import picture, table

    page = table(rows, given.seed, given.report and given.report.with_suffix(".svg").name)
    print(page)
    if given.report:
        given.report.write_text(page, encoding="utf-8")
        picture(rows, given.report.with_suffix(".svg"))
    return 0


def measure(problem, peers=False):
    """Both libraries on one problem, and the others where `peers`."""
    family = ALL[problem.family]
    X, y, queries = make(problem)
    ours, theirs = family.makers(problem)
    judged = slice(family.judged_rows)
    models = ours().fit(X, y), theirs().fit(X, y)
    worse = family.worse(problem, X[judged], y[judged], *models)
    fit = alternate(lambda: ours().fit(X, y), lambda: theirs().fit(X, y))
    a, b = (getattr(model, family.method) for model in models)
    predict = alternate(lambda: a(queries), lambda: b(queries))
    others = makers(problem, family.fixed) if peers else {}
    return Row(problem, fit, predict, worse, {
        library: beside(problem, X, y, queries, ours, models[0], other) for library, other in others.items()
    })  # fmt: skip


def beside(problem, X, y, queries, ours, model, other):
    """(fit, predict) of fastml and another library in turns; (reason,) where that gives no result, or a worse one."""
    family = FAMILIES[problem.family]
    judged = slice(family.judged_rows)
    try:
        their_model = other()
        their_model.fit(X, y)
        their_model.predict(queries)
        worse = family.worse(problem, X[judged], y[judged], their_model, model)
    except Exception as error:  # whatever another library does not take
        return (f"{type(error).__name__}: {error}"[:120],)
    if worse:
        return (f"a worse result: {worse}",)
    fit = alternate(lambda: ours().fit(X, y), lambda: other().fit(X, y))
    return fit, alternate(lambda: model.predict(queries), lambda: their_model.predict(queries))


def alternate(a, b):
    """(median seconds of a, of b), in turns: what slows the machine for a while slows both."""
    times: list[tuple[float, float]] = []
    started = time.perf_counter()
    while len(times) < 3 or (time.perf_counter() - started < TIME_EACH and len(times) < 50):
        times.append((clock(a), clock(b)))
        if time.perf_counter() - started > 20 * TIME_EACH:
            break
    return statistics.median(t for t, _ in times), statistics.median(t for _, t in times)


def clock(call):
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def show(row):
    print(row.problem.title)
    for what, (ours, theirs) in (("fit", row.fit), ("predict", row.predict)):
        print(f"  {what}: fastml {1e3 * ours:.3f} ms, scikit-learn {1e3 * theirs:.3f} ms, ratio {theirs / ours:.2f}")
    for library, found in row.others.items():
        told = found[0] if len(found) == 1 else ", ".join(f"{theirs / ours:.2f}" for ours, theirs in found)
        print(f"  {library}, fit and predict: {told}")
    if row.worse:
        print(f"  worse than scikit-learn's result: {row.worse}")


if __name__ == "__main__":
    sys.exit(main())
