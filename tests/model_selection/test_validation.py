"""Cross-validation and splits: scikit-learn's results, and what fastml adds to them."""

import numpy as np
import pandas as pd
import pytest
import sklearn.model_selection
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse, stats
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, KFold, RepeatedKFold, ShuffleSplit
from sklearn.tree import DecisionTreeClassifier

from fastml import metrics
from fastml.model_selection import GridSearchCV, cross_val_score, cross_validate, train_dev_test_split
from fastml.neighbors import KNeighborsClassifier


def data(n=90, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, 3))
    return X, (X[:, 0] + 0.5 * random.normal(size=n) > 0).astype(int)


@pytest.mark.parametrize(
    "estimator", [KNeighborsClassifier(3), LogisticRegression(), DecisionTreeClassifier(random_state=0)]
)
@pytest.mark.parametrize("cv", [None, 4, ShuffleSplit(3, random_state=0)], ids=str)
@pytest.mark.parametrize("scoring", [None, "f1", ["accuracy", "roc_auc"]], ids=str)
def test_scikit_learns_results(estimator, cv, scoring):
    X, y = data()
    options = {"cv": cv, "scoring": scoring, "return_train_score": True, "return_estimator": True, "n_jobs": 2}
    found = cross_validate(estimator, X, y, return_indices=True, **options)
    expected = sklearn.model_selection.cross_validate(estimator, X, y, return_indices=True, **options)
    assert set(found) == set(expected)
    for key in expected:
        if key.startswith(("test_", "train_")):
            assert np.array_equal(found[key], expected[key])
    for rows, same in zip(found["indices"]["test"], expected["indices"]["test"], strict=True):
        assert np.array_equal(rows, same)
    scorer = scoring if isinstance(scoring, str) else None
    assert np.array_equal(
        cross_val_score(estimator, X, y, cv=cv, scoring=scorer),
        sklearn.model_selection.cross_val_score(estimator, X, y, cv=cv, scoring=scorer),
    )


def test_groups_and_verbose(capsys):
    X, y = data()
    groups = np.arange(90) // 10
    found = cross_validate(KNeighborsClassifier(), X, y, groups=groups, cv=GroupKFold(3), verbose=1)
    expected = sklearn.model_selection.cross_validate(KNeighborsClassifier(), X, y, groups=groups, cv=GroupKFold(3))
    assert np.array_equal(found["test_score"], expected["test_score"])
    assert capsys.readouterr().out == ""


def test_moments_and_the_corrected_interval():
    X, y = data()
    result = cross_validate(KNeighborsClassifier(), X, y, cv=5)
    scores = result["test_score"]
    assert result.mean() == scores.mean()
    assert result.std() == scores.std(ddof=1)
    assert result.std(ddof=0) == scores.std()
    assert result.standard_error() == pytest.approx(stats.sem(scores))
    half = stats.t.ppf(0.95, 4) * np.sqrt((1 / 5 + 18 / 72) * scores.var(ddof=1))
    assert result.interval(level=0.9) == pytest.approx((scores.mean() - half, scores.mean() + half))
    assert repr(result).startswith("5 folds, mean ± standard deviation (ddof=1): score: 0.")


def test_paired_differences():
    X, y = data()
    cv = RepeatedKFold(n_splits=5, n_repeats=4, random_state=0)
    first, second = (cross_validate(model, X, y, cv=cv) for model in (KNeighborsClassifier(), DummyClassifier()))
    found = first.minus(second)
    differences = first["test_score"] - second["test_score"]
    t = differences.mean() / np.sqrt((1 / 20 + 1 / 4) * differences.var(ddof=1))
    assert found.t == pytest.approx(t)
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(t), 19))
    assert found.mean == differences.mean()
    assert found.low < found.mean < found.high
    assert first.minus(first)[:5] == (0, 0, 0, 0, 1)
    with pytest.raises(ValueError, match="same folds"):
        first.minus(cross_validate(DummyClassifier(), X, y, cv=5))
    with pytest.raises(ValueError, match="'loss'"):
        first.mean("loss")
    with pytest.raises(ValueError, match="level=1"):
        first.interval(level=1)


def test_the_test_of_equal_models_keeps_its_level():
    """Two models that guess differ by chance alone: at 5 % the corrected test must not find more than about that."""
    random = np.random.default_rng(0)
    found = 0
    for seed in range(60):
        X, y = random.normal(size=(60, 2)), random.integers(0, 2, 60)
        cv = KFold(5, shuffle=True, random_state=seed)
        a, b = (cross_validate(KNeighborsClassifier(k), X, y, cv=cv) for k in (1, 9))
        found += a.minus(b).p_value < 0.05
    assert found <= 8


