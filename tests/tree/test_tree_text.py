"""Text, DOT, Mermaid and HTML: complete, and with every name escaped."""

import html
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import NotFittedError
from sklearn.tree import DecisionTreeClassifier as TheirClassifier

from fastml.tree import DecisionTreeClassifier, export_graphviz, export_text, rules, to_mermaid, tree_html
from fastml.tree.rules import paths
from fastml.tree.view import view
from fastml_ext.tree.structure import LEAF

seeds = st.integers(0, 2**32 - 1)


def random_model(hand, seed):
    return hand.random_tree(np.random.default_rng(seed), depth=4, classes=[None, ("no", "it's", "<yes>")][seed % 2])


@given(seeds)
def test_every_node_is_told_once(hand, seed):
    model = random_model(hand, seed)
    lines = model.export_text(max_depth=None).splitlines()
    n_leaves = model.tree_.n_leaves
    assert len(lines) == max(model.tree_.node_count - 1, 1)
    assert sum("sample" in line for line in lines) == n_leaves
    assert len(model.export_text(max_depth=None, style="rules").splitlines()) == n_leaves == len(model.rules())
    dot = model.to_dot()
    assert len(re.findall(r"^\d+ \[", dot, re.M)) == model.tree_.node_count
    assert len(re.findall(r"^\d+ -> \d+ ", dot, re.M)) == model.tree_.node_count - 1
    mermaid = model.to_mermaid()
    assert mermaid.count(" --> ") == model.tree_.node_count - 1


@given(seeds)
def test_names_are_escaped(hand, seed):
    model = random_model(hand, seed)
    quoted = r'"(?:[^"\\\n]|\\.)*"'
    for line in model.to_dot().splitlines()[3:-1]:
        assert re.fullmatch(rf'\d+( -> \d+)? \[label={quoted}(, fillcolor="#[0-9a-f]{{6}}")?\];', line), line
    for line in model.to_mermaid().splitlines()[1:]:
        node, edge = r"n\d+\[\"[^\"<>`]*\"\]|n\d+\(\[\"[^\"<>`]*<br>[^\"<>`]*\"\]\)", r'n\d+ -- "[^"<>`]*" --> n\d+'
        assert re.fullmatch(rf"  ({node}|{edge}|style n\d+ fill:#[0-9a-f]{{6}},color:#000)", line), line
        assert "#quot;quot;" not in line
    page = model.tree_html()
    ElementTree.fromstring(page)  # well-formed
    assert page._repr_html_() == page


def test_the_words_come_through_unharmed(hand):
    column = hand.column('a <b> & "c"', split="multiway", categories=hand.NASTY)
    leaves = [([code], [1, 0] if code % 2 else [0, 1]) for code in range(len(hand.NASTY))]
    model = hand.build((0, 2, leaves), [column], ["<no>", "it's #1"])
    mermaid = html.unescape(re.sub(r"#(\d+);", r"&#\1;", re.sub(r"#([a-z]+);", r"&\1;", model.to_mermaid())))
    text = "".join(ElementTree.fromstring(model.tree_html()).itertext())
    dot = model.to_dot().replace('\\"', '"').replace("\\\\", "\\")
    for word in [
        column.name,
        "<no>",
        "it's #1",
        *(name.replace("\n", "\\n") for name in hand.NASTY if "\\" not in name),
    ]:
        assert word in text
        assert word in dot
        assert word in mermaid
        assert word in model.export_text()


def test_iris_in_full():
    iris = load_iris()
    tree = DecisionTreeClassifier(max_depth=2).fit(iris.data, iris.target)
    names = {"feature_names": iris.feature_names, "class_names": iris.target_names}
    text = export_text(tree, **names, spacing=2, decimals=1, style="tree")
    assert text == (
        "if petal length (cm) <= 2.4 then setosa   [50 samples, P = 1.0]\n"
        "if petal length (cm) > 2.4\n"
        "  if petal width (cm) <= 1.8 then versicolor   [54 samples, P = 0.9]\n"
        "  if petal width (cm) > 1.8 then virginica   [46 samples, P = 1.0]"
    )
    short = export_text(tree, max_depth=1, show_weights=True, style="tree").splitlines()[1]
    assert (
        short
        == "if x2 > 2.45 then 1   [100 samples, P = 0.50] weights: [0.00, 50.00, 50.00] … 2 leaves, 1 deep, left out"
    )
    assert (
        export_text(tree, max_depth=0, style="tree")
        == "always 0   [150 samples, P = 0.33] … 3 leaves, 2 deep, left out"
    )
    assert [rule.samples for rule in rules(tree)] == [50, 54, 46]
    assert sum(rule.support for rule in rules(tree)) == pytest.approx(1)


