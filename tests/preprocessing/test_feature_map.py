"""FeatureMap: worked examples, frames, parts that are transformers, the way back, copies and files."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
import scipy.sparse as sp
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import fastml
from fastml import autodiff as ad
from fastml.linear_model import LinearRegression, Perceptron
from fastml.preprocessing import FeatureMap, Periodic, PiecewiseConstant, Thermometer


@pytest.fixture
def X():
    return np.random.default_rng(0).uniform(0.1, 3, (500, 2))


# ------------------------------------------------------------------------------------------------ worked examples


def test_powers_of_three():
    np.testing.assert_array_equal(FeatureMap(1, "x", "x**2").fit_transform([[3.0]]), [[1, 3, 9]])


def test_a_concatenation_at_two():
    np.testing.assert_allclose(
        FeatureMap(1, "x", "x**2", "cos(3*x)").fit_transform([[2.0]]), [[1, 2, 4, 0.96]], atol=2e-4
    )


def test_predictors_with_weights_given_by_hand():
    phi = FeatureMap(1, "x", "x**2").fit([[0.0]])
    model = LinearRegression.from_weights([2, 1, -0.2])
    np.testing.assert_allclose(model.predict(phi.transform([[0.0], [1.0], [5.0]])), [2, 2.8, 2])


def test_a_circle_is_linear_in_its_features():
    """sign([2, 2, -1] . [x1, x2, x1^2 + x2^2]) is inside or outside the circle of radius sqrt(2) round (1, 1)."""
    phi = FeatureMap("x1", "x2", "x1**2 + x2**2", columns=["x1", "x2"])
    points = np.random.default_rng(0).uniform(-2, 4, (1000, 2))
    model = Perceptron.from_weights([2, 2, -1])
    inside = ((points - 1) ** 2).sum(axis=1) < 2
    np.testing.assert_array_equal(model.predict(phi.fit_transform(points)) == 1, inside)


# ------------------------------------------------------------------------------------------------ expressions


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_dtype_stays(X, dtype):
    X = X.astype(dtype)
    found = FeatureMap(1, "x0*x1", "sin(x0)/3", ("bin", PiecewiseConstant(2))).fit_transform(X)
    assert found.dtype == dtype
    np.testing.assert_allclose(found[:, 2], np.sin(X[:, 0]) / 3, rtol=1e-6)


def test_as_polynomial_features(X):
    found = FeatureMap(
        1, "x0", "x1", "x0**2", "x0*x1", "x1**2", "x0**3", "x0**2*x1", "x0*x1**2", "x1**3"
    ).fit_transform(X)
    np.testing.assert_allclose(found, PolynomialFeatures(3).fit_transform(X), rtol=1e-15)


def test_functions_and_graphs_are_features():
    graph = ad.Graph()
    x = graph.variable("x")
    phi = FeatureMap(x, ad.exp(-x), lambda x: ad.where(x > 0, 1.0, -1.0), ("named", lambda x: x * x))
    np.testing.assert_allclose(phi.fit_transform([[2.0]]), [[2, np.exp(-2), 1, 4]])
    assert phi.get_feature_names_out().tolist() == ["x", "exp(-x)", "where(0 < x, 1, -1)", "named"]


def test_more_expressions_than_one_kernel_holds(X):
    """They are divided among kernels, in which nothing is lost or changes places."""
    found = FeatureMap(features=[f"(x0 + {k})*(x1 - {k})/({k} + 1)" for k in range(200)]).fit_transform(X[:20])
    k = np.arange(200)
    np.testing.assert_allclose(found, (X[:20, :1] + k) * (X[:20, 1:] - k) / (k + 1), rtol=1e-12)


def test_any_number_of_threads_gives_the_same():
    X = np.random.default_rng(0).normal(size=(100_000, 2))
    maps = [FeatureMap("cos(x0) + x1", "exp(x1)*x0", n_jobs=n_jobs).fit_transform(X) for n_jobs in (1, 4)]
    np.testing.assert_array_equal(*maps)


def test_missing_values():
    X = [[1.0, np.nan], [2.0, 3.0]]
    with pytest.raises(ValueError, match=r"X\[0, 1\] is NaN"):
        FeatureMap("x0").fit(X)
    found = FeatureMap("x0 + x1", "1 if x1 != x1 else 0", missing="nan").fit_transform(X)
    np.testing.assert_array_equal(found, [[np.nan, 1], [5, 0]])


# ------------------------------------------------------------------------------------------------ with transformers


def mixed():
    return pd.DataFrame(
        {
            "age": [20.0, 30, np.nan, 50],
            "the hour": [0, 6, 12, 18],
            "size": ["s", "m", "l", "s"],
            "new": [True, False, True, True],
        }
    )


def everything(encode="onehot-dense"):
    return FeatureMap(
        1,
        "`the hour`**2 + new",
        ("age", PiecewiseConstant(2, encode=encode), "age"),
        ("clock", Periodic(24), ["the hour"]),
        ("size", Thermometer(["s", "m", "l"]), "size"),
    )


@pytest.mark.parametrize("kind", ["pandas", "polars"])
def test_frames_of_every_kind_of_column(kind):
    frame = mixed() if kind == "pandas" else pl.DataFrame({name: mixed()[name].tolist() for name in mixed()})
    phi = everything().fit(frame)
    names = phi.get_feature_names_out().tolist()
    assert names[:5] == ["1", "`the hour`**2 + new", "age__age <= 30", "age__age > 30", "age__age missing"]
    out = phi.set_output(transform=kind).transform(frame)
    assert list(out.columns) == names
    np.testing.assert_array_equal(out["`the hour`**2 + new"], [1, 36, 145, 325])
    np.testing.assert_array_equal(out["age__age missing"], [0, 0, 1, 0])
    np.testing.assert_array_equal(out["clock__sin(2 pi the hour / 24)"], [0, 1, 0, -1])
    np.testing.assert_array_equal(out["size__size >= m"], [0, 1, 1, 0])


def test_csr_is_dense(X):
    fine = PiecewiseConstant(20, encode="onehot")
    found = FeatureMap("x0*x1", fine, 1).fit_transform(X)
    assert sp.issparse(found)
    found.check_format()
    np.testing.assert_array_equal(found.toarray(), FeatureMap("x0*x1", PiecewiseConstant(20), 1).fit_transform(X))
    assert isinstance(everything("onehot").fit_transform(mixed()), np.ndarray)  # more than 30 % have a value


def test_transformers_of_numbered_columns_and_of_scikit_learn(X):
    phi = FeatureMap("x0", ("scaled", StandardScaler(), [1]), ("bins", PiecewiseConstant(2), "x0")).fit(X)
    assert phi.get_feature_names_out().tolist()[:2] == ["x0", "scaled__x1"]
    found = phi.transform(X)
    np.testing.assert_array_equal(found[:, [1]], StandardScaler().fit_transform(X[:, [1]]))
    np.testing.assert_array_equal(found[:, 2:], PiecewiseConstant(2).fit_transform(X[:, [0]]))


def test_y_reaches_the_transformers(X):
    y = (X[:, 0] > 1).astype(int)
    phi = FeatureMap(PiecewiseConstant(strategy="mdl")).fit(X, y)
    assert phi.transformers_[0].n_bins_.tolist() == [2, 1]


def test_parameters_of_parts_can_be_searched(X):
    y = np.sin(2 * X[:, 0])
    phi = FeatureMap("x1", ("bins", PiecewiseConstant(2), "x0"))
    search = GridSearchCV(make_pipeline(phi, LinearRegression()), {"featuremap__bins__n_bins": [2, 4, 12]}, cv=3).fit(
        X, y
    )
    assert search.best_params_ == {"featuremap__bins__n_bins": 12}
    other = clone(phi).set_params(bins=Periodic(2), bins__n_harmonics=3)
    assert other.fit(X).transform(X).shape == (500, 7)
    assert phi.features[1][1].n_bins == 2


# ------------------------------------------------------------------------------------------------ back, copies, files


def test_columns_come_back(X):
    phi = FeatureMap("x0*x1", "x1", ("scaled", StandardScaler(), ["x0"])).fit(X)
    np.testing.assert_allclose(phi.inverse_transform(phi.transform(X)), X)
    np.testing.assert_array_equal(FeatureMap().fit(X).inverse_transform(X), X)
    with pytest.raises(ValueError, match="'x0' is no feature by itself"):
        FeatureMap("x0*2", "x1").fit(X).inverse_transform(X)


def test_copies_and_files(X, tmp_path):
    phi = FeatureMap(1, "x0**2", ("bins", PiecewiseConstant(3), ["x1"])).fit(X)
    expected = phi.transform(X)
    fastml.save(phi, tmp_path / "phi.fml")
    for other in (pickle.loads(pickle.dumps(phi)), fastml.load(tmp_path / "phi.fml"), clone(phi).fit(X)):
        np.testing.assert_array_equal(other.transform(X), expected)
        assert other.get_feature_names_out().tolist() == phi.get_feature_names_out().tolist()


@pytest.mark.parametrize(
    ("features", "words"),
    [
        ([], "is empty"),
        (["y"], "reads the column 'y', but X has 'x0', 'x1'"),
        (["x0", "x0"], "two features are called 'x0'"),
        ([None], "is a NoneType"),
        ([True], "is a bool"),
        ([(1, "x0")], "is no"),
        ([("a", "x0", ["x1"])], "are for a transformer"),
        ([("a", StandardScaler(), ["x9"])], "no column 'x9'"),
        ([("a", StandardScaler(), [2])], "no column 2"),
    ],
)
def test_bad_features(X, features, words):
    with pytest.raises(ValueError, match=words):
        FeatureMap(features=features).fit(X)


def test_bad_use(X):
    with pytest.raises(TypeError, match="not both"):
        FeatureMap("x", features=["x"])
    with pytest.raises(ValueError, match="for 2 columns of X"):
        FeatureMap("x", columns=["x"]).fit(X)
    with pytest.raises(ValueError, match="'size' holds 'l', which is no number"):
        FeatureMap("size + 1").fit(mixed())
    with pytest.raises(ValueError, match=r"\(column 'age'\) is NaN"):
        FeatureMap("age + 1").fit(mixed())
    with pytest.raises(ValueError, match="3 columns, but transform gives 1"):
        FeatureMap("x0").fit(X).inverse_transform(np.zeros((1, 3)))


def test_constants_are_computed_once_and_finite():
    X = np.array([[2.0], [0.0]])
    phi = FeatureMap("sqrt(4)*3", "x", "1 < 2", "x*2").fit(X)
    for _ in range(2):
        assert phi.transform(X).tolist() == [[6, 2, 1, 4], [6, 0, 1, 0]]
    assert FeatureMap("exp(0)").fit(pd.DataFrame({"a": [1.0]})).transform(pd.DataFrame({"a": [1.0]})).tolist() == [[1]]
    for text in ("1/0", "0/0", "log(0)", "exp(1000)", "2**2000", "-1/0"):
        with pytest.raises(ValueError, match=r"is (-?inf|nan) for every row"):
            FeatureMap(text).fit(X)
