"""What a comparison warns of, how it cuts folds, what it says first, and that it keeps to its time."""

import time

import numpy as np
import pytest

from fastml.cli.judging import headline, importances, interval, ranked
from fastml.cli.models import CLASSIFICATION, MODELS, Model
from fastml.cli.problem import from_table
from fastml.cli.race import Entry, Race, Run, level, splits
from fastml.cli.results import legend
from fastml.cli.tables import read_table

TREE = Model("tree.DecisionTreeClassifier", CLASSIFICATION, {"max_depth": 2})


def problem_of(csv_file, header, rows, target="y", **options):
    text = header + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows)
    return from_table(read_table(csv_file(text)), target, **options)


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(size=n).round(3)


@pytest.mark.parametrize(
    ("column", "target", "leaks"),
    [
        (lambda i: "PQ"[i % 2], lambda i: "ab"[i % 2], True),
        (lambda i: 10 + i % 2, lambda i: "ab"[i % 2], True),
        (lambda i: ["x", "y", "z"][i % 2 + (i % 4 == 1)], lambda i: "ab"[i % 2], True),
        (lambda i: "PQ"[i % 3 > 1], lambda i: "ab"[i % 2], False),
        (lambda i: i * 7 % 31 * 2 + 1, lambda i: i * 7 % 31 + 0.5, True),
        (lambda i: i * 7 % 31 * 2 + i % 2, lambda i: i * 7 % 31 + 0.5, False),
    ],
)
def test_leaks(csv_file, column, target, leaks):
    rows = [(x, column(i), target(i)) for i, x in enumerate(noise(60))]
    notes = problem_of(csv_file, "x,c,y", rows).notes
    assert any(note.startswith("warning: 'c' tells the target in every row") for note in notes) == leaks


def test_twins_and_unequal_classes(csv_file):
    rows = [(i % 5, i % 3, "rare" if i % 15 == 0 else "usual") for i in range(90)]
    notes = " ".join(problem_of(csv_file, "a,b,y", rows).notes)
    assert "warning: 90 of 90 rows have a twin" in notes
    assert "classes are of unequal size (rare is 6 of 90 rows)" in notes


def test_groups_stay_together(csv_file):
    rows = [(x, f"g{i // 6}", "ab"[i % 2]) for i, x in enumerate(noise(60))]
    problem = problem_of(csv_file, "x,who,y", rows, group="who")
    assert problem.names == ["x"]
    for train, test in splits(problem, 5):
        assert not set(problem.groups[train]) & set(problem.groups[test])


def test_the_past_is_learnt_from(csv_file):
    rows = [(x, f"2024-0{i % 9 + 1}-1{i % 7}", "ab"[i % 2]) for i, x in enumerate(noise(90))]
    problem = problem_of(csv_file, "x,when,y", rows, time="when")
    assert len(list(splits(problem, 4))) == 4
    for train, test in splits(problem, 4):
        assert problem.when[train].max() <= problem.when[test].min()


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--group", "whoo"), "has no column 'whoo'; did you mean 'who'?"),
        (("--group", "who", "--folds", "9"), "fewer than the 9 folds"),
        (("--time", "who"), "holds texts"),
        (("--drop", "zzz"), "has no column 'zzz'"),
    ],
)
def test_unusable_folds(here, csv_file, flags, sentence):
    path = csv_file("x,who,y\n" + "".join(f"{i * i % 17},g{i % 4},{'ab'[i % 2]}\n" for i in range(60)))
    assert sentence in here("compare", path, "--target", "y", *flags).complaint


def entry(title, scores, baseline=False):
    made = Entry("data", title, baseline)
    made.runs["fastml"] = [Run(score, 0.002, 0.001) for score in scores]
    return made


class Frame:
    name, task, y = "data", CLASSIFICATION, np.zeros(100)


def race_with(*entries):
    race = Race([Frame], 3, lambda *_: None)
    race.entries = list(entries)
    return race


def test_the_sentence_at_the_top():
    base, good, twin = (
        entry("majority class", [0.5] * 3, True),
        entry("A", [0.9, 0.91, 0.9]),
        entry("B", [0.9, 0.9, 0.9]),
    )
    alone = headline(race_with(base, good, entry("C", [0.6, 0.61, 0.6])), Frame)
    assert alone.startswith("Highest on data: A, accuracy 0.903 ± ")
    assert "0.403 above majority class; surely better than every other (p < 0.05)" in alone
    assert "fitted in 2.00 ms and answers in 30.0 µs a row" in alone
    assert "not surely better than B" in headline(race_with(base, twin, good), Frame)
    assert headline(race_with(base, entry("D", [0.4, 0.7, 0.5])), Frame).startswith("No model is surely better than")
    assert headline(race_with(base), Frame) == ""
    assert ranked([twin, base, good])[0] is good


