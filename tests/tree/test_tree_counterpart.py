"""export_text, export_graphviz and plot_tree: to the letter what scikit-learn's functions write of the same tree."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import sklearn.tree
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_iris

from fastml import from_sklearn
from fastml.tree import (
    DecisionTreeClassifier,
    DecisionTreeRegressor,
    ID3Classifier,
    export_graphviz,
    export_text,
    plot_tree,
)

IRIS = load_iris()


@pytest.fixture(autouse=True)
def _figures():
    yield
    plt.close("all")


@pytest.fixture(params=["classes", "numbers", "two outputs", "weights", "integers", "names"])
def twins(request):
    """A tree of fastml and scikit-learn's of the same nodes."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 4)).astype(np.float32)  # no ties, which scikit-learn decides by chance
    y = np.digitize(X[:, 0] + X[:, 1] * X[:, 2] + 0.3 * rng.normal(size=200), [-0.5, 0.5])
    weight = rng.integers(1, 4, 200) if request.param == "weights" else None
    kind = "Classifier"
    if request.param == "numbers":
        y, kind = X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(size=200), "Regressor"
    if request.param == "two outputs":
        y = np.column_stack([y, y % 2])
    if request.param == "integers":
        X, y = rng.integers(-50, 50, (200, 1)), rng.integers(0, 3, 200)  # thresholds half way
    if request.param == "names":
        y = np.array(["a setosa", "versicolor", "virginica"])[y]
    ours = {"Classifier": DecisionTreeClassifier, "Regressor": DecisionTreeRegressor}[kind](
        max_depth=4, min_samples_leaf=15
    ).fit(X, y, sample_weight=weight)
    theirs = getattr(sklearn.tree, f"DecisionTree{kind}")(max_depth=4, min_samples_leaf=15, random_state=0)
    theirs.fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(ours.tree_.feature, theirs.tree_.feature)
    return ours, theirs


OPTIONS = [{}, {"max_depth": 1}, {"decimals": 4, "spacing": 1}, {"show_weights": True, "max_depth": 0}]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("named", [False, True])
def test_text(twins, options, named):
    ours, theirs = twins
    if named:
        options = options | {"feature_names": [f"column {j}" for j in range(ours.n_features_in_)]}
    if ours.n_outputs_ > 1:
        with pytest.raises(ValueError, match="2 outputs"):  # scikit-learn writes the first, and does not say so
            export_text(ours, **options)
    else:
        assert export_text(ours, **options) == sklearn.tree.export_text(theirs, **options)
        assert export_text(theirs, **options) == sklearn.tree.export_text(theirs, **options)


SHOWN = [
    {},
    {"filled": True, "rounded": True, "precision": 1},
    {"max_depth": 1, "impurity": False, "label": "root", "class_names": True},
    {"node_ids": True, "proportion": True, "label": "none", "filled": True},
]


@pytest.mark.parametrize("options", SHOWN)
def test_dot(twins, options):
    ours, theirs = twins
    for more in ({}, {"rotate": True, "leaves_parallel": True, "special_characters": True, "fontname": "serif"}):
        expected = sklearn.tree.export_graphviz(theirs, **options, **more)
        assert export_graphviz(ours, **options, **more) == expected
        file = io.StringIO()
        export_graphviz(ours, file, **options, **more)
        assert file.getvalue() == expected


@pytest.mark.parametrize("options", SHOWN)
def test_drawing(twins, options):
    drawn = []
    for model, draw in zip(twins, (plot_tree, sklearn.tree.plot_tree), strict=True):
        _, axes = plt.subplots(figsize=(7, 5))
        drawn.append([described(words) for words in draw(model, ax=axes, **options)])
        assert len(axes.texts) == len(drawn[-1])
    assert drawn[0] == drawn[1]
    assert plot_tree(twins[0])[0].axes is plt.gca()


def described(words):
    patch = words.get_bbox_patch()
    return words.get_text(), words.get_fontsize(), words.xy, words.xyann, patch and patch.get_facecolor()


@given(names=st.lists(st.text(max_size=8), min_size=2, max_size=2), special=st.booleans())
def test_no_name_ends_a_label(names, special):
    """Labels end where they end, whatever backslashes, quotes and brackets names hold."""
    model = DecisionTreeClassifier().fit([[0.0, 0.0], [1.0, 0.0]], ["a", "b"])
    dot = export_graphviz(model, feature_names=names, class_names=names, special_characters=special)
    plain = export_graphviz(model, feature_names=["x", "y"], class_names=["x", "y"], special_characters=special)
    assert [shape(line, special) for line in dot.split("\n")] == [shape(line, special) for line in plain.split("\n")]


def shape(line, special):
    """A line of DOT without what stands in its labels."""
    if special and "label=<" in line:
        before, _, rest = line.partition("label=<")
        return before + "".join(c for c in rest.replace("<br/>", "") if c in "<>")
    out, inside, at = [], False, 0
    while at < len(line):
        if inside and line[at] == "\\":
            at += 2
            continue
        inside ^= line[at] == '"'
        out += [line[at]] * (not inside)
        at += 1
    assert not inside
    return "".join(out)


def test_what_scikit_learn_has_no_words_for(hand):
    """Categories, missing values, many levels: fastml's own writing, which says all."""
    X = np.array([[1.0], [2.0], [np.nan], [4.0], [np.nan], [5.0]])
    missing = DecisionTreeClassifier().fit(X, [0, 0, 1, 1, 1, 1])
    assert "or missing" in export_text(missing)
    assert "or missing" in export_graphviz(missing)
    assert any("or missing" in text.get_text() for text in plot_tree(missing)[0].axes.texts)
    categories = ID3Classifier().fit([["sunny"], ["rain"]], ["no", "yes"])
    assert export_text(categories).startswith("if x0 = rain then yes")
    assert '[label="rain"]' in export_graphviz(categories)
    assert export_text(hand.staircase(400), max_depth=None).count("\n") == 799


@pytest.mark.parametrize("function", [export_graphviz, plot_tree])
def test_other_names_than_classes(function):
    model = DecisionTreeClassifier().fit(IRIS.data, IRIS.target)
    for error in (ValueError, IndexError):  # the second is what scikit-learn raises
        with pytest.raises(error, match="class_names has 2 names, but the tree has 3 classes"):
            function(model, class_names=["a", "b"])
    with pytest.raises(ValueError, match="Length of feature_names, 1 does not match number of features, 4"):
        function(model, feature_names=["a"])
    with pytest.raises(ValueError, match="max_depth=-1 must not be negative"):
        function(model, max_depth=-1)


def test_a_tree_that_came_from_scikit_learn():
    theirs = sklearn.tree.DecisionTreeClassifier(max_depth=3, random_state=0).fit(IRIS.data, IRIS.target)
    assert export_text(from_sklearn(theirs), decimals=1) == sklearn.tree.export_text(theirs, decimals=1)
