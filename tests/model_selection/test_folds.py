"""Splits against scikit-learn's."""

import re
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
import sklearn.model_selection as scikit
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

import fastml.model_selection as ours


@given(
    n=st.integers(0, 60),
    test_size=st.sampled_from([None, 0.2, 0.5, 3, 0, 1.0, 60, -1, True, "a", np.float64(0.3)]),
    train_size=st.sampled_from([None, 0.5, 2, 0.9]),
    seed=st.integers(0, 99),
    shuffle=st.booleans(),
    stratified=st.booleans(),
)
@effort(2)
def test_train_test_split_is_scikit_learns(n, test_size, train_size, seed, shuffle, stratified):
    X, y = np.arange(3.0 * n).reshape(n, 3), np.arange(n) % 3
    arrays = X, y, X[:, 0].astype(str), X.tolist(), pd.DataFrame(X), sp.csr_array(X), y.astype(object)
    options = {"test_size": test_size, "train_size": train_size, "random_state": seed, "shuffle": shuffle}
    options["stratify"] = y if stratified else None
    for some in (arrays[:3], arrays):
        try:
            expected = scikit.train_test_split(*some, **options)
        except (ValueError, TypeError) as error:
            with pytest.raises(type(error)):
                ours.train_test_split(*some, **options)
            continue
        for a, b in zip(ours.train_test_split(*some, **options), expected, strict=True):
            assert type(a) is type(b)
            a, b = (part.toarray() if sp.issparse(part) else part for part in (a, b))
            assert np.array_equal(a, b)


def test_large_arrays_and_states():
    X = np.random.default_rng(0).random((50_000, 4))
    for layout in (np.asarray, np.asfortranarray, lambda X: X[::2], lambda X: X.astype(np.float32)):
        states = np.random.RandomState(3), np.random.RandomState(3)
        for _ in range(2):
            found, expected = (
                module.train_test_split(layout(X), random_state=state)
                for module, state in zip((ours, scikit), states, strict=True)
            )
            assert all(map(np.array_equal, found, expected))
    with pytest.raises(ValueError, match="inconsistent"):
        ours.train_test_split(X, X[1:])


