"""Networks whose weights are given: worked examples by hand, derivatives, and what they are made of."""

import itertools

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from fastml import autodiff as ad
from fastml.neural_network import Network
from fastml.neural_network.formulas import ACTIVATIONS, LOSSES
from fastml_ext.neural import reference

RECTANGLE = [[0, 1, 0], [5, -1, 0], [0, 0, 1], [2, 0, -1]]  # 0 <= x0 <= 5, 0 <= x1 <= 2
SMOOTH = [name for name in ACTIVATIONS if name not in ("step", "straight_through", "softmax", "relu", "leaky_relu")]
LAST = ["identity", "softplus", "exp", "logistic", "softmax"]


def drawn(units, activations, seed=0, **options):
    random = np.random.default_rng(seed)
    scale = 0.2 if "exp" in activations[:-1] else 0.5  # or exp of exp leaves what a float can hold
    coefs = [scale * random.standard_normal((k, n)) for k, n in itertools.pairwise(units)]
    intercepts = [2 * scale * random.standard_normal(n) for n in units[1:]]
    return Network(coefs, intercepts, activations=activations, **options)


def shares(n, k, seed=0):
    Y = np.random.default_rng(seed).random((n, k))
    return Y / Y.sum(axis=1, keepdims=True)


def test_a_step_network_by_hand():
    net = Network.from_rows([[1, 0, 0, 1], [0, -1, 1, 0], [2, 0, 1, 1]], [[0, 1, 1, 0]], activations="step")
    passed = net.forward([0, 2, 1])  # behind its leading 1
    assert passed.sums[0].tolist() == [[2, 2, 5]]
    assert passed.activations[1].tolist() == [[1, 1, 1]]
    assert passed.sums[1].tolist() == [[2]]
    assert passed.output.tolist() == [[1]]
    assert net([0, 2, 1]).tolist() == [1]
    assert Network.from_rows([[0, 1]], activations="step")([0.0]).tolist() == [1]  # step(0) is 1


def test_a_rectangle_with_its_edges():
    net = Network.from_rows(RECTANGLE, [[-3.5, 1, 1, 1, 1]], activations="step", classes=["outside", "inside"])
    points = [[0, 0], [5, 2], [2.5, 1], [-0.1, 1], [5.1, 1], [2, 2.1], [2, -0.1]]
    assert net.predict(points).tolist() == ["inside"] * 3 + ["outside"] * 4


def test_a_union_of_rectangles_takes_one_more_layer():
    other = [[-4, 1, 0], [8, -1, 0], [-1, 0, 1], [6, 0, -1]]  # 4 <= x0 <= 8, 1 <= x1 <= 6
    each = [[-3.5, *[1] * 4, *[0] * 4], [-3.5, *[0] * 4, *[1] * 4]]
    net = Network.from_rows([*RECTANGLE, *other], each, [[-0.5, 1, 1]], activations="step")
    points = np.random.default_rng(0).uniform(-1, 9, (400, 2))
    first = ((points >= 0) & (points <= [5, 2])).all(axis=1)
    second = ((points >= [4, 1]) & (points <= [8, 6])).all(axis=1)
    assert (first & second).any()
    assert np.array_equal(net.predict(points), (first | second).astype(float))


def test_two_cars():
    net = Network.from_rows([[-1, 1, -1], [-1, -1, 1]], [[-0.5, 1, 1]], activations="step")
    assert net.predict([[0, 0], [0, 1], [1, 0], [1, 1]]).tolist() == [0, 1, 1, 0]


def test_connections_of_a_5_5_5_1_network():
    summary = drawn([5, 5, 5, 1], "relu").summary()
    assert summary.connections == 55
    assert summary.parameters == 66
    assert summary.operations == 2 * 55 + 11


