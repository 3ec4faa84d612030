"""NeighborhoodComponentsAnalysis against scikit-learn's."""

import numpy as np
import pandas as pd
import pytest
import sklearn.neighbors
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning

import fastml
from fastml.decomposition import PCA
from fastml.neighbors import KNeighborsClassifier, NeighborhoodComponentsAnalysis
from fastml.pipeline import make_pipeline

Theirs = sklearn.neighbors.NeighborhoodComponentsAnalysis
X, y = load_iris(return_X_y=True)


def first_steps(options, seed, n=60, d=4):
    """Of both, after few steps: a search that goes on doubles each difference of rounding."""
    random = np.random.default_rng(seed)
    rows, codes = random.normal(size=(n, d)), random.integers(0, 3, n)
    rows[:, 0] += codes
    options = options | {"max_iter": 3, "random_state": 0}
    return NeighborhoodComponentsAnalysis(**options).fit(rows, codes), Theirs(**options).fit(rows, codes), rows


@given(
    st.sampled_from(["auto", "pca", "lda", "identity", "random", "given"]),
    st.sampled_from([None, 1, 2, 3, 4]),
    st.integers(0, 2**32 - 1),
)
def test_the_search_is_scikit_learns(init, k, seed):
    if init == "lda" and (k is None or k > 2):
        k = 2  # one less than the classes
    init = np.eye(k or 4, 4) + 0.1 if init == "given" else init
    own, other, rows = first_steps({"init": init, "n_components": k}, seed)
    assert own.n_iter_ == other.n_iter_
    np.testing.assert_allclose(own.components_, other.components_, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(own.transform(rows), other.transform(rows), rtol=1e-5, atol=1e-5)
    assert own.get_feature_names_out().tolist() == other.get_feature_names_out().tolist()


def test_neighbours_are_of_ones_class_more_often():
    digits, labels = load_digits(return_X_y=True)
    nearest = KNeighborsClassifier(3)
    model = make_pipeline(NeighborhoodComponentsAnalysis(2, max_iter=20, random_state=0), nearest)
    plain = make_pipeline(PCA(2), nearest)
    seen, new = slice(0, 1000), slice(1000, None)
    before = plain.fit(digits[seen], labels[seen]).score(digits[new], labels[new])
    assert model.fit(digits[seen], labels[seen]).score(digits[new], labels[new]) > before + 0.1


def test_callbacks_warm_starts_and_words(capsys):
    seen = []
    model = NeighborhoodComponentsAnalysis(max_iter=4, callback=lambda A, i: seen.append((A.shape, i)), verbose=1)
    with pytest.warns(ConvergenceWarning, match="did not converge"):
        model.fit(X, y)
    assert seen == [((16,), i) for i in range(1, 5)]
    assert model.n_iter_ == 5
    said = capsys.readouterr().out
    assert "Objective Value" in said
    assert said.count("\n") >= 8
    first = model.components_
    longer = NeighborhoodComponentsAnalysis(init=first, max_iter=2).fit(X, y).components_
    model.set_params(warm_start=True, max_iter=2, verbose=0, callback=None).fit(X, y)
    assert np.array_equal(model.components_, longer)
    with pytest.raises(ValueError, match="does not match the input dimensionality"):
        model.fit(X[:, :3], y)
    assert np.array_equal(model.components_, longer)  # a fit that fails changes nothing


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"n_components": 5}, r"`n_components` \(5\) cannot be greater than the given data dimensionality \(4\)!"),
        ({"init": np.eye(3)}, r"input dimensionality \(3\)"),
        ({"init": np.ones((5, 4))}, r"output dimensionality \(5\)"),
        ({"init": np.eye(2, 4), "n_components": 3}, r"`n_components` \(3\) does not match"),
        ({"init": "else"}, "init"),
        ({"max_iter": -1}, "max_iter"),
    ],
)
def test_what_is_refused(options, words):
    for model in (NeighborhoodComponentsAnalysis, Theirs):
        with pytest.raises(ValueError, match=words if model is not Theirs else None):
            model(**options).fit(X, y)  # scikit-learn's has words of its own


def test_kinds_of_tables_files_and_exchange(tmp_path):
    model = NeighborhoodComponentsAnalysis(2, max_iter=5, random_state=0).fit(X, y)
    expected = model.transform(X)
    frame = pd.DataFrame(X, columns=list("abcd"))
    named = NeighborhoodComponentsAnalysis(2, max_iter=5, random_state=0).fit(frame, np.array(list("xyz"))[y])
    np.testing.assert_allclose(named.transform(frame), expected, rtol=1e-9)
    assert list(named.set_output(transform="pandas").transform(frame)) == [
        f"neighborhoodcomponentsanalysis{i}" for i in range(2)
    ]
    shifted = NeighborhoodComponentsAnalysis(2, max_iter=5, random_state=0).fit(X + 1e6, y)
    np.testing.assert_allclose(shifted.components_, model.components_, rtol=1e-4, atol=1e-6)
    fastml.save(model, tmp_path / "model")
    assert np.array_equal(fastml.load(tmp_path / "model").transform(X), expected)
    twin = fastml.to_sklearn(model)
    assert type(twin) is Theirs
    np.testing.assert_allclose(twin.transform(X), expected, rtol=1e-12)
    back = fastml.from_sklearn(Theirs(2, max_iter=5, random_state=0).fit(X, y))
    np.testing.assert_allclose(back.transform(X), expected, rtol=1e-6, atol=1e-6)
    assert model.transform(X.astype(np.float32)).dtype == np.float64
