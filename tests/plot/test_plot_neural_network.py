"""Pictures of networks and of learning: what is drawn is what is there."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
import pytest

from fastml.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from fastml.neural_network import Network
from fastml.plot import function, lifted, network, training
from fastml.plot.learning import best_epoch, curves_of
from fastml.plot.neural_network import RADIUS, number, units_shown

XOR = Network.from_rows([[-1, 1, -1], [-1, -1, 1]], [[-0.5, 1, 1]], activations="step", feature_names=["red", "blue"])


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def drawn(units, **options):
    random = np.random.default_rng(0)
    coefs = [random.standard_normal((k, n)) for k, n in itertools.pairwise(units)]
    return Network(coefs, activations="relu", **options)


def words(ax):
    return [text.get_text() for text in ax.texts]


def overlaps(ax):
    """Pairs of words of the axes that cover one another."""
    ax.figure.canvas.draw()
    boxes = [(t.get_text(), t.get_window_extent()) for t in ax.texts if t.get_text()]
    return [(a, b) for k, (a, first) in enumerate(boxes) for b, other in boxes[:k] if first.overlaps(other)]


def test_units_weights_and_biases_of_a_small_network():
    ax = network(XOR)
    assert len(ax.patches) == 5
    assert [len(lines.get_segments()) for lines in ax.collections] == [4, 2]
    for word in ("red", "blue", "y", "bias −1", "bias −0.5", "step\n2 units", "step\n1 unit", "input\n2 units"):
        assert word in words(ax)
    assert words(ax).count("1") == 4
    assert words(ax).count("−1") == 2
    assert overlaps(ax) == []
    ends = {tuple(map(tuple, segment)) for lines in ax.collections for segment in lines.get_segments()}
    centres = {tuple(circle.center) for circle in ax.patches}
    assert {point for segment in ends for point in segment} == centres


def test_activations_of_a_sample_stand_in_the_circles():
    ax = network(XOR, x=[1, 0], weights=False)
    inside = [
        t.get_text()
        for t in ax.texts
        if any(np.hypot(*(np.subtract(t.get_position(), c.center))) < RADIUS / 2 for c in ax.patches)
    ]
    assert inside == ["1", "0", "1", "0", "1"]
    assert not any(word.startswith("bias") for word in words(ax))


def test_a_large_network_leaves_units_out_and_says_how_many():
    ax = network(drawn([784, 100, 10]))
    assert len(ax.patches) == 30
    assert [len(lines.get_segments()) for lines in ax.collections] == [100, 100]
    assert {"774 more", "90 more", "x0", "x783", "y9"} <= set(words(ax))
    assert not any(word.startswith("bias") for word in words(ax))
    assert units_shown(784, 10).tolist() == [0, 1, 2, 3, 4, 779, 780, 781, 782, 783]
    assert units_shown(5, 3).tolist() == [0, 1, 4]
    assert overlaps(ax) == []
    with pytest.raises(ValueError, match="max_units=1 must be at least 2"):
        network(drawn([3, 2]), max_units=1)


@pytest.mark.parametrize("units", [[2, 4, 1], [4, 2], [3, 3, 3, 1], [4, 5, 2], [1, 6, 1]])
def test_no_two_words_overlap_where_weights_are_written(units):
    assert overlaps(network(drawn(units), weights=True)) == []


def test_lines_are_wide_and_blue_or_red_by_the_weight():
    ax = network(Network([[[4.0], [-1.0], [0.0]]], activations="identity"), weights=False)
    widths = ax.collections[0].get_linewidths()
    assert widths[2] > widths[1] > widths[0]
    colours = ax.collections[0].get_colors()
    assert colours[2][2] > colours[2][0]
    assert colours[1][0] > colours[1][2]


def test_numbers_and_given_axes():
    assert number(-0.123456) == "−0.123"
    _, ax = plt.subplots()
    assert network(XOR, ax=ax) is ax
    assert XOR.plot(ax=ax) is ax


def test_a_training_run_with_and_without_scores():
    history = {
        "loss": [3.0, 2.0, 1.0, 0.5],
        "validation_loss": [3.0, 2.0, 2.5, 2.6],
        "train_score": [0.1, 0.5, 0.8, 0.9],
        "validation_score": [0.1, 0.4, 0.6, 0.5],
        "step_size": [0.1] * 4,
    }
    loss, score = training(history)
    assert loss.lines[0].get_ydata().tolist() == history["loss"]
    assert loss.lines[1].get_ydata().tolist() == history["validation_loss"]
    assert score.lines[1].get_ydata().tolist() == history["validation_score"]
    assert score.lines[-1].get_label() == "best epoch: 3"
    none = {**history, "validation_loss": [None] * 4, "validation_score": [None] * 4, "train_score": []}
    (only,) = training(none)
    assert [line.get_label() for line in only.lines] == ["training rows", "best epoch: 4"]
    assert best_epoch(curves_of({"loss": [1.0, 2.0], "validation_loss": [2.0, 1.0]})) == 2
    with pytest.raises(ValueError, match="ax has 1 axes for 2 pictures"):
        training(history, ax=only)
    with pytest.raises(ValueError, match="LinearRegression has no history_"):
        training(LinearRegression().fit([[0.0], [1.0]], [0.0, 1.0]))
    with pytest.raises(ValueError, match="has no loss"):
        training({"train_score": [1.0]})


def test_a_training_run_of_other_models():
    from sklearn.neural_network import MLPClassifier

    X, y = np.arange(40.0)[:, None] / 40, [0, 1] * 20
    model = SGDClassifier(max_iter=7, tol=None).fit(X, y)
    (ax,) = training(model)
    assert len(ax.lines[0].get_xdata()) == 7
    theirs = MLPClassifier((2,), max_iter=30, tol=1.0, n_iter_no_change=5, early_stopping=True, random_state=0).fit(
        X, y
    )
    loss, score = training(theirs)
    assert loss.lines[0].get_ydata().tolist() == theirs.loss_curve_
    assert score.lines[0].get_ydata().tolist() == theirs.validation_scores_


def test_a_function_over_one_column():
    X, y = np.linspace(0, 4, 9), np.linspace(1, 9, 9)
    line = LinearRegression().fit(X[:, None], y)
    ax = function({"line": line, "square": lambda x: x[:, 0] ** 2}, X, y)
    found = {part.get_label(): part for part in ax.lines}
    x, f = found["line"].get_data()
    np.testing.assert_allclose(f, 1 + 2 * x)
    x, f = found["square"].get_data()
    np.testing.assert_allclose(f, x**2)
    assert x[0] < 0 < 4 < x[-1]
    model = LogisticRegression().fit(X[:, None], np.where(X > 1.9, "b", "a"))
    ax = function(model, X[:, None], np.where(X > 1.9, "b", "a"))
    x, f = ax.lines[1].get_data()
    np.testing.assert_allclose(f, model.predict_proba(x[:, None])[:, 1])
    assert [t.get_text() for t in ax.get_yticklabels()] == ["a", "b"]
    assert len(function(Network([[[1.0, 2.0]]], activations="tanh"), X).lines) == 2
    with pytest.raises(ValueError, match="one column"):
        function(line, np.ones((3, 2)))


def test_a_circles_data_lifted_to_where_a_plane_parts_them():
    X = np.random.default_rng(0).uniform(-1.5, 3.5, (80, 2))
    inside = ((X - 1) ** 2).sum(axis=1) < 2
    ax = lifted(X, inside, weights=(2, 2, -1, 0))
    heights = np.concatenate([np.asarray(points._offsets3d[2]) for points in ax.collections[:4:2]])
    np.testing.assert_allclose(np.sort(heights), np.sort((X**2).sum(axis=1)))
    kinds = [type(part).__name__ for part in ax.collections]
    assert "Poly3DCollection" in kinds
    assert kinds.count("Path3DCollection") == 4
    assert any("Contour" in kind for kind in kinds)
    above = 2 * X[:, 0] + 2 * X[:, 1] - (X**2).sum(axis=1) > 0
    assert np.array_equal(above, inside)
    assert lifted(X, inside, height=lambda a, b: a * b).get_zlabel() == "height"
    with pytest.raises(ValueError, match="two columns"):
        lifted(X[:, :1], inside)
    with pytest.raises(ValueError, match="w2 not 0"):
        lifted(X, inside, weights=(1, 1, 0, 0))
    with pytest.raises(ValueError, match="ax is flat"):
        lifted(X, inside, ax=plt.subplots()[1])