@pytest.mark.parametrize("activation", ["logistic", "exp", "softplus"])
def test_equal_rows_stay_equal_from_zeros_on(activation):
    net = Network([np.zeros((3, 4)), np.zeros((4, 1))], activations=[activation, "identity"])
    random = np.random.default_rng(0)
    X, y = random.standard_normal((20, 3)), 3 + random.random(20)
    for _ in range(5):
        found = net.gradients(X, y)
        coefs = [c - 0.1 * g for c, g in zip(net.coefs, found.coefs, strict=True)]
        intercepts = [b - 0.1 * g for b, g in zip(net.intercepts, found.intercepts, strict=True)]
        net = Network(coefs, intercepts, activations=net.activations)
    assert np.abs(net.coefs[-1]).max() > 0
    for coef in net.coefs:  # the sums over equal units are BLAS's, in whatever order
        np.testing.assert_allclose(coef, np.broadcast_to(coef[:, :1], coef.shape), rtol=1e-13)


def test_an_identity_network_is_a_linear_model():
    net, X = drawn([3, 4, 2], "identity"), np.random.default_rng(1).standard_normal((6, 3))
    coef = net.coefs[0] @ net.coefs[1]
    np.testing.assert_allclose(net(X), X @ coef + net.intercepts[0] @ net.coefs[1] + net.intercepts[1])


@pytest.mark.parametrize("hidden", [name for name in ACTIVATIONS if name != "softmax"])
@pytest.mark.parametrize("last", LAST)
def test_forward_and_derivatives_are_those_of_the_definition(hidden, last):
    net = drawn([3, 5, 4, 2], [hidden, hidden, last])
    X, Y = np.random.default_rng(2).standard_normal((7, 3)), shares(7, 2)
    weight, names = np.random.default_rng(3).uniform(0.5, 2, 7), [hidden, hidden, last]
    for mine, its in zip(
        net.forward(X).activations, reference.forward(X, net.coefs, net.intercepts, names), strict=True
    ):
        np.testing.assert_allclose(mine, its, atol=1e-14)
    for loss in LOSSES:
        if ("log_loss" in loss and last not in ("logistic", "softmax")) or (loss, last) == ("poisson", "identity"):
            continue
        found = net.gradients(X, Y, loss, sample_weight=weight, delta=0.3)
        expected = reference.backward(X, Y, net.coefs, net.intercepts, names, loss, weight, 0.3)
        assert found.loss == pytest.approx(expected[0], rel=1e-12)
        for mine, its in zip(
            [*found.coefs, *found.intercepts, found.X], [*expected[1], *expected[2], expected[3]], strict=True
        ):
            np.testing.assert_allclose(mine, its, atol=1e-13, rtol=1e-10)


@pytest.mark.parametrize("hidden", [*SMOOTH, "relu", "leaky_relu", "softmax", "step"])
def test_derivatives_agree_with_differences(hidden):
    X = np.random.default_rng(4).standard_normal((5, 3))
    for last, loss in [(last, None) for last in LAST] + [("softmax", "squared_error"), ("tanh", "huber")]:
        report = drawn([3, 4, 4, 2], [hidden, hidden, last]).check_gradients(X, shares(5, 2), loss)
        assert report, f"{last}: {report}"
        assert len(report.rows) == 7


def test_a_wrong_derivative_is_named_with_its_layer_and_weight():
    wrong = (lambda z: np.where(z > 0, z, 0.2 * z), lambda z: np.where(z > 0, 1.0, 0.1))
    net = drawn([3, 4, 4, 1], ["tanh", wrong, "identity"])
    X = np.random.default_rng(5).standard_normal((6, 3))
    report = net.check_gradients(X, np.ones(6))
    assert not report
    assert "layer 2's activation" in report.culprit
    assert {name.split("[")[0] + "[" + name.split("[")[1] for name in report.wrong if name[0] != "X"} == {
        "coefs[0]",
        "intercepts[0]",
        "coefs[1]",
        "intercepts[1]",
    }
    assert "differences give 0.2" in str(report)
    right = drawn([3, 4, 4, 1], ["tanh", (wrong[0], lambda z: np.where(z > 0, 1.0, 0.2)), "identity"])
    assert right.check_gradients(X, np.ones(6))


