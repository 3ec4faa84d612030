"""`fastml train` and `fastml predict`: a table in, a model file, predictions out, or a sentence."""

import csv
import os
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

from fastml.neighbors import KNeighborsClassifier
from fastml.persistence import read

TRAINING = "size,colour,code,kind\n" + "".join(
    f"{'' if i % 11 == 5 else i % 7},{['red', 'blue', 'green', ''][i % 4]},{['1', '2', 'x'][i % 3]},{'ab'[i % 7 > 3]}\n"
    for i in range(60)
)


@pytest.fixture
def table(csv_file):
    return csv_file(TRAINING, "train.csv")


@pytest.fixture
def trained(here, table, tmp_path):
    path = tmp_path / "model.fml"
    outcome = here("train", table, "--target", "kind", "--model", "KNeighborsClassifier", "-o", path)
    assert outcome.code == 0, outcome.err
    return path


def cells(text):
    return [row for [row] in csv.reader(text.splitlines())]


def test_train_says_what_it_did(fastml, table, tmp_path):
    path = tmp_path / "model.fml"
    outcome = fastml(
        "train", table, "--target", "kind", "--model", "kneighborsCLASSIFIER", "--set", "n_neighbors=3", "--set",
        "weights=distance", "-o", path,
    )  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "train.csv: 60 rows, 4 columns" in outcome.out
    assert "target 'kind': 2 different texts: classification recognised" in outcome.out
    assert "KNeighborsClassifier, fitted on 60 rows in" in outcome.out
    model, about, _ = read(path)
    assert (model.n_neighbors, model.weights) == (3, "distance")
    assert about["columns"] == ["size", "colour", "code"]


def test_predictions_are_the_models(here, trained, csv_file):
    """By hand: the same columns, filled, one-hot and scaled, give the same neighbours."""
    outcome = here("predict", trained, csv_file("colour,size,more,code\nred,1,9,x\n,6,9,2\nblue,,9,1\n", "new.csv"))
    assert outcome.code == 0, outcome.err
    assert "not used: column 'more'" in outcome.err
    heading, *found = cells(outcome.out)
    assert heading == "kind"

    rows = [line.split(",") for line in TRAINING.splitlines()[1:]]
    median = np.median([float(row[0]) for row in rows if row[0]])

    def encode(size, colour, code):
        known = [float(size or median)]
        return known + [float(colour == c) for c in ("red", "blue", "green", "")] + [float(code == c) for c in "12x"]

    scaler = StandardScaler().fit([encode(*row[:3]) for row in rows])
    model = KNeighborsClassifier().fit(scaler.transform([encode(*row[:3]) for row in rows]), [row[3] for row in rows])
    new = scaler.transform([encode("1", "red", "x"), encode("6", "", "2"), encode("", "blue", "1")])
    assert found == model.predict(new).tolist()


def test_texts_that_look_like_numbers_stay_texts(here, trained, csv_file):
    """`code` was a text in training; a table where all its cells are numbers must not change what they mean."""
    both = here("predict", trained, csv_file("size,colour,code\n1,red,1\n1,red,2\n1,red,x\n", "a.csv"))
    numbers = here("predict", trained, csv_file("size,colour,code\n1,red,1\n1,red,2\n", "b.csv"))
    assert cells(numbers.out) == cells(both.out)[:3]


def test_unknown_texts_and_missing_values_are_predicted(here, trained, csv_file):
    outcome = here("predict", trained, csv_file("size,colour,code\n1,violet,9\n?,NA,\n", "new.csv"))
    assert outcome.code == 0, outcome.err
    assert len(cells(outcome.out)) == 3


def test_output_file(here, trained, table, tmp_path):
    path = tmp_path / "out.csv"
    assert here("predict", trained, table, "-o", path).out == ""
    assert cells(path.read_text(encoding="utf-8")) == cells(here("predict", trained, table).out)
    assert len(path.read_bytes().splitlines()) == 61


def test_standard_output_that_cannot_hold_a_label(fastml, here, csv_file, tmp_path):
    table = csv_file(TRAINING.replace(",a\n", ",größe\n"), "umlaut.csv")
    path = tmp_path / "m.fml"
    assert here("train", table, "--target", "kind", "--model", "KNeighborsClassifier", "-o", path).code == 0
    refused = fastml("predict", path, table, PYTHONIOENCODING="ascii")
    assert "write to a file with -o" in refused.complaint
    assert fastml("predict", path, table, "-o", tmp_path / "o.csv", PYTHONIOENCODING="ascii").code == 0
    assert "größe" in (tmp_path / "o.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--model", "KNeighborClassifier"], "did you mean 'KNeighborsClassifier'?"),
        (["--model", "zzz"], "there is no model 'zzz' for classification: KNeighborsClassifier"),
        (["--model", "KNeighborsClassifier", "--set", "n_neighbours=3"], "did you mean 'n_neighbors'?"),
        (["--model", "KNeighborsClassifier", "--set", "n_neighbors"], "must be NAME=VALUE"),
        (
            ["--model", "KNeighborsClassifier", "--set", "n_neighbors=0"],
            "cannot be fitted: The 'n_neighbors' parameter",
        ),
        (["--model", "KNeighborsClassifier", "--set", "n_neighbors=__import__('os')"], "cannot be fitted"),
    ],
)
def test_unusable_training(here, table, tmp_path, arguments, sentence):
    path = tmp_path / "m.fml"
    outcome = here("train", table, "--target", "kind", *arguments, "-o", path)
    assert sentence in outcome.complaint
    assert not path.exists()