def test_out_of_fold_predictions():
    X, y = data()
    expected = sklearn.model_selection.cross_val_predict(KNeighborsClassifier(), X, y, cv=4)
    result = cross_validate(KNeighborsClassifier(), X, y, cv=4, return_predictions=True)
    assert np.array_equal(result.predictions, expected)
    assert "estimator" not in result
    shares = cross_validate(KNeighborsClassifier(), X, y, cv=4, return_predictions="predict_proba").predictions
    assert np.array_equal(
        shares, sklearn.model_selection.cross_val_predict(KNeighborsClassifier(), X, y, cv=4, method="predict_proba")
    )
    names = np.array(["no", "yes"])[y]
    some = cross_validate(
        KNeighborsClassifier(), X, names, cv=[(np.arange(60), np.arange(60, 90))], return_predictions=True
    )
    assert some.predictions[60:].tolist() == KNeighborsClassifier().fit(X[:60], names[:60]).predict(X[60:]).tolist()
    assert all(label != label for label in some.predictions[:60])


@given(
    n=st.integers(5, 60),
    dev_size=st.sampled_from([0, 0.2, 0.25, 1]),
    test_size=st.sampled_from([0.2, 0.1, 2]),
    shuffle=st.booleans(),
    seed=st.integers(0, 99),
)
def test_splits_cover_every_row_once(n, dev_size, test_size, shuffle, seed):
    rows = np.arange(n)
    options = {"dev_size": dev_size, "test_size": test_size, "shuffle": shuffle, "random_state": seed}
    parts = train_dev_test_split(rows, **options)
    assert len(parts) == (2 if dev_size == 0 else 3)
    assert sorted(np.concatenate(parts).tolist()) == rows.tolist()
    sizes = [int(np.ceil(size * n - 1e-9)) if isinstance(size, float) else size for size in (dev_size, test_size)]
    assert [len(part) for part in parts[1:]] == [size for size in sizes if size]
    assert all(np.array_equal(a, b) for a, b in zip(parts, train_dev_test_split(rows, **options), strict=True))
    if not shuffle:
        assert np.array_equal(np.concatenate(parts), rows)


def test_the_default_is_60_20_20():
    X, y = data(100)
    kinds = X, y, y.tolist(), pd.DataFrame(X), pd.Series(y), sparse.csr_array(X)
    parts = train_dev_test_split(*kinds, random_state=0)
    assert [part.shape[0] if hasattr(part, "shape") else len(part) for part in parts] == [60, 20, 20] * 6
    assert [type(parts[3 * i]) for i in range(6)] == [type(kind) for kind in kinds]
    assert np.array_equal(parts[0], parts[15].toarray())
    assert [len(part) for part in train_dev_test_split(y, dev_size=0)] == [80, 20]


def test_shares_and_groups_are_kept():
    y = np.repeat([0, 1, 2], [100, 50, 50])
    for part in train_dev_test_split(y, stratify=y, random_state=0):
        assert np.allclose(np.bincount(part) / len(part), [0.5, 0.25, 0.25])
    groups = np.arange(200) // 7
    parts = train_dev_test_split(groups, groups=groups, random_state=0)
    assert sum(len(set(part.tolist())) for part in parts) == len(set(groups.tolist()))
    assert [len(set(part.tolist())) for part in parts[1:]] == [6, 6]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"dev_size": 0.5, "test_size": 0.5}, "leave 0 to train on"),
        ({"test_size": 0}, "0 to test on"),
        ({"test_size": 1.5}, "test_size=1.5"),
        ({"dev_size": -1}, "dev_size=-1"),
        ({"dev_size": "half"}, "dev_size='half'"),
        ({"stratify": np.zeros(10), "groups": np.zeros(10)}, "cannot both"),
        ({"stratify": np.zeros(10), "shuffle": False}, "shuffle=False"),
        ({"groups": np.zeros(9)}, "10 rows"),
        ({"groups": np.zeros(10)}, "of 1 groups"),
    ],
)
def test_splits_that_cannot_be(options, words):
    with pytest.raises(ValueError, match=words):
        train_dev_test_split(np.arange(10), **options)
    with pytest.raises(ValueError, match="at least one array"):
        train_dev_test_split()


def test_a_metric_is_no_scorer():
    X, y = np.arange(20.0)[:, None], np.arange(20) % 2
    for scoring in (metrics.f1_score, {"f1": metrics.f1_score}):
        for ask in (
            lambda s: GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 2]}, scoring=s, refit=False).fit(X, y),
            lambda s: cross_validate(KNeighborsClassifier(), X, y, scoring=s),
            lambda s: cross_val_score(KNeighborsClassifier(), X, y, scoring=s),
        ):
            with pytest.raises(ValueError, match="make_scorer"):
                ask(scoring)


def test_searches_that_share_work_take_masks_as_splits():
    X, y, first = np.random.default_rng(0).normal(size=(60, 3)), np.arange(60) % 3, np.arange(60) < 40
    settings = {"cv": [(first, ~first), (~first, first)], "return_train_score": True}
    ours = GridSearchCV(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, **settings).fit(X, y).cv_results_
    Theirs = sklearn.model_selection.GridSearchCV
    theirs = Theirs(KNeighborsClassifier(), {"n_neighbors": [1, 3]}, **settings).fit(X, y).cv_results_
    for name in ("mean_test_score", "mean_train_score"):
        np.testing.assert_array_equal(ours[name], theirs[name])