@given(
    y=st.lists(st.integers(-3, 3), min_size=1, max_size=60),
    n_splits=st.integers(2, 6),
    shuffle=st.booleans(),
    kind=st.sampled_from([np.int64, np.int8, float, str, object, bool]),
)
@effort(2)
def test_stratified_folds_are_scikit_learns(y, n_splits, shuffle, kind):
    y = np.array(y).astype(kind)
    options = {"shuffle": shuffle, "random_state": 5 if shuffle else None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            expected = list(scikit.StratifiedKFold(n_splits, **options).split(y, y))
        except ValueError as error:
            with pytest.raises(ValueError, match=str(error)[:20].replace("(", ".")):
                list(ours.StratifiedKFold(n_splits, **options).split(y, y))
            return
        found = list(ours.StratifiedKFold(n_splits, **options).split(y, y))
    for a, b in zip(found, expected, strict=True):
        assert all(map(np.array_equal, a, b))


SPLITTERS = [
    ("KFold", {}),
    ("KFold", {"n_splits": 3, "shuffle": True, "random_state": 1}),
    ("StratifiedKFold", {"n_splits": 3, "shuffle": True, "random_state": 1}),
    ("GroupKFold", {"n_splits": 2}),
    ("GroupKFold", {"n_splits": 2, "shuffle": True, "random_state": 2}),
    ("StratifiedGroupKFold", {"n_splits": 2}),
    ("StratifiedGroupKFold", {"n_splits": 2, "shuffle": True, "random_state": 2}),
    ("LeaveOneOut", {}),
    ("RepeatedKFold", {"n_repeats": 2, "random_state": 3}),
    ("RepeatedStratifiedKFold", {"n_splits": 2, "n_repeats": 2, "random_state": 3}),
    ("StratifiedShuffleSplit", {"random_state": 4}),
    ("StratifiedShuffleSplit", {"n_splits": 2, "train_size": 0.5, "test_size": 5, "random_state": 4}),
    ("ShuffleSplit", {"random_state": 4}),
    ("TimeSeriesSplit", {}),
]
LABELS = {
    "whole": lambda random, n: random.integers(-1, 2, n),
    "bool": lambda random, n: random.integers(0, 2, n) > 0,
    "texts": lambda random, n: random.choice(["a", "b"], n),
    "objects": lambda random, n: random.choice(np.array(["a", "b"], object), n),
    "list": lambda random, n: random.integers(0, 2, n).tolist(),
    "floats": lambda random, n: random.random(n),
    "several": lambda random, n: random.integers(0, 2, (n, 2)),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("name", "options"), SPLITTERS)
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("n", [1, 4, 23, 400])
def test_splits_are_scikit_learns(name, options, kind, n):
    random = np.random.default_rng(n)
    y, groups = LABELS[kind](random, n), random.integers(0, 5, n)
    for X in (np.zeros((n, 2)), [[0]] * n, pd.DataFrame({"a": np.zeros(n)})):
        one, other = (getattr(module, name)(**options) for module in (ours, scikit))
        assert repr(one) == repr(other)
        assert isinstance(one, type(other))
        try:
            expected = list(other.split(X, y, groups))
        except ValueError as error:
            with pytest.raises(ValueError, match=re.escape(str(error)[:40])):
                list(one.split(X, y, groups))
            continue
        found = list(one.split(X, y, groups))
        assert len(found) == len(expected) == one.get_n_splits(X, y, groups)
        for a, b in zip(found, expected, strict=True):
            for rows, theirs in zip(a, b, strict=True):
                assert rows.dtype == theirs.dtype
                assert np.array_equal(rows, theirs)


def test_parts_share_no_memory_with_what_is_split():
    X = np.arange(20.0).reshape(10, 2)
    for part in ours.train_test_split(X, shuffle=False):
        assert not np.may_share_memory(part, X)


@pytest.mark.parametrize("seed", [0, 7, np.int64(3), np.random.MT19937, np.random.PCG64])
def test_the_order_drawn_by_every_kind_of_state(seed):
    def state():
        return np.random.RandomState(seed(5)) if isinstance(seed, type) else seed

    own, other = state(), state()
    for _ in range(2):  # a state goes on, a seed begins again
        found, expected = (f(np.arange(999), random_state=r) for f, r in
                           ((ours.train_test_split, own), (scikit.train_test_split, other)))  # fmt: skip
        for a, b in zip(found, expected, strict=True):
            assert np.array_equal(a, b)


def test_splits_keep_the_layout_of_tables():
    random = np.random.default_rng(0)
    X = random.random((500, 6))
    tables = X, np.asfortranarray(X), X[:, ::2], np.asfortranarray(X)[::2].repeat(2, axis=0), X.T.reshape(500, 2, 3)
    tables = (*tables, pd.DataFrame(X), pd.DataFrame(X, index=random.permutation(500)), pd.DataFrame({"a": X[:, 0]}))
    tables = (*tables, pd.DataFrame({"a": X[:, 0], "b": np.arange(500)}), pd.DataFrame(X, columns=pd.RangeIndex(6)))
    for a, b in zip(ours.train_test_split(*tables, random_state=1), scikit.train_test_split(*tables, random_state=1),
                    strict=True):  # fmt: skip
        if isinstance(b, pd.DataFrame):
            pd.testing.assert_frame_equal(a, b, check_index_type="exact", check_column_type="exact")
            a.iloc[0, 0] = -1.0  # a copy, which may be written into
        else:
            assert np.array_equal(a, b)
            assert a.flags.c_contiguous == b.flags.c_contiguous
    assert (X >= 0).all()