def test_the_interval_is_wider_than_the_folds_say():
    scores = [0.8, 0.85, 0.9]
    assert interval(scores) == pytest.approx(4.302653 * np.sqrt(0.0025 * (1 / 3 + 1 / 2)), rel=1e-6)
    assert np.isnan(interval([0.5]))


def test_importances_are_of_what_counts(csv_file):
    x, z = noise(300), noise(300, 1)
    problem = problem_of(csv_file, "x,z,y", [(a, b, "ab"[int(a > 0)]) for a, b in zip(x, z, strict=True)])
    (first, fall, _), (second, none, _) = importances(Race([problem], 3, lambda *_: None), problem, TREE)
    assert (first, second) == ("x", "z")
    assert fall > 0.3
    assert abs(none) < 0.05


def test_a_budget_is_kept_and_what_was_left_out_is_named(csv_file):
    x = noise(4000)
    problem = problem_of(
        csv_file, "x,z,y", [(a, b, "ab"[int(a + b > 0)]) for a, b in zip(x, noise(4000, 1), strict=True)]
    )
    started = time.monotonic()
    race = Race([problem], 5, lambda *_: None, MODELS, end=started + 1e-3)
    race.run()
    assert race.done
    assert any("left out: a fold would take about" in remark for remark in race.remarks)
    assert not any(e.runs for e in race.entries if not e.baseline)


def test_a_comparison_says_it_all(here, csv_file):
    rows = "".join(f"{a},{b},{'ab'[int(a > 0.8)]}\n" for a, b in zip(noise(120), noise(120, 1), strict=True))
    out = here("compare", csv_file("x,z,y\n" + rows), "--target", "y", "--folds", "3", "--budget", "2m").out
    assert "Highest on table: " in out
    assert "balanced accuracy  average precision  Brier score" in out
    table = [line for line in out.splitlines() if "±" in line and not line.startswith(("Highest", "score:"))]
    scores = [float(line.split("±")[0].split()[-1]) for line in table]
    assert scores == sorted(scores, reverse=True)
    assert len(scores) > 5


@pytest.mark.parametrize(
    ("costs", "room", "most"),
    [
        ([1.0, 2.0, 3.0], 10.0, np.inf),
        ([1.0, 2.0, 30.0], 10.0, 7.0),
        ([1.0, 20.0, 30.0], 10.0, 4.5),
        ([4.0, 4.0, 4.0], 6.0, 2.0),
        ([1.0], -3.0, 0.0),
        ([0.0, 0.0], 0.0, 0.0),
    ],
)
def test_what_the_slow_ones_may_take(costs, room, most):
    assert level(costs, room) == most
    if np.isfinite(most):
        assert sum(min(cost, most) for cost in costs) == pytest.approx(max(room, 0.0))


def test_slow_models_learn_from_fewer_rows(csv_file, monkeypatch):
    """Where the first calls say that the folds would take too long; the others learn from all."""
    x, z = noise(4000), noise(4000, 1)
    problem = problem_of(csv_file, "x,z,y", [(a, b, "ab"[int(a > 0)]) for a, b in zip(x, z, strict=True)])
    models = [model for model in MODELS if model.title in ("GaussianNB", "KNeighborsClassifier")]
    race = Race([problem], 5, lambda *_: None, models, aim=time.monotonic() + 1000)
    first = Race._first_call

    def slow(self, problem, model, library, maker, train, test):
        seconds = first(self, problem, model, library, maker, train, test)
        cost = 200.0 if model.title == "KNeighborsClassifier" else 0.001
        self.estimates[problem.name, model.title, library] = cost, len(train)
        return seconds

    monkeypatch.setattr(Race, "_first_call", slow)
    race.run()
    assert list(race.thinned) == ["KNeighborsClassifier"]
    assert 1000 <= race.thinned["KNeighborsClassifier"] < 3200  # of 3200: 1000 of 1600 seconds
    assert all(entry.whole for entry in race.of(problem))
    assert any("KNeighborsClassifier: fitted on" in line and "a minute" in line for line in legend(race))
    [neighbours] = [entry for entry in race.of(problem) if entry.title == "KNeighborsClassifier"]
    assert not neighbours.runs.get("scikit-learn")
    assert any("scikit-learn KNeighborsClassifier on table left out: a fold would take" in r for r in race.remarks)


def test_nothing_is_saved_on_where_there_is_time(csv_file):
    problem = problem_of(csv_file, "x,y", [(a, "ab"[int(a > 0)]) for a in noise(200)])
    race = Race([problem], 3, lambda *_: None, [TREE], aim=time.monotonic() + 1000)
    race.run()
    assert race.thinned == {}
