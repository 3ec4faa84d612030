"""Which model a comparison calls the best, and what --tune chooses."""

import re

import numpy as np
import pytest
from sklearn.datasets import load_iris

from fastml.cli.models import CLASSIFICATION, MODELS, Model
from fastml.cli.problem import Problem
from fastml.cli.race import Entry, Race, Run, leaders
from fastml.cli.results import summary

STUMP = Model("tree.DecisionTreeClassifier", CLASSIFICATION, {"max_depth": 1})
KNN = Model("neighbors.KNeighborsClassifier", CLASSIFICATION, grid={"n_neighbors": [1, 5, 60]})


def entry(title, scores):
    made = Entry("data", title)
    made.runs["fastml"] = [Run(score, 0.0, 0.0) for score in scores]
    return made


def test_the_best_is_surely_better_than_every_other():
    a, b, c = entry("A", [0.9, 0.91, 0.9]), entry("B", [0.8, 0.8, 0.8]), entry("C", [0.91, 0.7, 0.95])
    assert leaders([b, a], 3) == [a]
    assert leaders([b, a, c], 3) == [a, c]
    assert leaders([a, entry("twin", [0.9, 0.91, 0.9])], 3)[0] is a
    assert len(leaders([a, entry("twin", [0.9, 0.91, 0.9])], 3)) == 2
    assert leaders([entry("unfinished", [0.9])], 3) == []


@pytest.fixture(scope="module")
def iris():
    X, y = load_iris(return_X_y=True)
    rows = np.arange(1, len(y) + 1)
    return Problem("iris", CLASSIFICATION, X, y, ["a", "b", "c", "d"], {}, [], rows)


def test_tuning(iris):
    race = Race([iris], 3, lambda *_: None, [KNN, STUMP], tune=True)
    race.run()
    knn, stump = race.of(iris)
    assert knn.best
    assert not stump.chosen
    assert len(knn.chosen) == 3
    assert all(chosen["n_neighbors"] in (1, 5) for chosen in knn.chosen)
    assert knn.runs["fastml"][0].score == knn.runs["scikit-learn"][0].score
    text = "\n".join(summary(race))
    assert "tuned KNeighborsClassifier on iris: n_neighbors=" in text
    assert "* best on iris: KNeighborsClassifier, " in text


@pytest.mark.parametrize("model", [model for model in MODELS if model.grid], ids=lambda model: model.title)
def test_grids_name_parameters(model):
    from fastml.cli.models import load

    assert set(model.grid) <= set(load(model)[0]().get_params())


def test_what_takes_texts_as_they_are_is_shown_where_there_are_some(iris):
    mixed = iris._replace(texts={0: ["red", "blue"]})
    titles = [{model.title for model in Race([p], 3, None).models_for(p)} for p in (iris, mixed)]
    assert titles[1] - titles[0] == {
        model.title for model in MODELS if model.only_mixed and model.task == "classification"
    }


def test_the_page_draws_a_tree(here, tmp_path):
    rows = "".join(f"{i % 7},{('red', 'blue')[i % 2]},{('no', 'yes')[i % 7 > 3]}\n" for i in range(60))
    (tmp_path / "t.csv").write_text("size,colour,kind\n" + rows, encoding="utf-8")
    outcome = here("compare", tmp_path / "t.csv", "--target", "kind", "--folds", "2", "--report", tmp_path / "r.html")
    assert outcome.code == 0, outcome.err
    page = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert re.search(r'aria-label="decision tree".*size', page, re.DOTALL)
