"""Huge, tiny and constant values, counts and weights: the right answer, or a refusal that names the place."""

import warnings

import numpy as np
import pytest
import sklearn.naive_bayes
from numpy.testing import assert_allclose, assert_array_equal

import fastml
from fastml.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MixedNB, MultinomialNB

X = np.array([[1.0, 2.0], [2.0, 1.0], [1.5, 3.0], [8.0, 9.0], [9.0, 7.0], [7.5, 8.0]])
Y = np.array([0, 0, 0, 1, 1, 1])
COUNTS = np.array([[5.0, 0, 2], [4, 1, 2], [3, 0, 1], [0, 4, 2], [1, 4, 2], [0, 3, 1]])
pytestmark = pytest.mark.filterwarnings("error")


@pytest.mark.parametrize("model", [GaussianNB, MixedNB])
@pytest.mark.parametrize("scale", [2.0**-480, 2.0**-200, 2.0**-70, 2.0**30, 2.0**200, 2.0**480])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_unit_does_not_matter(model, scale, dtype):
    if dtype == np.float32:
        scale = min(max(scale, 2.0**-120), 2.0**120)
    plain, scaled = model().fit(X.astype(dtype), Y), model().fit((X * scale).astype(dtype), Y)
    queries = np.array([[3.0, 4.0], [5.0, 4.9], [9.0, 1.0]])
    expected = plain.predict_proba(queries.astype(dtype))
    assert_allclose(scaled.predict_proba((queries * scale).astype(dtype)), expected, rtol=1e-5)
    assert_allclose(np.asarray(scaled.var_, float) / scale / scale, plain.var_, rtol=1e-5)


@pytest.mark.parametrize("model", [GaussianNB, MixedNB])
@pytest.mark.parametrize("size", [1e155, 1e200, 1e308 / 9])
def test_variances_beyond_the_range_are_refused_by_column(model, size):
    table = X.copy()
    table[:, 1] *= size
    with pytest.raises(ValueError, match=r"X\[:, 1\] holds values up to .*, whose variance is too large for a float64"):
        model().fit(table, Y)
    two = np.where(Y[:, None] == 0, -1e200, 1e200) * np.ones((6, 2))  # each class is constant, but far from the other
    with pytest.raises(ValueError, match=r"X\[:, 0\] holds values up to 1e\+200, whose variance is too large"):
        model().fit(two, Y)


@pytest.mark.parametrize("size", [1e-160, 1e-200, 1e-308, 1e-322])
def test_distances_whose_squares_vanish_are_refused(size):
    with pytest.raises(ValueError, match=r"X\[:, 0\] holds values up to .*that differ by so little"):
        GaussianNB().fit(X * size, Y)
    table = X.copy()
    table[:, 1] *= size  # beside a column of ordinary size it is a constant
    assert_array_equal(GaussianNB().fit(table, Y).predict(table), Y)


@pytest.mark.parametrize("value", [0.0, 1.0, 1e-300, 1e150, -3.0])
def test_constant_columns(value):
    table = np.column_stack([X, np.full(6, value)])
    assert_allclose(GaussianNB().fit(table, Y).predict_proba(table), GaussianNB().fit(X, Y).predict_proba(X))
    constant = GaussianNB().fit(np.full((6, 2), value), Y)
    assert_allclose(constant.predict_proba(np.full((1, 2), value)), [[0.5, 0.5]])


@pytest.mark.parametrize("far", [1e160, 1e200, 1e308])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_far_out_belong_to_the_widest_class(far, dtype):
    """Every density is below the range of floats there; which is larger is decided all the same."""
    wide = np.array([[0.0, 0], [1, 1], [-1, 1], [0, 0], [50, -50], [-60, 60]])
    for table, expected in ((wide, 1), (wide[::-1].copy(), 0)):
        model = GaussianNB().fit(table, Y)
        queries = np.array([[far, 0.0], [-far, far], [far, -far]])
        assert_array_equal(model.predict(queries), [expected] * 3)
        assert_allclose(model.predict_proba(queries)[:, expected], 1.0)
        near = model.predict_proba(np.array([[1e9, 0.0]]))
        assert near.argmax() == expected
    if dtype == np.float32:
        model = GaussianNB().fit(wide.astype(np.float32), Y)
        assert_array_equal(model.predict(np.full((1, 2), 3e38, np.float32)), [1])


@pytest.mark.parametrize("scale", [1e-280, 1e-100, 1e100, 1e280])
def test_the_unit_of_weights_does_not_matter(scale):
    weight = np.array([1.0, 2, 3, 1, 1, 4])
    plain, scaled = GaussianNB().fit(X, Y, weight), GaussianNB().fit(X, Y, weight * scale)
    assert_allclose(scaled.theta_, plain.theta_)
    assert_allclose(scaled.var_, plain.var_)
    assert_allclose(scaled.predict_proba(X), plain.predict_proba(X), rtol=1e-9)


@pytest.mark.parametrize("model", [GaussianNB, MixedNB])
def test_weights_beyond_the_range_are_refused(model):
    for size in (1e308, 1e300, 1e-300, 5e-324):
        with pytest.raises(ValueError, match="sample_weight goes up to"):
            model().fit(X, Y, np.full(6, size))


