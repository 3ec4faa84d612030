"""`fastml compare` on tables of every kind: what it recognises, what it says, what each model is given."""

import gzip
import os
import random
from pathlib import Path

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from fastml.cli import race as races
from fastml.cli.encoder import INPUTS
from fastml.cli.models import CLASSIFICATION, REGRESSION, Model
from fastml.cli.problem import Problem, from_table, prepare
from fastml.cli.race import Race
from fastml.cli.results import summary
from fastml.cli.tables import read_table
from fastml.cli.terminal import duration

HEADER = "width,weight,colour,note,constant,nothing,kind\n"


def mixed_rows(n=60):
    """Numbers with gaps, texts with gaps, texts that are all different, a constant and an empty column."""
    draw = random.Random(0)
    for i in range(n):
        kind = "ab"[i % 2]
        weight = "" if i % 9 == 0 else f"{draw.gauss(2 if kind == 'a' else 5, 0.5):.3f}"
        yield f'{draw.random():.3f},{weight},{["red", "blue", ""][i % 3]},"note, {i}",7,,{kind}\n'


MIXED = HEADER + "".join(mixed_rows())


def problem_of(path, target="kind", **options):
    reading = {name: options.pop(name) for name in ("separator", "encoding", "missing") if name in options}
    return from_table(read_table(path, **reading), target, **options)


def test_compare_says_what_it_does(fastml, csv_file):
    outcome = fastml("compare", csv_file(MIXED), "--target", "kind", "--folds", "3")
    assert outcome.code == 0, outcome.err
    for sentence in (
        "table.csv: 60 rows, 7 columns, separator ',', UTF-8",
        "target 'kind': 2 different texts: classification recognised",
        "missing values: 27 ('weight' 7, 'colour' 20)",
        "text columns and their different texts: 'colour' 2; a missing text counts as a text of its own",
        "left out: 'note', 60 different texts in 60 rows (the first that is no number: 'note, 0' in row 1)",
        "left out: 'constant', the same in every row",
        "left out: 'nothing', missing in every row",
        f"LinearSVC: {INPUTS['scaled']}",
        f"ID3Classifier: {INPUTS['native']}",
    ):
        assert sentence in outcome.out
    [row] = [line for line in outcome.out.splitlines() if line.startswith("KNeighborsClassifier ") and "±" in line]
    assert float(row.split()[1]) > 0.8
    assert "reading table.csv" in outcome.err


def test_rows_are_drawn_and_said(here, csv_file):
    text = "size,kind\n" + "".join(f"{i * i % 31},{'ab'[i % 2]}\n" for i in range(200))
    outcome = here("compare", csv_file(text), "--target", "kind", "--rows", "50", "--folds", "2")
    assert "used: 50 of 200 rows, drawn at random (--rows all for every row)" in outcome.out
    assert "drawn" not in here("compare", csv_file(text), "--target", "kind", "--rows", "all", "--folds", "2").out


@pytest.mark.parametrize(
    ("values", "task", "words"),
    [
        (["yes", "no"], CLASSIFICATION, "2 different texts: classification recognised"),
        (
            ["0", "1"],
            CLASSIFICATION,
            "2 different whole numbers: classification recognised (--task regression for the other)",
        ),
        (
            ["1.5", "2.5"],
            REGRESSION,
            "2 different numbers: regression recognised (--task classification for the other)",
        ),
        ([str(i) for i in range(20)], CLASSIFICATION, "20 different whole numbers: classification"),
        ([str(i) for i in range(21)], REGRESSION, "21 different whole numbers: regression"),
    ],
)
def test_task_is_recognised(csv_file, values, task, words):
    rows = "".join(f"{i * i % 13},{values[i % len(values)]}\n" for i in range(200))
    problem = problem_of(csv_file("size,kind\n" + rows))
    assert problem.task == task
    assert any(words in note for note in problem.notes)


def test_task_asked_for(csv_file):
    path = csv_file("size,kind\n" + "".join(f"{i * i % 13},{i % 2}.5\n" for i in range(20)))
    problem = problem_of(path, task=CLASSIFICATION)
    assert set(problem.y) == {"0.5", "1.5"}
    assert problem_of(path, task=REGRESSION).y.tolist() == [0.5, 1.5] * 10


@pytest.mark.parametrize(("separator", "said"), [(";", "';'"), ("\t", "tab"), ("|", "'|'"), (",", "','")])
def test_separator_is_recognised(csv_file, separator, said):
    text = (
        '"a, b";"c d";kind\n1,5;"x;y";k\n2,25;z;l\n'.replace(";", separator)
        if separator != ","
        else 'a,"c;d;e;f",kind\n1.5,z,k\n'
    )
    table = read_table(csv_file(text))
    assert table.separator == said
    assert len(table.columns) == 3
    assert table.columns[0].values[0] == 1.5
    assert table.decimal_comma == (separator != ",")


def test_cells_are_read_exactly(csv_file):
    """Numbers as Python reads them; what only looks like one stays a text; quotes, gaps and every line end."""
    numbers = ["0.1", "-1e-300", "1E5", "12345678901234567", "+3", " 4"]
    text = "x,id,t\r\n" + "".join(f'{x},1_{i},"say ""{i}"", ok"\r\n\r\n' for i, x in enumerate(numbers))
    x, identity, quoted = read_table(csv_file(text)).columns
    assert x.values.tolist() == [float(n) for n in numbers]
    assert identity.texts == [f"1_{i}" for i in range(6)]
    assert [quoted.texts[int(v)] for v in quoted.values] == [f'say "{i}", ok' for i in range(6)]


