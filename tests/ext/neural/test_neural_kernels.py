"""The kernels against the definitions: every function on drawn inputs, and the paths that small inputs do not take."""

import itertools

import numpy as np
import pytest
import scipy.sparse as sp
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import neural as kernels
from fastml_ext.neural import cases, dispatch, reference
from fastml_ext.neural.codes import ACTIVATIONS, LOSSES, SOLVERS, Data, Design, Method, State


@pytest.mark.parametrize("name", cases.CLOSE)
@given(seed=st.integers(0, 2**32))
@effort(1.5, derandomize=True)  # one training in 4,000 is chaotic: rounding grows at each step
def test_equal_to_the_definition(name, seed):
    with np.errstate(all="ignore"):
        expected = getattr(cases, name)(reference, np.random.default_rng(seed))
        found = getattr(cases, name)(kernels, np.random.default_rng(seed))
    same(found, expected, cases.CLOSE[name])


@given(seed=st.integers(0, 2**32))
@effort(1.0, derandomize=True)
def test_batches_in_parts_are_equal_to_the_definition(seed):
    """What is drawn is small: here it takes the way of large batches."""
    with pytest.MonkeyPatch.context() as change, np.errstate(all="ignore"):
        change.setattr(dispatch, "SHARED", 0.0)
        change.setattr(dispatch, "ITEM", 100.0)
        dispatch.layout_of.cache_clear()
        expected = cases.train(reference, np.random.default_rng(seed))
        found = cases.train(kernels, np.random.default_rng(seed))
    dispatch.layout_of.cache_clear()
    same(found, expected, cases.CLOSE["train"])


def same(found, expected, close):
    if isinstance(expected, (list, tuple)):
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            same(f, e, close)
        return
    size = np.abs(expected).max(initial=0.0) if np.ndim(expected) else abs(expected)
    size = max(size, 1e-6)  # what is 0 comes out as the rounding of terms of order 1
    np.testing.assert_allclose(found, expected, rtol=close, atol=close * size)


def images(n=450, dtype=np.float64, loss="log_loss", **options):
    """A network large enough for BLAS, several parts of a batch and several blocks of weights."""
    random = np.random.default_rng(0)
    units = np.array([300, 120, 200, 30, 10])  # layers that grow and shrink, some of them without BLAS
    names = ["tanh", "relu", "gelu", {"log_loss": "softmax"}.get(loss, "identity")]
    codes = np.array([ACTIVATIONS[a] for a in names])
    design = Design(units, codes, np.zeros((4, 2), np.int64), np.zeros(4), LOSSES[loss], l2=0.1)._replace(**options)
    w = (0.1 * random.standard_normal(sum((k + 1) * u for k, u in itertools.pairwise(units)))).astype(dtype)
    X, Y = random.random((n, 300)).astype(dtype), np.eye(10, dtype=dtype)[random.integers(0, 10, n)]
    return design, w, Data(X, Y, random.uniform(0.5, 2, n))


def trained(family, design, w, data, method, batch=300, **options):
    P, order = len(w), np.random.default_rng(1).permutation(len(data.Y))
    state = State(w.copy(), np.zeros(P, w.dtype), np.zeros(P, w.dtype), np.zeros(1, np.int64))
    total = family.train(design, method, order, batch, data, state, **options)
    return total, state.w


@pytest.mark.parametrize("solver", SOLVERS)
def test_large_batches_in_parts(solver, monkeypatch):
    monkeypatch.setattr(dispatch, "SHARED", 0.0)
    problem, method = images(), Method(SOLVERS[solver], rate=0.01, epsilon=1e-4)
    same(trained(kernels, *problem, method), trained(reference, *problem, method), 1e-7)


