"""Pictures of trees: nothing overlaps, everything is there."""

import inspect

import matplotlib.pyplot as plt
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_diabetes, load_digits
from sklearn.tree import plot_tree as their_plot_tree

from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor, plot_tree
from fastml.tree.colours import class_colours
from fastml.tree.layout import SMALL, Options, scene, text_width
from fastml.tree.view import view


@pytest.fixture(autouse=True)
def no_figures():
    plt.close("all")
    yield
    plt.close("all")


@pytest.mark.parametrize("orientation", ["down", "right", "auto"])
@given(seed=st.integers(0, 2**32 - 1))
def test_no_boxes_or_words_overlap(hand, orientation, seed):
    model = hand.random_tree(np.random.default_rng(seed), depth=4)
    drawn = scene(view(model), Options(orientation=orientation, impurity=True))
    rectangles = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in drawn.boxes.values()]
    for box in drawn.boxes.values():
        width = text_width(box.test, SMALL)
        if box.parent is not None and drawn.sideways:
            rectangles.append((box.x - width - 0.3, box.y + box.height / 2 - 1, box.x - 0.3, box.y + box.height / 2))
        elif box.parent is not None:
            middle = box.x + box.width / 2
            rectangles.append((middle - width / 2, box.y - 1, middle + width / 2, box.y))
    a = np.array(rectangles)
    apart = (a[:, None, 2] <= a[None, :, 0] + 1e-9) | (a[:, None, 3] <= a[None, :, 1] + 1e-9)
    apart = apart | apart.T
    np.fill_diagonal(apart, True)
    assert apart.all()
    assert (a >= -1e-9).all()
    assert a[:, 2].max() <= drawn.width + 1e-9
    assert a[:, 3].max() <= drawn.height + 1e-9


@pytest.mark.parametrize("n_leaves", [3, 15, 40])
def test_words_fit_their_boxes(n_leaves):
    X, y = load_digits(return_X_y=True)
    tree = DecisionTreeClassifier(max_leaf_nodes=n_leaves).fit(X, y)
    names = [f"pixel {i}, wide MMM" for i in range(64)]
    titles = plot_tree(tree, filled=True, rounded=True, feature_names=names, orientation="auto")
    assert len(titles) == 2 * n_leaves - 1
    ax = plt.gca()
    ax.figure.canvas.draw()
    boxes = [patch.get_window_extent() for patch in ax.patches if type(patch).__name__ == "FancyBboxPatch"]
    assert len(boxes) == len(titles)
    for title, box in zip(titles, boxes, strict=True):
        words = title.get_window_extent()
        assert box.x0 <= words.x0 <= words.x1 <= box.x1
        assert box.y0 <= words.y0 <= words.y1 <= box.y1
        assert title.get_fontsize() == pytest.approx(9)


def test_options_of_scikit_learn():
    X, y = load_diabetes(return_X_y=True)
    tree = DecisionTreeRegressor(max_depth=4).fit(X, y)
    _, ax = plt.subplots(figsize=(12, 8))
    options = {"max_depth": 2, "node_ids": True, "proportion": True, "label": "root", "precision": 1}
    titles = plot_tree(tree, **options, ax=ax, fontsize=5, orientation="auto")
    assert len(titles) == 7
    assert titles[0].axes is ax
    assert titles[0].get_fontsize() == 5
    words = [text.get_text() for text in ax.texts]
    assert "100.0 % of samples" in words
    assert "#0" in words
    assert "squared error 5929.9" in words
    assert sum(word.endswith("…") for word in words) == 4
    taken = plot_tree(tree, orientation="down")  # the current axes, as scikit-learn's
    assert taken[0].axes is ax
    assert set(inspect.signature(plot_tree).parameters) >= set(inspect.signature(their_plot_tree).parameters)


def test_odd_names_are_drawn_as_they_are(hand):
    model = hand.build((0, 1.0, False, [1, 0], [0, 1]), [hand.column("$x^2$ 100%")], ["$a$", "$b"])
    titles = plot_tree(model, orientation="auto")
    plt.gcf().canvas.draw()
    assert [title.get_text() for title in titles] == ["$x^2$ 100%", "$a$", "$b"]
    titles = plot_tree(model, class_names=["$a$", "$b"])
    plt.gcf().canvas.draw()
    assert titles[0].get_text().startswith("x[0] <= 1.0\n")
    assert "class = $b" in titles[3].get_text()


def test_long_lists_of_categories_are_cut_short(hand):
    column = hand.column("city", split="subset", categories=[f"city {i}" for i in range(100)])
    model = hand.build((0, 3, [(list(range(99)), [1, 0]), ([99], [0, 1])]), [column], ["a", "b"])
    plot_tree(model)
    words = [text.get_text() for text in plt.gca().texts]
    assert "{city 0, city 1, city 2, … 96 more}" in words
    assert view(model).says_short(0, view(model).branches(0)[0][1], room=4) == "{cit…, … 98 more}"
    assert "city 98" in model.tree_html()  # where the pointer rests


def test_bad_options_of_pictures(hand):
    model = hand.build([1, 0], [hand.column("x")], ["a", "b"])
    for options in ({"label": "some"}, {"orientation": "up"}):
        with pytest.raises(ValueError, match="must be one of"):
            plot_tree(model, **options)
    with pytest.raises(ValueError, match="orientation='up'"):
        model.tree_html(orientation="up")
    assert len(set(class_colours(10))) == 10
    assert class_colours(11)[10] == class_colours(11)[0]