@pytest.mark.parametrize("mark", ["", "NA", "NaN", "null", "?", "#N/A"])
def test_missing_marks(csv_file, mark):
    number, text = read_table(csv_file(f"x,t\n1,a\n{mark},{mark}\n3,c\n")).columns
    assert np.isnan(number.values).tolist() == [False, True, False]
    assert np.isnan(text.values).tolist() == [False, True, False]
    assert text.texts == ["a", "c"]


def test_own_missing_mark(csv_file):
    number, text = read_table(csv_file("x,t\n1,NA\n-,b\n"), missing=["-"]).columns
    assert np.isnan(number.values).tolist() == [False, True]
    assert text.texts == ["NA", "b"]


def test_a_column_turns_out_to_be_text_late(csv_file):
    n = 25_000
    table = read_table(csv_file("x,y\n" + "".join(f"{'oops' if i == n - 1 else i % 5},{i}\n" for i in range(n))))
    column = table.columns[0]
    assert column.first_text == (n, "oops")
    assert column.texts == ["0", "1", "2", "3", "4", "oops"]
    assert column.values[:-1].tolist() == [i % 5 for i in range(n - 1)]
    assert table.columns[1].values.tolist() == list(range(n))


@pytest.mark.parametrize(("encoding", "asked"), [("utf-8-sig", None), ("utf-16", None), ("cp1252", "cp1252")])
def test_encodings(csv_file, encoding, asked):
    table = read_table(csv_file("größe,art\n1,süß\n2,herb\n", encoding=encoding), encoding=asked)
    assert [column.name for column in table.columns] == ["größe", "art"]
    assert table.columns[1].texts == ["herb", "süß"]


def test_packed_file(csv_file):
    table = read_table(csv_file(gzip.compress(MIXED.encode()), "table.csv.gz"))
    assert len(table.columns[0].values) == 60


def test_column_without_a_name_and_row_numbers(csv_file):
    problem = problem_of(csv_file(",size,kind\n" + "".join(f"{i},{i * i % 7},{'ab'[i % 2]}\n" for i in range(20))))
    assert problem.names == ["size"]
    assert "left out: 'column 1', which counts the rows" in problem.notes


@pytest.fixture
def mixed(csv_file):
    return problem_of(csv_file(MIXED))


def test_no_row_of_the_test_fold_is_used_to_prepare(mixed):
    train, test = np.arange(40), np.arange(40, 60)
    changed = mixed.X.copy()
    changed[test] = 1e6
    for kind in ("filled", "scaled", "unit", "binned"):
        a, _ = prepare(kind, mixed, train, test)
        b, _ = prepare(
            kind, mixed._replace(X=np.where(np.isin(np.arange(60), test)[:, None], changed, mixed.X)), train, test
        )
        assert (a == b).all()


class Broken(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        raise ValueError("no luck\nsecond line")


class Guess(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        import warnings

        warnings.warn("only guessed", stacklevel=1)
        return np.repeat(self.classes_[0], len(X))


def race_of(monkeypatch, problem, pairs):
    models = [Model(f"x.{name}", CLASSIFICATION) for name in pairs]
    monkeypatch.setattr(races, "load", lambda model: pairs[model.title])
    race = Race([problem], 3, lambda *_: None, models)
    race.run()
    return race, "\n".join(summary(race))


def test_a_model_that_fails_does_not_end_the_comparison(monkeypatch, mixed):
    race, text = race_of(monkeypatch, mixed, {"A": (Broken, Guess), "B": (Guess, None)})
    assert race.failed
    lines = text.splitlines()
    [a], [b] = ([line.split() for line in lines if line.startswith(f"{name} ") and "±" in line] for name in "AB")
    assert a[1:5] == ["failed", "0.500", "±", "0.000"]
    assert b[1:5] == ["0.500", "±", "0.000", "-"]
    assert "! fastml A on table failed: ValueError: no luck" in lines
    assert "! fastml B on table warned: only guessed" in lines


def test_agreement_is_measured(monkeypatch, mixed):
    race, text = race_of(monkeypatch, mixed, {"A": (Guess, Guess)})
    assert not race.failed
    assert "100.0%" in text


def test_rare_classes_are_named(csv_file):
    rows = "".join(f"{i * i % 13},{'rare' if i == 7 else 'ab'[i % 2]}\n" for i in range(40))
    problem = problem_of(csv_file("size,kind\n" + rows))
    assert "rare classes, not in every fold: rare (1)" in problem.notes
    assert isinstance(problem, Problem)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0000123, "12.3 µs"),
        (0.000999, "999 µs"),
        (0.0009999, "1.00 ms"),
        (0.0125, "12.5 ms"),
        (1, "1.00 s"),
        (123.4, "123 s"),
    ],
)
def test_duration(seconds, text):
    assert duration(seconds) == text


@pytest.mark.skipif("FASTML_DATA" not in os.environ, reason="FASTML_DATA is not set: no real data sets here")
@pytest.mark.parametrize(
    ("file", "target", "said"),
    [
        ("titanic/titanic.csv.gz", "Survived", "left out: 'PassengerId', which counts the rows"),
        ("california-housing/housing.csv.gz", "ocean_proximity", "missing values: 207 ('total_bedrooms' 207)"),
        (
            "play-tennis/play-tennis.csv",
            "PlayTennis",
            "text columns and their different texts: 'Outlook' 3, 'Temperature' 3",
        ),
    ],
)
def test_real_tables(fastml, file, target, said):
    path = Path(os.environ["FASTML_DATA"]) / file
    outcome = fastml("compare", path, "--target", target, "--rows", "2000", "--folds", "3")
    assert outcome.code == 0, outcome.err
    assert said in outcome.out
    assert "KNeighborsClassifier" in outcome.out