@pytest.mark.parametrize(
    "change",
    [{"loss": "root_mean_squared_error"}, {"dropout": np.array([0.5, 0.0, 0.2, 0.0]), "noise": 0.1}, {"l1": 0.01}],
    ids=lambda change: "-".join(change),
)
def test_large_batches_with_all_there_is(change, monkeypatch):
    monkeypatch.setattr(dispatch, "SHARED", 0.0)
    problem = images(**change)
    for method in (Method(rate=0.01, epsilon=1e-4), Method(clip_norm=0.1, epsilon=1e-4), Method(immediate=True)):
        same(trained(kernels, *problem, method), trained(reference, *problem, method), 1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_number_of_threads_gives_the_same_bits(dtype, monkeypatch):
    monkeypatch.setattr(dispatch, "SHARED", 0.0)
    design, w, data = images(n=1000, dtype=dtype)
    method = kernels.Method()
    one = trained(kernels, design, w, data, method, batch=600, n_jobs=1)
    assert one[1].dtype == dtype
    for _ in range(5):  # parts meet in another order each time
        many = trained(kernels, design, w, data, method, batch=600, n_jobs=3)
        assert np.array_equal(one[0], many[0])
        assert np.array_equal(one[1], many[1])
    for function in (
        lambda n: kernels.gradients(design, w, data, n)[1],
        lambda n: kernels.outputs(design, w, data.X, n),
    ):
        assert np.array_equal(function(1), function(3))
        assert function(1).dtype == dtype


def test_threads_that_wait_too_long_go_on_alone_to_the_same_bits(monkeypatch):
    monkeypatch.setattr(dispatch, "SHARED", 0.0)
    monkeypatch.setattr(dispatch, "PATIENCE", -1e12)  # whoever has to wait at all has waited too long
    problem, method = images(n=1000), kernels.Method()
    one = trained(kernels, *problem, method, batch=600, n_jobs=1)
    for _ in range(5):
        many = trained(kernels, *problem, method, batch=600, n_jobs=3)
        assert all(np.array_equal(a, b) for a, b in zip(one, many, strict=True))


@pytest.mark.parametrize("solver", SOLVERS)
def test_float32_follows_float64(solver):
    method = Method(SOLVERS[solver], rate=0.01, epsilon=1e-3)
    (loss, w), (exact, expected) = (
        trained(kernels, *images(dtype=dtype), method) for dtype in (np.float32, np.float64)
    )
    assert loss == pytest.approx(exact, rel=1e-3)
    assert np.abs(w - expected).max() < 1e-3


def test_sparse_rows_are_the_dense_ones():
    design, w, data = images()
    X = np.where(data.X < 0.7, 0, data.X)
    for layout in (np.int32, np.int64):
        S = sp.csr_matrix(X)
        S.indices, S.indptr = S.indices.astype(layout), S.indptr.astype(layout)
        same(kernels.outputs(design, w, S), reference.outputs(design, w, X), 1e-12)
        method = Method(epsilon=1e-4)
        same(
            trained(kernels, design, w, data._replace(X=S), method),
            trained(reference, design, w, data._replace(X=X), method),
            1e-7,
        )


@pytest.mark.parametrize("z", [0.0, 1e-9, -1e-9, 0.3, -20.0, 30.0, -800.0, 800.0])
@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name not in ("softmax", "exp", "user")])
def test_activations_far_out(name, z):
    design = Design(np.array([1, 1]), np.array([ACTIVATIONS[name]]), np.zeros((1, 2), np.int64), np.zeros(1))
    w, X = np.array([1.0, 0.0]), np.array([[z]])
    found = kernels.outputs(design, w, X)[0, 0]
    expected = reference.outputs(design, w, X)[0, 0]
    if name == "logistic" and z < -30:  # by tanh the definition rounds to 0
        assert 0 <= found < 1e-300
    else:
        assert found == pytest.approx(expected, rel=1e-13, abs=1e-300 if name != "logistic" else 1e-16)


def test_a_batch_without_weight_steps_nothing():
    design, w, data = images(n=20)
    data = data._replace(weight=np.zeros(20))
    for family in (kernels, reference):
        total, after = trained(family, design, w, data, Method(), batch=5)
        assert not total.any()
        assert np.array_equal(after, w)