def test_a_wrong_loss_and_a_wrong_entry_are_named():
    X, y = np.random.default_rng(6).standard_normal((6, 3)), np.ones(6)
    net = drawn([3, 4, 1], ["tanh", "identity"])
    report = net.check_gradients(X, y, (lambda a, y: (a - y) ** 4, lambda a, y: 3 * (a - y) ** 3))
    assert "derivative of the loss" in report.culprit
    assert net.check_gradients(X, y, (lambda a, y: (a - y) ** 4, lambda a, y: 4 * (a - y) ** 3))
    found = net.gradients(X, y)
    found.coefs[1][2, 0] *= 1.01
    report = net.check_gradients(X, y, gradients=(found.coefs, found.intercepts))
    assert report.wrong == ["coefs[1][2, 0]"]
    assert "coefs[1][2, 0]" in report.culprit
    with pytest.raises(ValueError, match=r"gradients: coefs\[0\] has shape"):
        net.check_gradients(X, y, gradients=([c.T for c in found.coefs], found.intercepts))


def test_straight_through_is_said_not_to_be_compared():
    net = drawn([3, 4, 4, 1], ["tanh", "straight_through", "identity"])
    report = net.check_gradients(np.random.default_rng(0).standard_normal((6, 3)), np.ones(6))
    assert report
    assert "straight_through" in str(report)
    assert [row[0] for row in report.rows] == ["coefs[2]", "intercepts[2]"]


def test_only_some_entries_of_a_large_network_are_compared():
    net = drawn([60, 30, 3], ["relu", "softmax"], classes=["a", "b", "c"])
    report = net.check_gradients(np.random.default_rng(0).standard_normal((8, 60)), list("abcabcab"), max_entries=20)
    assert report
    assert max(row[1] for row in report.rows) == 20


def test_a_users_own_functions_are_differentiated():
    def swish(z):
        return z * ad.sigmoid(z)

    def quartic(a, y):
        return (a - y) ** 4

    net = drawn([3, 4, 1], [swish, "identity"])
    X, y = np.random.default_rng(7).standard_normal((6, 3)), np.ones(6)
    assert net.check_gradients(X, y, quartic)
    assert net.activations[0].name == "swish"
    z = net.forward(X).sums[0]
    np.testing.assert_allclose(net.forward(X).activations[1], z / (1 + np.exp(-z)))


@pytest.mark.parametrize("hidden", [name for name in ACTIVATIONS if name not in ("gelu", "straight_through")])
@pytest.mark.parametrize(
    ("last", "loss"), [("identity", "huber"), ("softmax", "default"), ("logistic", "default"), ("exp", "default")]
)
def test_the_graph_computes_the_same(hidden, last, loss):
    net = drawn([3, 4, 2], [hidden, last])
    X, Y = np.random.default_rng(8).standard_normal((5, 3)), shares(5, 2)
    graph = net.to_graph(n_samples=5, loss=loss)
    values = graph.forward(net.values(X, Y))
    found = net.gradients(X, Y, None if loss == "default" else loss)
    assert values["loss"] == pytest.approx(found.loss, rel=1e-12)
    np.testing.assert_allclose(values["output"], net(X), rtol=1e-12)
    slopes = graph.backward()
    for name, mine in [("X", found.X), ("W1", found.coefs[0]), ("b1", found.intercepts[0]), ("W2", found.coefs[1])]:
        np.testing.assert_allclose(slopes[name], mine, atol=1e-12)


def test_the_graph_compiled_and_drawn():
    net = drawn([3, 4, 1], ["tanh", "logistic"])
    graph, x, y = net.to_graph(loss="default"), [[0.1, -2.0, 1.0]], [1]
    value, slopes = ad.compile(graph).value_and_grad(*net.values(x, y).values())
    found = net.gradients(x, y)
    assert value == pytest.approx(found.loss)
    np.testing.assert_allclose(slopes[1], found.coefs[0], atol=1e-12)
    assert "W2" in graph.to_mermaid()
    assert ad.check_gradient(graph, *net.values(x, y).values())
    for name in ("gelu", "straight_through"):
        with pytest.raises(ValueError, match=name):
            drawn([3, 4, 1], [name, "identity"]).to_graph()


