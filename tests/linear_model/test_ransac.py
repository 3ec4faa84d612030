"""scikit-learn's RANSACRegressor over fastml's LinearRegression."""

import numpy as np
import pytest
import sklearn.linear_model
from scipy import sparse
from sklearn.base import clone

from fastml.linear_model import LinearRegression, RANSACRegressor, Ridge


@pytest.mark.parametrize("rows", [np.asarray, np.ndarray.tolist, sparse.csr_array])
def test_the_least_number_of_samples_is_that_of_a_linear_regression(rows):
    random = np.random.default_rng(0)
    X = random.normal(size=(50, 2))
    y = X @ [1.0, 2.0] + 3
    y[:5] += 50
    model = RANSACRegressor(LinearRegression(), random_state=0).fit(rows(X), y)
    theirs = sklearn.linear_model.RANSACRegressor(random_state=0).fit(rows(X), y)
    assert np.array_equal(model.inlier_mask_, theirs.inlier_mask_)
    assert model.estimator_.coef_ == pytest.approx([1.0, 2.0])
    assert model.min_samples is None
    assert clone(model).get_params(deep=False)["min_samples"] is None


def test_other_models_need_it_said():
    with pytest.raises(ValueError, match="min_samples"):
        RANSACRegressor(Ridge()).fit([[0.0], [1.0]], [0.0, 1.0])
    model = RANSACRegressor(LinearRegression())
    with pytest.raises(ValueError, match="inconsistent"):
        model.fit([[0.0], [1.0]], [0.0])
    assert model.min_samples is None
