"""`fastml.compare` on data frames: the results, the pipeline of the best model, the page."""

import subprocess
import sys

import numpy as np
import pytest

import fastml

N = 60
SIZE = [i * 7 % 23 + 0.5 for i in range(N)]
TABLE = {
    "size": SIZE,
    "colour": [["red", "blue", None][i % 3] for i in range(N)],
    "when": np.datetime64("2024-01-01") + np.arange(N) * 5,
    "kind": ["large" if size > 11 else "small" for size in SIZE],
}
NEW = {"colour": ["blue", "green"], "when": TABLE["when"][:2], "size": [2.5, 20.5], "more": [1, 2]}


@pytest.fixture(scope="module")
def found():
    return fastml.compare(TABLE, target="kind", folds=3)


def test_what_was_found(found):
    assert found.summary_.startswith("Highest on table: ")
    assert found.results_["model"][0] == found.best_name_
    assert found.results_["score"] == sorted(found.results_["score"], reverse=True)
    assert any("'when': dates" in note for note in found.notes_)
    assert repr(found).startswith(found.summary_)
    assert found.best_name_ in found._repr_html_()


def test_the_best_is_ready_to_use(found):
    assert found.best_.predict(NEW).tolist() == ["small", "large"]
    assert found.best_ is found.best_
    assert found.pipeline("GaussianNB").predict(NEW).shape == (2,)


@pytest.mark.parametrize("kind", ["pandas", "polars", "pyarrow", "path"])
def test_every_kind_of_table(kind, tmp_path):
    if kind == "path":
        rows = (",".join("" if c is None else str(c) for c in row) for row in zip(*TABLE.values(), strict=True))
        data = tmp_path / "t.csv"
        data.write_text("\n".join([",".join(TABLE), *rows]))
    else:
        library = pytest.importorskip(kind)
        data = (library.table if kind == "pyarrow" else library.DataFrame)(TABLE)
    found = fastml.compare(data, target="kind", folds=3)
    assert found.best_.predict(NEW).tolist() == ["small", "large"]


def test_labels_keep_their_type():
    y = [size > 11 for size in SIZE]
    assert fastml.compare({**TABLE, "kind": y}, target="kind", folds=3).best_.predict(NEW).tolist() == [False, True]
    y = [10 * (size > 11) for size in SIZE]
    assert fastml.compare({**TABLE, "kind": y}, target="kind", folds=3).best_.predict(NEW).tolist() == [0, 10]


def test_regression():
    table = {"a": SIZE, "b": [i * i % 11 + 0.5 for i in range(N)], "y": [3 * a + 0.25 for a in SIZE]}
    found = fastml.compare(table, target="y", folds=3)
    line = found.pipeline("LinearRegression")
    assert line.predict({"a": [2.0], "b": [1.0]}) == pytest.approx(6.25)
    assert found.results_["score"][0] > 0.99


def test_a_page(found, tmp_path):
    pytest.importorskip("jinja2")
    pytest.importorskip("matplotlib")
    text = found.to_html(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == text
    assert found.summary_[:20] in text


@pytest.mark.parametrize(
    ("data", "target", "sentence"),
    [
        (TABLE, "knd", "did you mean 'kind'"),
        ({"a": [1, 2], "y": [1]}, "y", "all of one length"),
        (np.zeros((3, 2)), "y", "must be a data frame, a dict of columns, or the path of a file"),
        ("nowhere.csv", "y", "there is no file 'nowhere.csv'"),
    ],
)
def test_unusable_tables(data, target, sentence):
    with pytest.raises(ValueError, match=sentence):
        fastml.compare(data, target=target, folds=2)


def test_new_tables_that_do_not_fit(found):
    with pytest.raises(ValueError, match="has no column 'colour', which the model was trained on"):
        found.best_.predict({"size": [1.0], "when": TABLE["when"][:1]})
    with pytest.raises(ValueError, match="'size' holds 'big' in row 1"):
        found.best_.predict({**NEW, "size": ["big", "small"]})


def test_importing_fastml_does_not_load_it():
    code = "import sys, fastml; print('fastml.comparing' in sys.modules, 'numpy' in sys.modules)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.split() == ["False", "False"]
