"""The rules, on a cluster of two processes: parts as they should not be, errors, Ctrl-C, workers that are killed."""

import _thread
import os
import signal
import sys
import threading
import time

import numpy as np
import pandas as pd
import pytest
from clusters import CHUNK, N, assert_nothing_is_left, lazily

import fastml.scale
from fastml.linear_model import LinearRegression, LogisticRegression
from fastml.naive_bayes import GaussianNB
from fastml.tree import DecisionTreeClassifier

dask = pytest.importorskip("dask")
da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
distributed = pytest.importorskip("distributed")

import fastml.dask  # noqa: E402

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),  # sockets and files of distributed's own
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.mark.parametrize("cuts", [(N,), (0, 1, 8191, 8192, 0, N - 16_384), (29_999, 1)])
def test_the_bits_of_one_machine(client, table, cuts):
    X, y = table
    lazy, labels = da.from_array(X, chunks=(cuts, (1, 2))), da.from_array(y, chunks=(cuts,))
    one, other = GaussianNB().fit(X, y), GaussianNB().fit(lazy, labels)
    assert np.array_equal(one.theta_, other.theta_)
    assert np.array_equal(one.var_, other.var_)
    assert np.array_equal(other.predict_proba(lazy).compute(), one.predict_proba(X))
    assert other.score(lazy, labels) == one.score(X, y)
    far = LogisticRegression().fit(fastml.scale.arrays(X, y, memory=2**18))
    assert np.array_equal(LogisticRegression().fit(fastml.dask.parts(lazy, labels, memory=2**18)).coef_, far.coef_)
    assert_nothing_is_left(client)


def test_unknown_lengths_and_a_part_that_lost_its_rows(client, table):
    X, y = table
    lazy, labels = lazily(X, y)
    kept = (da.arange(N, chunks=CHUNK) < 12_000) | (da.arange(N, chunks=CHUNK) >= 20_000)
    some = np.r_[0:12_000, 20_000:N]
    model = GaussianNB().fit(lazy[kept], labels[kept])
    assert np.array_equal(model.var_, GaussianNB().fit(X[some], y[some]).var_)
    assert model.predict_proba(lazy[kept]).compute().shape == (len(some), 2)
    targets = lazy[:, 0] * 2 + 1
    model = LinearRegression().fit(lazy[kept], targets[kept])
    expected = LinearRegression().fit(fastml.scale.arrays(X[some], X[some, 0] * 2 + 1))
    assert np.array_equal(model.coef_, expected.coef_)


@pytest.mark.parametrize("kind", ["npy", "parquet", "arrays"])
def test_files_are_read_by_the_workers(client, table, tmp_path, kind):
    X, y = table
    if kind == "npy":
        np.save(tmp_path / "X.npy", X)
        np.save(tmp_path / "y.npy", y)
        parts = fastml.scale.npy(tmp_path / "X.npy", y=tmp_path / "y.npy")
    elif kind == "parquet":
        made = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y)
        for number, cut in enumerate([slice(0, 10), slice(10, 9000), slice(9000, None)]):
            made.iloc[cut].to_parquet(tmp_path / f"{number}.parquet", row_group_size=4000)
        parts = fastml.scale.parquet(tmp_path, target="y")
    else:
        parts = fastml.scale.arrays(X, y)
    there = fastml.dask.spread(parts, rows=2**13)
    one, other = GaussianNB().fit(X, y), GaussianNB().fit(there)
    assert np.array_equal(one.var_, other.var_)
    assert fastml.scale.predict(other, there, tmp_path / "out.npy", method="predict_proba") == N
    assert np.array_equal(np.load(tmp_path / "out.npy"), one.predict_proba(X))
    assert fastml.scale.score(other, there) == one.score(X, y)
    parts.memory = there.memory = 2**18
    assert np.array_equal(LogisticRegression().fit(there).coef_, LogisticRegression().fit(parts).coef_)


# The fault of one block is made where it stands, on a worker; a test tells which block, and what is wrong.