def test_float32_stays_and_rows_may_be_sparse():
    net = drawn([3, 4, 2], ["elu", "softmax"]).astype(np.float32)
    X = np.random.default_rng(0).standard_normal((5, 3)) * [[1.0, 0, 1]]
    passed, found = net.forward(X.astype(np.float32)), net.gradients(X.astype(np.float32), shares(5, 2))
    arrays = [*passed.activations, *passed.sums, *found.coefs, *found.intercepts, found.X]
    assert {array.dtype for array in arrays} == {np.dtype(np.float32)}
    for name in ACTIVATIONS:
        narrow = drawn([3, 4, 2], [name, "identity"]).astype(np.float32)
        assert narrow.gradients(X, shares(5, 2)).X.dtype == np.float32
    wide = drawn([3, 4, 2], ["elu", "softmax"])
    np.testing.assert_allclose(wide(csr_matrix(X)), wide(X))
    np.testing.assert_allclose(
        wide.gradients(csr_matrix(X), shares(5, 2)).coefs[0], wide.gradients(X, shares(5, 2)).coefs[0]
    )
    assert wide.check_gradients(csr_matrix(X), shares(5, 2))


def test_labels_stand_for_outputs():
    X = np.random.default_rng(0).standard_normal((6, 3))
    many = drawn([3, 4, 3], ["tanh", "softmax"], classes=["a", "b", "c"])
    labels = np.array(["a", "c", "b", "a", "a", "c"])
    one_hot = (labels[:, None] == np.array(["a", "b", "c"])).astype(float)
    assert many.gradients(X, labels).loss == many.gradients(X, one_hot).loss
    assert set(many.predict(X)) <= {"a", "b", "c"}
    assert np.array_equal(many.predict(X), many.classes[many(X).argmax(axis=1)])
    two = drawn([3, 4, 1], ["tanh", "logistic"], classes=[7, 9])
    assert two.gradients(X, [7, 9, 9, 7, 7, 7]).loss == two.gradients(X, np.array([[0, 1, 1, 0, 0, 0]]).T).loss
    assert two.output_names == ["9"]
    both = drawn([3, 4, 2], ["tanh", "logistic"], classes=[0, 1], multilabel=True)
    assert np.array_equal(both.predict(X), both(X) > 0.5)
    assert np.array_equal(both.astype(np.float32).predict(X), both.predict(X))
    rest = drawn([3, 4, 3], ["tanh", "logistic"], classes=["a", "b", "c"])  # each class against the rest
    assert np.array_equal(rest.predict(X), rest.classes[rest(X).argmax(axis=1)])
    only = drawn([3, 4, 1], ["tanh", "logistic"], classes=["a"])
    assert only.predict(X).tolist() == ["a"] * 6
    assert only.gradients(X, ["a"] * 6).loss == only.gradients(X, np.ones(6)[:, None]).loss
    with pytest.raises(ValueError, match="'d', which is none of the classes"):
        many.gradients(X, list("aabbcd"))


def test_contributions_and_the_rest_make_the_score():
    net = drawn([4, 5, 3], ["relu", "softmax"], classes=["a", "b", "c"], feature_names=["p", "q", "r", "s"])
    x = np.random.default_rng(1).standard_normal(4)
    why = net.explain(x)
    np.testing.assert_allclose(why.contributions.sum(axis=1) + why.rest, why.scores)
    assert why.prediction == net.predict(x)[0]
    assert why.columns == ("feature", "value", "a", "b", "c")
    assert {row[0] for row in why.rows} == {"p", "q", "r", "s"}
    top = why.scores.argmax()
    weights = [abs(row[2 + top]) for row in why.rows]
    assert weights == sorted(weights, reverse=True)
    h = 1e-6
    for j in range(4):
        moved = [net.forward(x + s * h * np.eye(4)[j]).sums[-1][0] for s in (1, -1)]
        np.testing.assert_allclose(why.gradients[:, j], (moved[0] - moved[1]) / (2 * h), atol=1e-8)
    np.testing.assert_allclose(net.explain(csr_matrix(x[None])).contributions, why.contributions)
    pair = Network([[[2.0, 0.25]]], activations="identity").explain([2.0])
    assert pair.heading.startswith("4, 0.5: score of y0 4")
    linear = Network([[[2.0], [-1.0]]], [[0.5]], activations="identity").explain([3.0, 4.0])
    assert linear.contributions.tolist() == [[6.0, -4.0]]
    assert linear.rest.tolist() == [0.5]


