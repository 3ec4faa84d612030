"""The estimators: worked examples, scikit-learn's results, weights, pieces, missing values, edges, bad input."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.naive_bayes
from effort import effort
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from sklearn.base import clone

import fastml.naive_bayes
from fastml.naive_bayes import BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MixedNB, MultinomialNB

OURS = [BernoulliNB, CategoricalNB, ComplementNB, GaussianNB, MixedNB, MultinomialNB]
SPARSE = [BernoulliNB, ComplementNB, MultinomialNB]
SHARED = [E for E in OURS if E is not MixedNB]
every = pytest.mark.parametrize("NB", OURS, ids=lambda E: E.__name__)


def mixed(**options):
    """Two categorical columns, a column of counts, the others real."""
    return MixedNB(categorical_features=[0, 1], count_features=[2], **options)


def make(NB, **options):
    return mixed(**options) if NB is MixedNB else NB(**options)


@st.composite
def tables(draw, missing=False):
    """(X, y): small counts, three classes of which some may have one row."""
    n, d, seed = draw(st.integers(3, 30)), draw(st.integers(3, 6)), draw(st.integers(0, 2**32 - 1))
    random = np.random.default_rng(seed)
    X = random.integers(0, 4, (n, d)).astype(float)
    if missing:
        X[random.random((n, d)) < 0.2] = np.nan
    return X, np.append(random.integers(0, 3, n - 3), [0, 1, 2])


def same_model(one, other, X, rtol=1e-9):
    assert_allclose(one.predict_joint_log_proba(X), other.predict_joint_log_proba(X), rtol=rtol, atol=1e-9)


# ------------------------------------------------------------------------------------------------ worked examples

TENNIS = """sunny hot high weak no|sunny hot high strong no|overcast hot high weak yes|rain mild high weak yes
rain cool normal weak yes|rain cool normal strong no|overcast cool normal strong yes|sunny mild high weak no
sunny cool normal weak yes|rain mild normal weak yes|sunny mild normal strong yes|overcast mild high strong yes
overcast hot normal weak yes|rain mild high strong no"""
ROWS = [row.split() for line in TENNIS.splitlines() for row in line.split("|")]
DAYS, PLAYED = [row[:4] for row in ROWS], [row[4] for row in ROWS]
DAY = ["sunny", "cool", "high", "strong"]


def test_play_tennis():
    """Mitchell 1997, section 6.9.1: 0.0206 against 0.0053."""
    model = MixedNB(alpha=0).fit(DAYS, PLAYED)
    assert model.predict([DAY]).tolist() == ["no"]
    assert_allclose(model.predict_proba([DAY])[0], [0.7954, 0.2046], atol=5e-5)
    assert_allclose(np.exp(model.predict_joint_log_proba([DAY]))[0], [0.0206, 0.0053], atol=5e-5)
    frame = pd.DataFrame(DAYS, columns=["outlook", "temperature", "humidity", "wind"])
    why = MixedNB(alpha=0).fit(frame, PLAYED).explain(frame.iloc[7])
    assert why.prediction == "no"
    assert {row[0]: row[1] for row in why.rows}["wind"] == "weak"
    codes = np.array([np.unique(column, return_inverse=True)[1] for column in zip(*DAYS, DAY, strict=True)]).T
    numbered = CategoricalNB(alpha=0).fit(codes[:-1], PLAYED)
    assert_allclose(numbered.predict_proba(codes[-1:])[0], [0.7954, 0.2046], atol=5e-5)


def test_a_table_has_two_entries_a_feature_not_two_to_their_number():
    model = BernoulliNB().fit(np.eye(20), np.arange(20) % 2)
    assert model.feature_log_prob_.size == 2 * 20


# ------------------------------------------------------------------------------------------------ as scikit-learn's


@effort(0.375)
@given(tables(), st.sampled_from([0.1, 1.0, 3.0]), st.booleans(), st.booleans())
def test_results_are_scikit_learns(table, alpha, weighted, fit_prior):
    X, y = table
    weight = np.arange(1.0, len(y) + 1) if weighted else None
    for NB in SHARED:
        options = {} if NB is GaussianNB else {"alpha": alpha, "fit_prior": fit_prior}
        theirs = getattr(sklearn.naive_bayes, NB.__name__)(**options | ({"var_smoothing": 1e-6} if not options else {}))
        ours = NB(**theirs.get_params()).fit(X, y, weight)
        theirs.fit(X, y, weight)
        if NB is GaussianNB and weight is not None:
            continue  # its epsilon leaves the weights out
        same_model(ours, theirs, X, 1e-7)
        assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), rtol=1e-6, atol=1e-9)
        names = [n for n in vars(theirs) if n.endswith("_") and isinstance(vars(theirs)[n], np.ndarray)]
        for name in (*names, *(("epsilon_",) if NB is GaussianNB else ())):
            assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-7, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("NB", SPARSE, ids=lambda E: E.__name__)
@given(table=tables(missing=True))
@effort(0.25)
def test_csr_is_as_dense(NB, table):
    X, y = table
    rows = sp.csr_array(X)
    for alpha in (0.0, 1.0):
        dense, sparse = NB(alpha=alpha).fit(X, y), NB(alpha=alpha).fit(rows, y)
        same_model(sparse, dense, X)
        assert_allclose(dense.predict_joint_log_proba(rows), dense.predict_joint_log_proba(X), atol=1e-9)


def test_parts_of_a_stored_value_are_added():
    parts = sp.csr_matrix((np.full(8, 0.5), np.zeros(8, int), np.arange(0, 9, 2)), shape=(4, 2))
    X, y = parts.toarray(), [0, 0, 1, 1]
    for NB in SPARSE:
        options = {"binarize": 0.7} if NB is BernoulliNB else {}
        same_model(NB(**options).fit(parts, y), NB(**options).fit(X, y), parts)


# ------------------------------------------------------------------------------------------------ weights and pieces


@every
@given(table=tables(missing=True), seed=st.integers(0, 99))
@effort(0.25)
def test_weights_are_repetitions_and_zero_is_removal(NB, table, seed):
    X, y = table
    weight = np.append(np.random.default_rng(seed).integers(0, 4, len(y) - 3), [1, 1, 1])
    weighted, repeated = make(NB).fit(X, y, weight), make(NB).fit(np.repeat(X, weight, axis=0), np.repeat(y, weight))
    same_model(weighted, repeated, X)


@every
@given(table=tables(missing=True), cut=st.integers(1, 2))
@effort(0.25)
def test_pieces_give_the_whole(NB, table, cut):
    X, y = table
    whole, pieces = make(NB).fit(X, y), make(NB)
    for rows in np.array_split(np.arange(len(y)), cut + 1):
        pieces.partial_fit(X[rows], y[rows], classes=[0, 1, 2])
    same_model(pieces, whole, X)
    assert_allclose(pieces.class_count_, whole.class_count_)


def test_pieces_may_bring_new_categories():
    model = (
        MixedNB()
        .partial_fit([["b", 1.0]], ["x"], classes=["x", "y"])
        .partial_fit([["a", 2.0], [None, 0.0]], ["y", "x"])
    )
    assert model.categories_ == [["a", "b"]]
    same_model(model, MixedNB().fit([["b", 1.0], ["a", 2.0], [None, 0.0]], list("xyx")), [["a", 1.0], ["c", 0.0]])
    grown = CategoricalNB().partial_fit([[0]], [0], classes=[0, 1]).partial_fit([[4]], [1])
    assert grown.n_categories_.tolist() == [5]


# ------------------------------------------------------------------------------------------------ many settings


@every
def test_paths_and_shared_responses_are_separate_fits(NB):
    random = np.random.default_rng(0)
    X, y = random.integers(0, 4, (60, 4)).astype(float), random.integers(0, 3, 60)
    name, values = ("var_smoothing", [1e-9, 0.1, 1.0]) if NB is GaussianNB else ("alpha", [0.0, 0.5, 20.0])
    model = make(NB).fit(X, y)
    expected = [make(NB, **{name: value}).fit(X, y).predict(X) for value in values]
    assert np.array_equal(model.predict_path(X, **{name: values}), expected)
    assert model.get_params() == make(NB).get_params()
    splits = [(np.arange(40), np.arange(40, 60)), (np.arange(20, 60), np.arange(20))]
    settings = [{name: value} for value in values]
    for method in ("predict", "predict_proba", "predict_joint_log_proba"):
        for (train, test), responses in zip(
            splits, make(NB).shared_responses(X, y, splits, settings, method), strict=True
        ):
            for setting, response in zip(settings, responses, strict=True):
                alone = make(NB).set_params(**setting).fit(X[train], y[train])
                assert np.array_equal(getattr(alone, method)(X[test]), response)
    with pytest.raises(ValueError, match="predict_path takes one of"):
        model.predict_path(X, n_jobs=[1])


@pytest.mark.parametrize("grid", [{"alpha": [0.1, 1.0, 9.0], "fit_prior": [True, False]}, {"alpha": [0.5, -1.0]}])
def test_searches_share_the_count(grid):
    from fastml.model_selection import GridSearchCV

    random = np.random.default_rng(0)
    X, y = sp.csr_matrix(random.poisson(0.4, (90, 12))), random.integers(0, 2, 90)
    ours = GridSearchCV(MultinomialNB(), grid, cv=3, error_score=np.nan)
    theirs = sklearn.model_selection.GridSearchCV(sklearn.naive_bayes.MultinomialNB(), grid, cv=3, error_score=np.nan)
    with pytest.warns() if -1.0 in grid["alpha"] else np.errstate():
        ours.fit(X, y)
        theirs.fit(X, y)
    assert_allclose(ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"])


# ------------------------------------------------------------------------------------------------ explaining


@every
@given(table=tables(missing=True))
@effort(0.25)
def test_explanations_add_up(NB, table):
    X, y = table
    model = make(NB).fit(X, y)
    scores = model.predict_joint_log_proba(X)
    for i in (0, len(X) - 1):
        why = model.explain(X[i])
        close = 1e-9 + 1e-14 * np.abs(why.log_likelihoods).max()
        assert why.prediction == model.predict(X[i : i + 1])[0]
        assert_allclose(why.log_prior + why.log_likelihoods.sum(axis=1), scores[i], atol=close)
        best, second = np.sort(scores[i])[::-1][:2]
        assert_allclose(sum(row[-1] for row in why.rows), best - second, atol=close)
        assert (why.log_likelihoods[:, np.isnan(X[i])] == 0).all()


# ------------------------------------------------------------------------------------------------ missing and unknown


@every
@given(table=tables())
@effort(0.25)
def test_a_feature_that_is_missing_is_as_one_left_out(NB, table):
    X, y = table
    model, asked = make(NB).fit(X, y), X.copy()
    asked[:, -1] = np.nan
    terms = np.array([model.explain(x).log_likelihoods[:, -1] for x in X])
    expected = model.predict_joint_log_proba(X) - terms
    close = 1e-9 + 1e-14 * np.abs(terms).max()  # a tiny variance makes terms of 10^9, which are taken off again
    assert_allclose(model.predict_joint_log_proba(asked), expected, rtol=1e-9, atol=close)
    nothing = np.full((1, X.shape[1]), np.nan)
    assert_allclose(model.predict_joint_log_proba(nothing)[0], model._log_prior())


@every
def test_missing_in_training_is_ignored_feature_by_feature(NB):
    """A row with one value missing counts for its other features as if it had it."""
    random = np.random.default_rng(0)
    X, y = random.integers(0, 4, (40, 4)).astype(float), np.arange(40) % 2
    holes = X.copy()
    holes[3:9, 3] = np.nan
    terms = [[make(NB).fit(Z, y).explain(x).log_likelihoods[:, 3] for x in X[10:20]] for Z in (holes, X)]
    without = [make(NB).fit(np.delete(X, np.arange(3, 9), axis=0), np.delete(y, np.arange(3, 9)))]
    if NB in (MultinomialNB, ComplementNB):  # whose features share one total
        assert make(NB).fit(holes, y).feature_count_[:, 3].sum() == np.nansum(holes[:, 3])
    else:
        expected = [without[0].explain(x).log_likelihoods[:, 3] for x in X[10:20]]
        assert_allclose(terms[0], expected, rtol=1e-6)
        assert not np.allclose(terms[1], expected)


def test_a_feature_missing_throughout():
    X = np.array([[1.0, np.nan], [2.0, np.nan], [7.0, np.nan], [8.0, np.nan]])
    for NB in (GaussianNB, MixedNB, BernoulliNB, MultinomialNB, CategoricalNB):
        P = NB().fit(X, [0, 0, 1, 1]).predict_proba([[1.0, np.nan], [8.0, 3.0]])
        assert np.isfinite(P).all()
    half = np.array([[1.0, np.nan], [2.0, np.nan], [7.0, 3.0], [8.0, 4.0]])
    model = GaussianNB().fit(half, [0, 0, 1, 1])  # the class that knows nothing of it takes what all rows say
    assert_allclose(model.theta_[:, 1], 3.5)
    assert model.predict([[1.5, 3.5]]) == 0


def test_unknown_categories_have_the_smoothed_count_of_none():
    model = MixedNB(alpha=0.5).fit([["a"], ["a"], ["b"]], [0, 0, 1])
    log_prior = np.log([2 / 3, 1 / 3])
    assert_allclose(model.predict_joint_log_proba([["z"]])[0], log_prior + np.log([0.5 / 3, 0.5 / 2]))
    assert_allclose(MixedNB(alpha=0).fit([["a"], ["b"]], [0, 1]).predict_proba([["z"]]), [[0.5, 0.5]])
    numbered = CategoricalNB(alpha=0.5).fit([[0], [0], [1]], [0, 0, 1])
    assert_allclose(numbered.predict_joint_log_proba([[9]]), model.predict_joint_log_proba([["z"]]))
    assert_allclose(numbered.predict_joint_log_proba([[2**40]]), numbered.predict_joint_log_proba([[2]]))


# ------------------------------------------------------------------------------------------------ edges


def test_where_every_class_is_impossible_all_are_equally_likely():
    X = [[1, 0], [0, 1]]
    for NB in (BernoulliNB, CategoricalNB):
        P = NB(alpha=0).fit(X, [0, 1]).predict_proba([[1, 1]])
        assert_allclose(P, [[0.5, 0.5]])
    assert_allclose(MultinomialNB(alpha=0).fit(X, [0, 1]).predict_proba([[1, 1], [0, 3], [0, 0]]),
                    [[0.5, 0.5], [0, 1], [0.5, 0.5]])  # fmt: skip


def test_a_variance_of_zero_is_certain():
    model = GaussianNB(var_smoothing=0).fit([[1.0], [1.0], [2.0], [4.0]], [0, 0, 1, 1])
    assert_allclose(model.predict_proba([[1.0], [1.1]]), [[1, 0], [0, 1]], atol=1e-9)
    assert_allclose(GaussianNB().fit([[5.0], [5.0], [5.0]], [0, 0, 1]).predict_proba([[5.0]]), [[2 / 3, 1 / 3]])


def test_far_from_zero():
    random = np.random.default_rng(0)
    y = np.arange(400) % 2
    X = (random.integers(-64, 65, (400, 3)) / 64.0) + y[:, None]
    near, far = GaussianNB().fit(X, y), GaussianNB().fit(X + 2.0**30, y)
    assert_allclose(far.predict_proba(X + 2.0**30), near.predict_proba(X), atol=1e-5)


@every
def test_float32_stays(NB):
    X, y = np.random.default_rng(0).integers(0, 5, (50, 4)), np.arange(50) % 3
    single, double = (make(NB).fit(X.astype(dtype), y) for dtype in (np.float32, np.float64))
    for method in ("predict_proba", "predict_log_proba", "predict_joint_log_proba"):
        found = getattr(single, method)(X.astype(np.float32))
        assert found.dtype == np.float32
        assert_allclose(found, getattr(double, method)(X.astype(float)), rtol=2e-5, atol=1e-6)
    for dtype in (np.uint8, np.int16, np.int64):
        same_model(make(NB).fit(X.astype(dtype), y), double, X.astype(dtype))


@every
def test_one_row_scores_as_it_does_among_others(NB):
    X, y = np.random.default_rng(0).integers(0, 5, (45, 37)).astype(float), np.arange(45) % 5
    model = make(NB).fit(X, y)
    one_by_one = [model.predict_joint_log_proba(X[i : i + 1])[0] for i in range(45)]
    assert np.array_equal(one_by_one, model.predict_joint_log_proba(X))


@every
def test_one_class(NB):
    model = make(NB).fit([[1, 0, 2], [0, 1, 1]], ["a", "a"])
    assert_allclose(model.predict_proba([[1, 1, 1]]), [[1.0]])
    assert model.explain([1, 1, 1]).prediction == "a"


# ------------------------------------------------------------------------------------------------ mixed tables


def frame(n=60):
    random = np.random.default_rng(0)
    y = random.integers(0, 2, n)
    columns = {
        "size": random.normal(y, 1.0),
        "colour": np.where(random.random(n) < 0.3 + 0.4 * y, "red", "blue").astype(object),
        "flag": random.random(n) < 0.5,
        "words": random.poisson(1 + y).astype(float),
    }
    columns["size"][5] = np.nan
    columns["colour"][7] = None
    return columns, y


def test_each_column_by_its_type():
    import polars as pl

    columns, y = frame()
    table = pd.DataFrame(columns)
    table["colour"] = table["colour"].astype("category")
    model = MixedNB(count_features=["words"]).fit(table, y)
    assert model.kinds_ == ["real", "categorical", "categorical", "count"]
    assert model.categories_ == [["blue", "red"], [False, True]]
    other = pl.DataFrame({**columns, "colour": columns["colour"].tolist()})
    again = MixedNB(count_features=["words"]).fit(other, y)
    assert_allclose(again.predict_proba(other), model.predict_proba(table))
    objects = np.column_stack([np.asarray(column, object) for column in columns.values()])
    assert_allclose(MixedNB(count_features=[3]).fit(objects, y).predict_proba(objects), model.predict_proba(table))
    assert model.explain(table.iloc[5]).to_dict()["prediction"] in (0, 1)


def test_mixed_is_the_sum_of_its_parts():
    columns, y = frame()
    table = pd.DataFrame(columns).iloc[8:]
    y = y[8:]
    prior = np.log(np.bincount(y) / len(y))
    codes = np.column_stack([(table["colour"] == "red"), table["flag"]]).astype(int)
    parts = (
        sklearn.naive_bayes.GaussianNB().fit(table[["size"]].to_numpy(), y),
        sklearn.naive_bayes.CategoricalNB().fit(codes, y),
        sklearn.naive_bayes.MultinomialNB().fit(table[["words"]].to_numpy(), y),
    )
    inputs = table[["size"]].to_numpy(), codes, table[["words"]].to_numpy()
    expected = sum(part.predict_joint_log_proba(X) - prior for part, X in zip(parts, inputs, strict=True)) + prior
    model = MixedNB(count_features=["words"]).fit(table, y)
    assert_allclose(model.predict_joint_log_proba(table), expected, rtol=1e-9)


# ------------------------------------------------------------------------------------------------ bad input

X, Y = np.array([[0.0, 1, 2], [2, 1, 0], [1, 1, 1]]), [0, 1, 1]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: MultinomialNB().fit(-X, Y), r"Negative values in data.*X\[0, 1\] is -1"),
        (lambda: MultinomialNB().fit(sp.csr_matrix(-X), Y), r"Negative values in data.*X\[0, 1\] is -1"),
        (lambda: CategoricalNB().fit(-X, Y), r"Negative values in data.*X\[0, 1\] is -1"),
        (lambda: CategoricalNB().fit(X, Y).predict(-X), r"Negative values.*X\[0, 1\] is -1"),
        (lambda: CategoricalNB().fit(X * 1e12, Y), r"column 0 of X has 2000000000001 categories"),
        (lambda: CategoricalNB(min_categories=[2, 3]).fit(X, Y), r"'min_categories' should have shape \(3,\)"),
        (lambda: CategoricalNB(min_categories=[1.5, 2, 3]).fit(X, Y), "integral type"),
        (lambda: BernoulliNB(binarize=None).fit(X, Y), "X holds 0 and 1 only, but it holds 2.0"),
        (lambda: BernoulliNB(alpha=[1, 2]).fit(X, Y), r"alpha has shape \(2,\) for 3"),
        (lambda: BernoulliNB(alpha=[1, -2, 1]).fit(X, Y), "at least 0"),
        (lambda: MultinomialNB(class_prior=[1.0]).fit(X, Y), r"class_prior has shape \(1,\) for 2 classes"),
        (lambda: MultinomialNB(class_prior=[1.5, -0.5]).fit(X, Y), "non-negative"),
        (lambda: GaussianNB(priors=[0.5, 0.4]).fit(X, Y), "sum of the priors should be 1.*0.9"),
        (lambda: GaussianNB(priors=[1, 0, 0]).fit(X, Y), "Number of priors must match"),
        (lambda: GaussianNB().fit(X, Y, [1, -1, 1]), r"sample_weight\[1\]=-1.0 is negative"),
        (lambda: GaussianNB().fit(X, Y, [0, 0, 0]), "at least one non-zero"),
        (lambda: GaussianNB().partial_fit(X, Y), "classes must be passed"),
        (lambda: GaussianNB().partial_fit(X, Y, classes=[0, 2]), r"label\(s\) \[1\] in y do not exist"),
        (lambda: GaussianNB().fit(sp.csr_matrix(X), Y), "[Ss]parse"),
        (lambda: GaussianNB().fit(X, Y).explain(X), "3 rows, but one sample"),
        (lambda: MixedNB(count_features=[0]).fit(-X, Y), "Negative values in the columns of count_features"),
        (lambda: MixedNB(count_features=[5]).fit(X, Y), r"count_features=\[5\], but X has the columns 0 to 2"),
        (lambda: MixedNB(count_features=["z"]).fit(X, Y), "count_features names 'z'"),
        (lambda: MixedNB(count_features=[0], categorical_features=[0]).fit(X, Y), "'x0' is categorical and in count"),
        (lambda: MixedNB().fit(X, Y).predict([["a", 1, 2]]), "'x0' was fitted as numbers, but row 0 holds 'a'"),
        (lambda: MixedNB().fit(X, Y).predict([[np.inf, 1, 2]]), r"X\[0, 0\] is inf: MixedNB takes finite"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises((ValueError, TypeError), match=words):
        call()


def test_small_alpha_is_raised_where_that_is_asked():
    with pytest.warns(UserWarning, match="alpha too small"):
        model = MultinomialNB(alpha=0, force_alpha=False).fit(X, Y)
    assert_allclose(model.feature_log_prob_, MultinomialNB(alpha=1e-10).fit(X, Y).feature_log_prob_)
    assert clone(model).alpha == 0


def test_other_names_are_scikit_learns():
    assert fastml.naive_bayes.LabelBinarizer is sklearn.naive_bayes.LabelBinarizer
    assert "GaussianNB" in dir(fastml.naive_bayes)
    with pytest.raises(AttributeError, match="neither fastml.naive_bayes nor sklearn.naive_bayes"):
        _ = fastml.naive_bayes.NoSuchNB


@pytest.mark.parametrize("model", [GaussianNB(var_smoothing="much"), BernoulliNB(alpha="much")])
def test_a_bad_parameter_is_refused_before_what_a_first_partial_fit_needs(model):
    with pytest.raises(ValueError, match="parameter of .* must be a"):
        model.partial_fit([[0.0], [1.0]], [0, 1])