@pytest.mark.parametrize(("output", "sentence"), [("no/m.fml", "there is no folder"), (".", "is a folder")])
def test_output_that_cannot_be_written(here, table, tmp_path, output, sentence):
    arguments = ["--target", "kind", "--model", "KNeighborsClassifier", "-o", tmp_path / output]
    assert sentence in here("train", table, *arguments).complaint


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("size,colour\n1,red\n", "has no column 'code', which the model was trained on"),
        ("size,color,code\n1,red,x\n", "has no column 'colour', which the model was trained on; did you mean 'color'?"),
        (
            "size,colour,code\n1,red,x\nbig,red,x\n",
            "'size' holds 'big' in row 2: the model was trained on numbers there",
        ),
    ],
)
def test_unusable_new_tables(here, trained, csv_file, text, sentence):
    assert sentence in here("predict", trained, csv_file(text, "new.csv")).complaint


def test_unusable_model_files(here, trained, table, tmp_path):
    assert "did you mean 'model.fml'?" in here("predict", tmp_path / "modle.fml", table).complaint
    assert "is not a file that fastml.save wrote" in here("predict", table, table).complaint
    (tmp_path / "cut.fml").write_bytes(trained.read_bytes()[:-40])
    assert "damaged or truncated" in here("predict", tmp_path / "cut.fml", table).complaint


def test_a_model_saved_in_python_has_no_columns(here, table, tmp_path):
    import fastml as package

    path = tmp_path / "plain.fml"
    package.save(KNeighborsClassifier(1).fit([[0.0], [1.0]], [0, 1]), path)
    assert "was saved in Python" in here("predict", path, table).complaint


def test_a_file_of_an_earlier_version(fastml):
    """What version 0.1.0 trained and predicted on this table; made by the commands themselves."""
    folder = Path(__file__).parent / "fixtures"
    outcome = fastml("predict", folder / "trained-0.1.0.fml", folder / "table.csv")
    assert outcome.code == 0, outcome.err
    assert outcome.out == (folder / "predicted-0.1.0.csv").read_text(encoding="utf-8")


@pytest.mark.skipif("FASTML_DATA" not in os.environ, reason="FASTML_DATA is not set: no real data sets here")
def test_titanic(here, tmp_path):
    table = Path(os.environ["FASTML_DATA"]) / "titanic" / "titanic.csv.gz"
    path = tmp_path / "titanic.fml"
    assert here("train", table, "--target", "Survived", "--model", "KNeighborsClassifier", "-o", path).code == 0
    predicted = cells(here("predict", path, table).out)[1:]
    assert len(predicted) == 891
    assert set(predicted) == {"0", "1"}


def rows_for_training(n, missing=()):
    return "a,b,kind\n" + "".join(f"{i % 7},{i},{'' if i in missing else 'xy'[i % 2]}\n" for i in range(n))


def test_rows_without_a_target_are_left_out(here, tmp_path):
    (tmp_path / "t.csv").write_text(rows_for_training(30, missing=(4, 9)))
    outcome = here("train", tmp_path / "t.csv", "--target", "kind", "--model", "GaussianNB", "-o", tmp_path / "m.fml")
    assert "left out: 2 of 30 rows, where the target 'kind' is missing (first in row 5)" in outcome.out
    assert "fitted on 28 rows" in outcome.out


def test_as_many_rows_as_are_asked_for(here, tmp_path):
    (tmp_path / "t.csv").write_text(rows_for_training(60_000))
    given = [tmp_path / "t.csv", "--target", "kind", "--model", "GaussianNB", "-o", tmp_path / "m.fml"]
    assert "fitted on 500 rows" in here("train", *given, "--rows", "500").out
    within = here("train", *given, "--memory", "430MB").out
    assert "of 60000 rows, drawn at random" not in within
    (tmp_path / "t.csv").write_text(rows_for_training(400_000))
    within = here("train", *given, "--memory", "430MB").out
    assert "used: 230770 of 400000 rows, drawn at random (--rows and --memory say how many)" in within


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--memory", "100MB"], "--memory 100MB is too little: Python and its libraries take 340 MB"),
        (["--memory", "much"], "must be a size such as 500MB"),
        (["--dask", "tcp://nobody:1"], "--dask is for a folder of tables"),
    ],
)
def test_memory_of_one_file(here, tmp_path, arguments, sentence):
    (tmp_path / "t.csv").write_text(rows_for_training(30))
    given = [tmp_path / "t.csv", "--target", "kind", "--model", "GaussianNB", "-o", tmp_path / "m.fml"]
    assert sentence in here("train", *given, *arguments).complaint
