"""Every class of the exact kinds, from random cuts, files, engines and workers: the bits of the fit in memory."""

import inspect
import random
import tempfile
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.base import clone, is_regressor
from sklearn.utils import get_tags

import fastml.decomposition
import fastml.discriminant_analysis
import fastml.feature_extraction.text
import fastml.feature_selection
import fastml.impute
import fastml.linear_model
import fastml.naive_bayes
import fastml.preprocessing
import fastml.scale
import fastml.svm
import fastml.tree
from fastml.scale.fitting import learners

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
distributed = pytest.importorskip("distributed")

import fastml.dask  # noqa: E402

N, D = 2**14 + 77, 3
FAMILIES = (
    fastml.decomposition, fastml.discriminant_analysis, fastml.feature_extraction.text, fastml.feature_selection,
    fastml.impute, fastml.linear_model, fastml.naive_bayes, fastml.preprocessing, fastml.svm, fastml.tree,
)  # fmt: skip
CODED = (
    "CategoricalNB", "OneHotEncoder", "OrdinalEncoder", "MultinomialNB", "ComplementNB", "BernoulliNB", "TargetEncoder",
)  # fmt: skip
DRAW = {"KBinsDiscretizer", "QuantileTransformer"}  # rows
OTHERS = {"ColumnTransformer", "CountVectorizer", "TfidfVectorizer"}  # see test_scale_columns and _documents
EXACT = [name for name in learners() if name not in DRAW | OTHERS]
SETTINGS: dict = {"SelectKBest": {"k": 2}, "TargetEncoder": {}}


def made(name):
    cls = next(getattr(family, name) for family in FAMILIES if name in family.__all__)
    seeded = "random_state" in inspect.signature(cls).parameters
    return cls(**SETTINGS.get(name, {"random_state": 0} if seeded else {}))


def table(model):
    rng = np.random.default_rng(3)
    X = rng.random((N, D)) * [1, 20, 3] + [0, 100, 0]
    if type(model).__name__ in CODED:
        X = np.floor(X % 7)
    y = (X[:, 0] > rng.random(N)).astype(int) + (rng.random(N) < 0.02)
    return X, X @ np.arange(1.0, D + 1) + y if is_regressor(model) else y


def assert_same(one, other):
    names = [
        name for name in vars(one) if name.endswith("_") and name not in ("feature_names_in_", "n_iter_", "columns_")
    ]
    assert names
    for name in names:
        value, found = getattr(one, name), getattr(other, name)
        pairs = zip(value, found, strict=True) if isinstance(value, list | tuple) else [(value, found)]
        assert all(np.array_equal(a, b, equal_nan=np.asarray(a).dtype.kind == "f") for a, b in pairs), name


class Careless:
    """An engine that does tasks in any order, and some twice, as where a worker is lost."""

    def __init__(self, together, seed):
        self.together, self.random = together, random.Random(seed)

    def share(self, value):
        return value

    def submit(self, function, work, *arguments):
        return function, work, arguments

    def gather(self, tasks):
        order = [*range(len(tasks)), *range(len(tasks))]
        self.random.shuffle(order)
        found = {i: self.done(tasks[i]) for i in order[: len(tasks)]}
        return [found[i] if i in found else self.done(tasks[i]) for i in range(len(tasks))]

    def done(self, task):
        function, work, arguments = task
        known = [self.done(each) if isinstance(each, tuple) and callable(each[0]) else each for each in arguments]
        return function(work, *known)


def in_files(folder, kind, X, y, cuts):
    for number, (a, b) in enumerate(pairwise([0, *sorted(cuts), N])):
        name = f"{number:03}.{kind}"
        if kind == "npy":
            np.save(folder / f"X{name}", X[a:b])
            np.save(folder / f"y{name}", y[a:b])
            continue
        frame = pd.DataFrame(X[a:b], columns=list("abc")).assign(y=y[a:b])
        if kind == "parquet":
            frame.to_parquet(folder / name, row_group_size=3000)
        elif b > a or not number:
            frame.to_csv(folder / name, index=False)
    if kind == "npy":
        return fastml.scale.npy(folder / "X*.npy", y=folder / "y*.npy")
    return getattr(fastml.scale, kind)(folder, target="y")


@pytest.mark.parametrize("name", EXACT)
@settings(deadline=None, max_examples=3)
@given(
    cuts=st.lists(st.integers(1, N), max_size=5),
    kind=st.sampled_from(["npy", "parquet", "csv", "dask"]),
    spread=st.booleans(),
    workers=st.integers(1, 3),
    seed=st.integers(0, 99),
)
def test_cuts_files_engines_and_workers_change_no_bit(name, cuts, kind, spread, workers, seed):
    model = made(name)
    X, y = table(model)
    of_both = get_tags(model).target_tags.required or hasattr(model, "score_func")
    one = clone(model).fit(X, y) if of_both else clone(model).fit(X)
    with tempfile.TemporaryDirectory() as folder, dask.config.set(scheduler="threads", num_workers=workers):
        if kind == "dask":
            lengths = tuple(np.diff([0, *sorted(cuts), N]).tolist())
            parts = fastml.dask.parts(da.from_array(X, chunks=(lengths, D)), da.from_array(y, chunks=(lengths,)))
        else:
            parts = in_files(Path(folder), kind, X, y, cuts)
            if spread and parts.n_rows is not None:
                parts = fastml.scale.spread(parts, Careless(seed % 5, seed), rows=2**13)
        assert_same(one, clone(model).fit(parts))


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_workers(workers):
    options = {"n_workers": workers, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster):
        for name in ("GaussianNB", "LogisticRegression", "RobustScaler", "Ridge"):
            model = made(name)
            X, y = table(model)
            one = clone(model).fit(fastml.scale.arrays(X, y, memory=2**18))
            lazy = da.from_array(X, chunks=(3000, D)), da.from_array(y, chunks=3000)
            assert_same(one, clone(model).fit(fastml.dask.parts(*lazy, memory=2**18)))


def test_a_part_beyond_a_workers_memory_is_told_before_it_is_sent():
    X, y = da.zeros((10**7, 4), chunks=(6 * 10**6, 4)), da.zeros(10**7, chunks=6 * 10**6, dtype=int)
    parts = fastml.dask.parts(X, y)
    parts.check_memory(0)
    parts.check_memory(10**9)
    with pytest.raises(ValueError, match=r"part 0 of the Dask array has 6,000,000 rows, 192 MB, and a worker's"):
        parts.check_memory(2 * 10**8)
    options = {"n_workers": 1, "threads_per_worker": 1, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(memory_limit=2 * 10**8, **options) as cluster, distributed.Client(cluster):
        with pytest.raises(ValueError, match=r"cut it by rechunk to parts of at most 1,562,500 rows"):
            fastml.preprocessing.MinMaxScaler().fit(X)
        fitted = fastml.preprocessing.MinMaxScaler().fit(X[:3000])
    assert fitted.n_samples_seen_ == 3000