def spoilt(lazy, number, change):
    def block(values, block_id=None):
        return change(values.copy()) if block_id[0] == number else values

    return lazy.map_blocks(block, dtype=lazy.dtype, meta=np.empty((0,) * lazy.ndim, lazy.dtype))


def with_value(row, column, value):
    def change(values):
        values[row, column] = value
        return values

    return change


def test_bad_values_are_told_by_part_row_and_column(client, table):
    lazy, labels = lazily(*table)
    infinite = spoilt(lazy, 3, with_value(17, 2, np.inf))
    model = GaussianNB().fit(*table)
    before = model.theta_
    with pytest.raises(ValueError, match=r"column 2 is inf in row 17 of part 3 of the Dask array, and GaussianNB"):
        model.fit(infinite, labels)
    assert model.theta_ is before
    with pytest.raises(ValueError, match=r"column 1 is NaN in row 0 of part 5 .* LogisticRegression takes finite"):
        LogisticRegression().fit(spoilt(lazy, 5, with_value(0, 1, np.nan)), labels)
    with pytest.raises(ValueError, match=r"part 3 of the Dask array: .*X\[17, 2\] is inf"):
        model.predict(infinite).compute()
    with pytest.raises(ValueError, match=r"y is nan in row 4 of part 1 of the Dask array"):
        GaussianNB().fit(lazy, spoilt(labels.astype(float)[:, None], 1, with_value(4, 0, np.nan)))
    assert_nothing_is_left(client)


def test_another_dtype_or_width_in_one_part(client, table):
    lazy, labels = lazily(*table)
    with pytest.raises(ValueError, match=r"part 2 of the Dask array is of float32, and the array says float64"):
        GaussianNB().fit(spoilt(lazy, 2, lambda values: values.astype(np.float32)), labels)
    with pytest.raises(ValueError, match=r"part 2 of the Dask array has shape \(5000, 2\)"):
        GaussianNB().fit(spoilt(lazy, 2, lambda values: values[:, :2]), labels)


def test_frames_that_differ(client, table):
    X, y = table
    made = pd.DataFrame(X, columns=["a", "b", "c"]).assign(y=y)

    def collection(**second):
        pieces = [made.iloc[:10_000], made.iloc[10_000:].assign(**second)]
        return dd.from_delayed([dask.delayed(piece) for piece in pieces], meta=made.iloc[:0], verify_meta=False)

    lazy = collection(b=np.arange(20_000))
    with pytest.raises(ValueError, match=r"column 'b' is of int64 in part 1 of the Dask frame, and of float64"):
        GaussianNB().fit(lazy[["a", "b", "c"]], lazy["y"])
    texts = dd.from_pandas(made.assign(c="x"), npartitions=2)
    with pytest.raises(TypeError, match=r"column 'c' .* must be numbers: choose them by X\[\['a', 'b'\]\]"):
        GaussianNB().fit(texts[["a", "b", "c"]], texts["y"])
    pieces = [made.iloc[:10_000], made.iloc[10_000:]]
    for piece, categories in zip(pieces, ([1, 0], [0, 1, 7]), strict=True):
        piece["y"] = pd.Categorical(piece["y"], categories=categories)
    lazy = dd.from_delayed([dask.delayed(piece) for piece in pieces], verify_meta=False)
    model = GaussianNB().fit(lazy[["a", "b", "c"]], lazy["y"])
    assert np.array_equal(model.var_, GaussianNB().fit(X, y).var_)