def test_rules_partition_the_rows():
    X, y = load_digits(return_X_y=True)
    tree = DecisionTreeClassifier(max_depth=6).fit(X, y)
    nodes, seen = tree.apply(X), np.zeros(len(X), int)
    for node, regions in paths(view(tree)):
        inside = np.ones(len(X), bool)
        for j, region in regions.items():
            inside &= (X[:, j] > (-np.inf if region.low is None else region.low)) & (
                X[:, j] <= (np.inf if region.high is None else region.high)
            )
        assert np.array_equal(inside, nodes == node)
        seen += inside
    assert (seen == 1).all()


def test_missing_values_are_named_where_they_were_met(hand):
    X = np.array([[1.0, 1], [2, 2], [np.nan, 3], [4, 4], [np.nan, 5], [5, 6]])
    tree = DecisionTreeClassifier().fit(X[:, :1], [0, 0, 1, 1, 1, 1])
    assert tree.export_text().splitlines()[1].startswith("if x0 > 3.00 or missing then 1")
    tree = DecisionTreeClassifier().fit(X[:, :1], [0, 0, 1, 0, 1, 0])
    assert [line.split(" then")[0] for line in tree.export_text().splitlines()] == [
        "if x0 is known",
        "if x0 is missing",
    ]
    tree = DecisionTreeClassifier().fit(X[:, 1:], [0, 0, 1, 1, 1, 1])
    assert "missing" not in tree.export_text(style="tree")


def test_scikit_learns_options_of_graphviz(tmp_path):
    iris = load_iris()
    tree = TheirClassifier(max_depth=3, random_state=0).fit(iris.data, iris.target)
    options = {
        "feature_names": iris.feature_names, "class_names": list(iris.target_names), "label": "root", "filled": True,
        "leaves_parallel": True, "node_ids": True, "proportion": True, "rotate": True, "rounded": True, "precision": 2,
    }  # fmt: skip
    dot = export_graphviz(tree, **options)
    for words in ("rankdir=LR", "rank=same", "node #0", "samples = 100.0%", "gini = 0.67", "class = setosa"):
        assert words in dot
    assert dot.count("samples = ") == 1
    export_graphviz(tree, tmp_path / "tree.dot", **options)
    assert (tmp_path / "tree.dot").read_text(encoding="utf-8") == dot
    with open(tmp_path / "again.dot", "w", encoding="utf-8") as file:
        export_graphviz(tree, file, **options)
    assert (tmp_path / "again.dot").read_text(encoding="utf-8") == dot


def test_deep_trees_do_not_recurse(hand):
    model = hand.staircase(20_000)
    assert len(model.export_text(max_depth=None, spacing=1).splitlines()) == 40_000
    assert len(model.rules()) == 20_001
    assert model.to_dot().count("->") == model.to_mermaid().count("-->") == 40_000
    assert tree_html(model).count("<title>") <= 400


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"style": "table"}, "style='table'"),
        ({"spacing": 0}, "spacing=0"),
        ({"decimals": -1}, "decimals=-1"),
        ({"max_depth": -1}, "max_depth=-1"),
        ({"feature_names": ["a", "b"]}, "feature_names has 2 names, but the tree was fitted on 1 columns"),
        ({"class_names": ["a"]}, "class_names has 1 names, but the tree has 2 classes"),
    ],
)
def test_bad_options_are_named(hand, options, words):
    model = hand.build((0, 1.0, False, [1, 0], [0, 1]), [hand.column("x")], ["no", "yes"])
    with pytest.raises(ValueError, match=words):
        export_text(model, **options)


def test_trees_that_are_not_fitted():
    for read in (export_text, rules, export_graphviz, to_mermaid, tree_html):
        with pytest.raises(NotFittedError, match="DecisionTreeClassifier"):
            read(DecisionTreeClassifier())
    with pytest.raises(ValueError, match="2 outputs"):
        export_text(TheirClassifier().fit([[1], [2]], [[0, 1], [1, 0]]))


def test_the_notebook_view_of_the_estimator_is_still_scikit_learns():
    tree = DecisionTreeClassifier().fit([[1], [2]], [0, 1])
    assert "sk-top-container" in tree._repr_html_()
    assert view(tree).tree.kind[1] == LEAF
