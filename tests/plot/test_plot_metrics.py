"""What the pictures of scores show is what the scores are."""

import subprocess
import sys

import numpy as np
import pytest
from matplotlib import pyplot

from fastml import metrics, plot
from fastml.model_selection import GridSearchCV
from fastml.neighbors import KNeighborsClassifier


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    pyplot.close("all")


def data(n=60):
    random = np.random.default_rng(0)
    X = random.normal(size=(n, 2))
    return X, (X[:, 0] + random.normal(size=n) > 0).astype(int)


def test_confusion_matrix():
    y_true, y_pred = np.array(["long name", "b", "b", "b"]), np.array(["b", "b", "b", "long name"])
    ax = plot.confusion_matrix(y_true, y_pred)
    assert [text.get_text() for text in ax.texts] == ["2", "1", "1", "0"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["b", "long name"]
    assert ax.get_title() == "accuracy 0.500 of 4 rows"
    given = pyplot.figure().add_subplot()
    counted = metrics.Confusion.count(y_true, y_pred)
    assert counted.plot(ax=given, normalize="true") is given
    assert [text.get_text() for text in given.texts] == ["0.67", "0.33", "1.00", "0.00"]
    many = np.arange(40)
    assert len(plot.confusion_matrix(many, many).texts) == 0


def test_roc_and_precision_recall():
    X, y = data()
    ax = plot.roc(y, {"good": X[:, 0], "bad": X[:, 1]})
    fpr, tpr, _ = metrics.roc_curve(y, X[:, 0])
    assert np.array_equal(ax.lines[0].get_xydata(), np.c_[fpr, tpr])
    areas = [f"{metrics.roc_auc_score(y, X[:, j]):.3f}" for j in (0, 1)]
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels == [f"good: area {areas[0]}", f"bad: area {areas[1]}", "chance"]
    ax = plot.precision_recall(y, X[:, 0])
    average = metrics.average_precision_score(y, X[:, 0])
    assert ax.get_legend().get_texts()[0].get_text() == f"score: average precision {average:.3f}"


def test_validation_curve():
    X, y = data()
    grid = {"n_neighbors": [9, 1, 3], "weights": ["uniform", "distance"]}
    search = GridSearchCV(KNeighborsClassifier(), grid, cv=4, return_train_score=True).fit(X, y)
    ax = plot.validation_curve(search)
    assert ax.lines[0].get_xdata().tolist() == [1, 3, 9]
    means = search.cv_results_["mean_test_score"]
    assert ax.lines[0].get_ydata().tolist() == means[[2, 4, 0]].tolist()
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("n_neighbors", "accuracy", "linear")
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[:2] == ["weights=uniform", "weights=uniform, training"]
    assert labels[-1] == f"chosen: {search.best_params_['n_neighbors']}"
    wide = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 2, 40], "leaf_size": [30]}, cv=4).fit(X, y)
    assert plot.validation_curve(wide, "n_neighbors", log=True).get_xscale() == "log"
    for options, words in (({"param": "p"}, "param='p'"), ({"metric": "f1"}, "'f1'")):
        with pytest.raises(ValueError, match=words):
            plot.validation_curve(search, **options)
    alone = GridSearchCV(KNeighborsClassifier(), {"weights": ["uniform", "distance"]}).fit(X, y)
    with pytest.raises(ValueError, match="pass param"):
        plot.validation_curve(alone)


def test_learning_curve():
    X, y = data(120)
    ax = plot.learning_curve(KNeighborsClassifier(), X, y, train_sizes=[20, 60])
    assert ax.lines[1].get_xdata().tolist() == [20, 60]
    assert ax.get_ylabel() == "accuracy"
    assert (ax.lines[0].get_ydata() <= 1).all()


def test_without_matplotlib_the_error_names_the_cure():
    code = (
        "import sys; sys.modules['matplotlib'] = None\nfrom fastml import plot\n"
        "try: plot.roc([0, 1], [0.1, 0.2])\nexcept ImportError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == 'fastml.plot needs matplotlib: pip install "fastml-learn[plot]"'
