"""TransformedTargetRegressor: scikit-learn's predictions, files."""

import pickle

import numpy as np
import pytest
import sklearn.compose

import fastml
from fastml.compose import TransformedTargetRegressor
from fastml.linear_model import LinearRegression, Ridge
from fastml.preprocessing import MinMaxScaler, StandardScaler

OPTIONS = [
    {},
    {"func": np.log, "inverse_func": np.exp},
    {"func": np.log1p, "inverse_func": np.expm1, "check_inverse": False},
    {"transformer": StandardScaler()},
    {"transformer": MinMaxScaler()},
]


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("shape", [(30,), (30, 1), (30, 2)])
def test_predictions_are_scikit_learns(options, shape, tmp_path):
    random = np.random.default_rng(0)
    X, y = random.normal(size=(30, 3)), random.random(shape) + 1
    model = TransformedTargetRegressor(Ridge(), **options).fit(X, y)
    theirs = sklearn.compose.TransformedTargetRegressor(Ridge(), **options).fit(X, y)
    for rows in (X, X[:1]):
        assert np.array_equal(model.predict(rows), theirs.predict(rows))
    fastml.save(model, tmp_path / "m.fml")
    for again in (fastml.load(tmp_path / "m.fml"), pickle.loads(pickle.dumps(model))):
        assert np.array_equal(again.predict(X), model.predict(X))
        assert type(again.transformer_) is type(model.transformer_)
    twin = fastml.to_sklearn(model)
    assert type(twin.regressor_).__module__.startswith("sklearn.")
    np.testing.assert_allclose(twin.predict(X), model.predict(X))


def test_without_a_regressor():
    model = TransformedTargetRegressor().fit([[0.0], [1.0]], [1.0, 2.0])
    assert type(model.regressor_) is LinearRegression
    assert model.predict([[2.0]])[0] == pytest.approx(3.0)


def test_a_function_of_ones_own_cannot_be_saved(tmp_path):
    model = TransformedTargetRegressor(func=lambda y: y + 1, inverse_func=lambda y: y - 1).fit([[0.0], [1.0]], [1, 2])
    assert model.predict([[1.0]])[0] == pytest.approx(2.0)
    with pytest.raises(TypeError, match="func"):
        fastml.save(model, tmp_path / "m.fml")


def test_a_prediction_that_is_no_number_is_refused():
    model = TransformedTargetRegressor(func=np.log, inverse_func=np.exp).fit([[0.0], [1.0]], [1.0, 2.0])
    model.regressor_.coef_ = np.array([np.nan])
    with pytest.raises(ValueError, match="NaN"):
        model.predict([[1.0]])