@pytest.mark.parametrize("model", [MultinomialNB, ComplementNB])
def test_huge_counts(model):
    expected = model(alpha=0.5).fit(COUNTS, Y)
    for scale in (2.0**500, 2.0**1020):
        table = COUNTS * scale / 8
        found = model(alpha=0.5 * scale / 8).fit(table, Y)
        assert_allclose(found.feature_log_prob_, expected.feature_log_prob_)
        assert_array_equal(found.predict(COUNTS), expected.predict(COUNTS))
    with pytest.raises(ValueError, match=r"the counts of X\[:, 0\], with the weights, add up beyond a float64"):
        model().fit(COUNTS * 3e307, Y)
    with pytest.raises(ValueError, match=r"the counts of X\[:, 0\], with the weights|sample_weight goes up to"):
        model().fit(COUNTS, Y, np.full(6, 1e308))


@pytest.mark.parametrize("model", [BernoulliNB, MultinomialNB])
def test_sums_of_weights_that_overflow(model):
    with pytest.raises(ValueError, match="sample_weight goes up to"):
        model().fit(np.zeros((6, 2)), Y, np.full(6, 1.7e308))


def test_nothing_warns_where_variances_leave_float32():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = GaussianNB().fit((X * 1e37).astype(np.float32), Y)
    assert model.var_.dtype == np.float64  # 1e74 is beyond float32
    assert model.theta_.dtype == np.float32
    assert GaussianNB().fit(X.astype(np.float32), Y).class_prior_.dtype == np.float32


@pytest.mark.parametrize("model", [GaussianNB, MixedNB])
def test_variances_beyond_float32_are_saved(model, tmp_path):
    rows = (X * 1e37).astype(np.float32)
    fitted = model().fit(rows, Y)
    fastml.save(fitted, tmp_path / "model.fml")
    assert_array_equal(fastml.load(tmp_path / "model.fml").predict_proba(rows), fitted.predict_proba(rows))


@pytest.mark.parametrize("highest", [1e8, 2.0**31, 2.0**53, 1e300])
def test_numbers_of_categories_beyond_reason(highest):
    """The table has a row for each number up to the highest: no value in X may fill the memory."""
    with pytest.raises(ValueError, match=r"column 1 of X has \d+ categories, .* which take [\d.e+]+ GiB"):
        CategoricalNB().fit([[0, 1], [1, highest], [2, 1e-8]], [0, 1, 0])
    model = CategoricalNB().fit([[0], [1], [2]], [0, 1, 0])
    with pytest.raises(ValueError, match="column 0 of X has"):
        model.partial_fit([[highest]], [1])
    assert model.predict([[highest]]).tolist() == [0]  # a category that was never seen takes no memory


@pytest.mark.parametrize("least", [10**8, 2**62, 10**30, [2**64 - 1], [10**30]])
def test_min_categories_beyond_reason(least):
    with pytest.raises(ValueError, match=r"column 0 of X has .* categories, .*min_categories.* GiB"):
        CategoricalNB(min_categories=least).fit([[0], [1], [2]], [0, 1, 0])


def test_min_categories_of_every_integer():
    for least in (5, np.uint64(5), [5], np.array([5], np.uint64)):
        assert CategoricalNB(min_categories=least).fit([[0], [1], [2]], [0, 1, 0]).n_categories_.tolist() == [5]


@pytest.mark.parametrize("model", [GaussianNB, MixedNB])
def test_log_probabilities_beyond_float32_are_infinite_without_a_word(model):
    fitted = model().fit(np.array([[1], [1], [18]], np.float32), [0, 1, 1])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert fitted.predict_log_proba(np.array([[2.0**100]], np.float32)).tolist() == [[-np.inf, 0.0]]


@pytest.mark.parametrize(("model", "name"), [(GaussianNB, "priors"), (MultinomialNB, "class_prior")])
def test_priors_that_are_no_numbers_are_named(model, name):
    with pytest.raises(ValueError, match=f"{name}="):
        model(**{name: ["a", "b"]}).fit(COUNTS, Y)


def test_a_smoothing_beyond_the_floats_is_refused_by_name():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ValueError, match=r"var_smoothing=1e\+308 times the largest variance"):
            GaussianNB(var_smoothing=1e308).fit([[4.0], [1.0]], [0, 1])


def test_one_number_of_categories_for_all_columns():
    X = [[0, 1], [1, 0], [2, 1]]
    for least in ((4,), [4], np.array([4])):
        found = CategoricalNB(min_categories=least).fit(X, [0, 1, 0]).n_categories_
        expected = sklearn.naive_bayes.CategoricalNB(min_categories=least).fit(X, [0, 1, 0]).n_categories_
        assert found.tolist() == expected.tolist() == [4, 4]


@pytest.mark.parametrize("alpha", [{1.0}, {"a": 1}, ["a", "b"], [[1.0], [1.0, 2.0]]])
@pytest.mark.parametrize("model", [MultinomialNB, BernoulliNB, ComplementNB])
def test_an_alpha_that_is_no_number_is_named(model, alpha):
    with pytest.raises((TypeError, ValueError), match="alpha="):
        model(alpha=alpha).fit([[0, 1], [1, 0]], [0, 1])