def test_lengths_that_differ_are_told_by_part(client, table):
    X, y = table
    lazy, labels = lazily(X, y)
    with pytest.raises(
        ValueError, match=r"X has 30000 rows, and y has 29999 targets \(the first that differs is part 5"
    ):
        GaussianNB().fit(lazy, labels[:-1])
    with pytest.raises(ValueError, match=r"X has 30000 rows, and y has 3"):
        GaussianNB().fit(lazy, y[:3])
    unknown, some = lazy[da.ones(N, chunks=CHUNK) > 0], labels[da.arange(N, chunks=CHUNK) != 12_345]
    with pytest.raises(ValueError, match=r"part 2 of the Dask array has 5000 rows, and 4999 targets"):
        GaussianNB().fit(unknown, some)
    with pytest.raises(ValueError, match=r"part 2 of the Dask array has 5000 rows, and 4999 targets"):
        GaussianNB().fit(lazy, some)
    with pytest.raises(ValueError, match=r"X has 6 parts, and y has 3"):
        GaussianNB().fit(unknown, labels.rechunk(10_000))
    assert np.array_equal(GaussianNB().fit(lazy, y).var_, GaussianNB().fit(X, y).var_)  # y in memory
    assert np.array_equal(GaussianNB().fit(unknown, y).var_, GaussianNB().fit(X, y).var_)
    with pytest.raises(ValueError, match="0 rows"):
        GaussianNB().fit(lazy[:0], labels[:0])


def test_an_error_of_the_users_is_raised_and_nothing_is_left(client, table):
    lazy, labels = lazily(*table)

    def fail(values):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        GaussianNB().fit(spoilt(lazy, 4, fail), labels)
    assert_nothing_is_left(client)


def test_ctrl_c_leaves_nothing(client, table):
    X, y = table
    lazy, labels = lazily(X, y)

    def slow(values):
        time.sleep(0.3)
        return values

    model = GaussianNB().fit(X[:, :2], y)
    before = dict(vars(model))
    timer = threading.Timer(0.7, _thread.interrupt_main)
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        model.fit(lazy.map_blocks(slow, dtype=float).map_blocks(slow, dtype=float), labels)
    timer.join()
    assert vars(model) == before
    assert_nothing_is_left(client)


def test_a_fit_inside_a_task(client, table):
    X, y = table

    def inside(X, y):
        return GaussianNB().fit(da.from_array(X, chunks=(7000, -1)), da.from_array(y, chunks=7000)).var_

    found = client.gather([client.submit(inside, X, y, pure=False) for _ in range(3)])  # more than there are threads
    assert all(np.array_equal(each, GaussianNB().fit(X, y).var_) for each in found)


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def killing(folder, call):
    """(path, function): a file whose length says how often the function was called, which kills its worker once."""
    calls = str(folder / "calls")

    def deadly(values):
        with open(calls, "a+") as file:
            file.write("x")
            file.flush()
            file.seek(0)
            count = len(file.read())
        if count == call:
            os.kill(os.getpid(), signal.SIGKILL)
        return values

    return calls, deadly


@pytest.mark.parametrize("call", [1, 3])
def test_a_worker_that_is_killed_changes_no_bit(client, table, tmp_path, call):
    """Within the first pass, and within a later one; its lost parts are made again, by others."""
    X, y = table
    lazy, labels = lazily(X, y)
    calls, deadly = killing(tmp_path, call)
    model = LogisticRegression().fit(fastml.dask.parts(spoilt(lazy, 2, deadly), labels, memory=2**18))
    expected = LogisticRegression().fit(fastml.scale.arrays(X, y, memory=2**18))
    assert os.path.getsize(calls) > call
    assert np.array_equal(model.coef_, expected.coef_)
    assert np.array_equal(model.intercept_, expected.intercept_)


@pytest.mark.parametrize(("call", "memory"), [(1, 2**28), (4, 2**18)])
def test_a_worker_that_is_killed_changes_no_tree(client, table, tmp_path, call, memory):
    """While values are told apart, and while nodes are counted, for more codes than the memory holds."""
    X, y = table
    X = np.round(X, 2)
    lazy, labels = lazily(X, y)
    calls, deadly = killing(tmp_path, call)
    model = DecisionTreeClassifier(max_depth=6).fit(fastml.dask.parts(spoilt(lazy, 2, deadly), labels, memory=memory))
    expected = DecisionTreeClassifier(max_depth=6).fit(X, y)
    assert os.path.getsize(calls) > call
    assert all(np.array_equal(*pair) for pair in zip(model.tree_, expected.tree_, strict=True))
    assert_nothing_is_left(client)