def test_the_summary_as_text_and_as_html():
    summary = drawn([784, 100, 10], ["relu", "softmax"]).summary()
    assert str(summary).splitlines() == [
        "layer       activation  units  weights    connections  parameters  operations",
        "input                     784",
        "1           relu          100  784 × 100       78,400      78,500     156,900",
        "2 (output)  softmax        10  100 × 10         1,000       1,010       2,010",
        "total                                          79,400      79,510     158,910",
    ]
    assert summary._repr_html_().count("<tr>") == 5
    assert summary.nbytes == 79_510 * 8
    assert repr(drawn([2, 3, 1], ["relu", "identity"])) == "<Network 2-3-1: relu, identity; 13 parameters>"


def test_a_fitted_model_gives_its_network():
    from sklearn.datasets import load_iris
    from sklearn.neural_network import MLPClassifier, MLPRegressor

    X, y = load_iris(return_X_y=True, as_frame=True)
    model = MLPClassifier((5,), activation="tanh", solver="lbfgs", max_iter=500, tol=1e-2, random_state=0).fit(X, y)
    net = Network.from_estimator(model)
    np.testing.assert_allclose(net(X.to_numpy()), model.predict_proba(X), atol=1e-12)
    assert np.array_equal(net.predict(X), model.predict(X))
    assert net.feature_names == list(X.columns)
    binary = MLPClassifier((3,), solver="lbfgs", tol=1e-2, random_state=0).fit(X, y == 1)
    assert np.array_equal(Network.from_estimator(binary).predict(X), binary.predict(X))
    line = MLPRegressor(hidden_layer_sizes=(3,), solver="lbfgs", tol=1e-2, random_state=0).fit(X, y)
    np.testing.assert_allclose(Network.from_estimator(line).predict(X), line.predict(X))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Network([], activations="relu"), "0 coefs and 0 intercepts"),
        (lambda: Network([[[1.0]], [[1.0], [2.0]]], activations="relu"), r"coefs\[1\] has shape \(2, 1\), where \(1,"),
        (lambda: Network([[[1.0]]], [[1.0, 2.0]], activations="relu"), r"intercepts\[0\] has 2 entries for the 1"),
        (lambda: Network([[[np.nan]]], activations="relu"), "NaN or infinity"),
        (lambda: Network([[[1.0]]], activations="rleu"), "activations.*'rleu' is none of identity"),
        (lambda: Network([[[1.0]]], activations=["relu", "relu"]), "2 entries for 1 layers"),
        (lambda: Network([[[1.0]]], activations="step", classes=[1, 2, 3]), "classes has 3 labels"),
        (lambda: Network.from_rows([[1.0]], activations="step"), "the bias and then one weight"),
        (lambda: drawn([2, 1], "relu").forward([[1.0]]), r"shape \(1, 1\), but the network takes 2 columns"),
        (lambda: drawn([2, 1], "relu").forward([[1.0, np.inf]]), r"X\[0, 1\].*inf"),
        (lambda: drawn([2, 1], "relu").gradients([[1.0, 2]], [1.0], "squared"), "loss='squared' is none of"),
        (lambda: drawn([2, 2], "relu").gradients([[1.0, 2]] * 3, [1, 2, 3]), "y has shape"),
        (lambda: drawn([2, 1], "relu").gradients([[1.0, 2]], [1.0, 2]), "y has 2 rows, but X has 1"),
        (lambda: drawn([2, 1], "relu").gradients([[1.0, 2]], [1.0], sample_weight=[-1]), "sample_weight"),
    ],
)  # fmt: skip
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
