"""Kernels of fastml_ext.autodiff against their reference."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from fastml_ext.autodiff import machine, reference, steps
from fastml_ext.autodiff.codes import CODES, COLUMNS

ELEMENTWISE = sorted(reference.SCALAR)


def test_names_have_the_same_numbers():
    assert [CODES[name] for name in reference.NAMES] == list(range(len(reference.NAMES)))


def both(code, table, work, ints=()):
    """Memory after the kernel and after the reference."""
    code, table = np.array(code, np.int64).reshape(-1, COLUMNS), np.array(table, np.int64)
    ints = np.array(ints, np.int64)
    mine, expected = work.copy(), work.copy()
    machine.run_program(code, table, mine, ints)
    reference.run_program(code, table, expected, ints)
    return mine, expected


def memory(n, dtype, seed):
    rng = np.random.default_rng(seed)
    return rng.choice(np.array([0.0, -0.0, 1, -1, 2.5, 0.3, -7, np.nan, np.inf, -np.inf]), n).astype(dtype)


def close(mine, expected):
    eps = np.finfo(mine.dtype).eps
    assert_allclose(mine, expected, rtol=20 * eps, atol=20 * eps)


@given(name=st.sampled_from(ELEMENTWISE), data=st.data(), dtype=st.sampled_from([np.float64, np.float32]))
def test_elementwise(name, data, dtype):
    d = data.draw(st.integers(0, 3))
    shape = data.draw(st.lists(st.integers(0, 3), min_size=d, max_size=d))
    strides = [int(np.prod(shape[k + 1 :])) for k in range(d)]
    operands = [[s * data.draw(st.sampled_from([0, 1, -1])) for s in strides] for _ in range(3)]
    size = max(1, int(np.prod(shape)))
    work = memory(8 * size + 8, dtype, data.draw(st.integers(0, 99)))
    if name in ("power", "sin", "cos", "tan"):
        work = np.abs(np.where(np.isfinite(work), work, 1)).astype(dtype)
    starts = [0, 2 * size, 4 * size, 6 * size]
    table = [*shape, *strides, *operands[0], *operands[1], *operands[2]]
    close(*both([CODES[name], d, *starts, 0, size], table, work))


@given(
    name=st.sampled_from(["sum", "max", "min"]),
    shape=st.lists(st.integers(1, 4), min_size=1, max_size=3),
    mask=st.lists(st.booleans(), min_size=3, max_size=3),
    seed=st.integers(0, 99),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_reductions(name, shape, mask, seed, dtype):
    kept = [1 if reduced else n for n, reduced in zip(shape, mask, strict=False)]
    to = [0 if n == 1 else int(np.prod(kept[k + 1 :])) for k, n in enumerate(kept)]
    source = [int(np.prod(shape[k + 1 :])) for k in range(len(shape))]
    entries, size = int(np.prod(kept)), int(np.prod(shape))
    work = memory(entries + size, dtype, seed)
    work = np.where(np.isinf(work), 3, work).astype(dtype)  # inf - inf depends on nothing, NaN is kept
    table = [*shape, *to, *source, entries]
    close(*both([CODES[name], len(shape), 0, entries, 0, 0, 0, size], table, work))


@pytest.mark.parametrize("transposed", [(0, 0), (0, 1), (1, 0), (1, 1)])
@pytest.mark.parametrize("mkn", [(1, 1, 1), (2, 3, 4), (9, 10, 11), (1, 30, 40), (40, 30, 1), (1, 600, 1), (3, 0, 2)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_products(transposed, mkn, dtype):
    m, k, n = mkn
    count = 2
    work = np.random.default_rng(0).normal(size=count * (m * k + k * n + m * n) + 1).astype(dtype)
    a, b = count * m * n, count * (m * n + m * k)
    table = [count, m, k, n, m * k, transposed[0], k * n, transposed[1], 0, 0]
    mine, expected = both([CODES["matmul"], 0, 0, a, b, 0, 0, 1], table, work)
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    assert_allclose(mine, expected, rtol=tolerance, atol=tolerance)


@given(
    transposed=st.tuples(st.booleans(), st.booleans()),
    mkn=st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 12)),
    annul=st.tuples(st.booleans(), st.booleans()),
    seed=st.integers(0, 99),
)
def test_zeros_annul_infinities_in_products(transposed, mkn, annul, seed):
    m, k, n = mkn
    rng = np.random.default_rng(seed)
    work = np.zeros(m * n + m * k + k * n)
    work[m * n :] = rng.choice(
        [0.0, 0.0, 1.0, -2.0, 3.0, np.inf, np.nan], m * k + k * n, p=[0.3, 0.1, 0.2, 0.2, 0.1, 0.05, 0.05]
    )
    table = [1, m, k, n, m * k, transposed[0], k * n, transposed[1], *annul]
    mine, expected = both([CODES["matmul"], 0, 0, m * n, m * n + m * k, 0, 0, 1], table, work)
    assert_allclose(mine, expected, rtol=1e-12)
    if annul == (True, True):
        assert np.isfinite(mine[: m * n]).all() or not np.isfinite(work[m * n :]).all()


@given(rows=st.integers(0, 4), n=st.integers(1, 5), seed=st.integers(0, 99))
def test_winner(rows, n, seed):
    work = memory(2 * rows * n + 1, np.float64, seed)
    close(*both([CODES["winner"], 0, 0, rows * n, 0, 0, 0, 1], [rows, n], work))


@given(index=st.lists(st.integers(0, 4), max_size=8), seed=st.integers(0, 99))
def test_gather_and_scatter(index, seed):
    work = np.random.default_rng(seed).normal(size=5 + 8)
    close(*both([CODES["gather"], 0, 5, 0, 0, 0, 0, 1], [len(index), *index], work))
    close(*both([CODES["scatter"], 0, 0, 5, 0, 0, 0, 1], [len(index), 5, *index], work))


@given(
    index=st.lists(st.tuples(st.integers(-3, 2), st.integers(-2, 1)), min_size=1, max_size=6),
    rest=st.integers(1, 3),
    name=st.sampled_from(["gather_at", "scatter_at"]),
)
def test_indices_of_inputs(index, rest, name):
    n, size = len(index), 6 * rest
    work = np.random.default_rng(0).normal(size=size + n * rest)
    ints = [i for i, _ in index] + [j for _, j in index]
    out, a = (size, 0) if name == "gather_at" else (0, size)
    table = [2, n, rest, size, 3, 2, 0, n]
    close(*both([CODES[name], 0, out, a, 0, 0, 0, 1], table, work, ints))


@pytest.mark.parametrize("module", [machine, reference])
def test_index_outside(module):
    code = np.array([[CODES["gather_at"], 0, 3, 0, 0, 0, 0, 1]])
    for wrong in (3, -4):
        with pytest.raises(IndexError, match="instruction 0 takes an entry outside its array"):
            module.run_program(code, np.array([1, 1, 1, 3, 3, 0]), np.zeros(4), np.array([wrong]))


def test_a_long_program_runs_in_slices():
    """More entries than one call of the kernel takes, each instruction needing the one before."""
    n = 100_000
    code = np.zeros((7, COLUMNS), np.int64)
    code[:, 0], code[:, 1], code[:, 6:] = CODES["add"], 1, (0, n)
    for k in range(7):
        code[k, 2:5] = (k + 1) * n, k * n, 0
    work = np.ones(8 * n)
    machine.run_program(code, np.array([n, 1, 1, 1, 0]), work, np.zeros(0, np.int64))
    assert (work.reshape(8, n) == np.arange(1, 9)[:, None]).all()


@given(
    name=st.sampled_from(["sgd_step", "adagrad_step", "adam_step"]),
    n=st.integers(0, 6),
    seed=st.integers(0, 99),
    t=st.integers(1, 5),
    dtype=st.sampled_from([np.float64, np.float32]),
)
def test_steps(name, n, seed, t, dtype):
    rng = np.random.default_rng(seed)
    w, g = rng.normal(size=n).astype(dtype), rng.normal(size=n).astype(dtype)
    w[::3] = 0
    state, l1, l2 = (
        np.abs(rng.normal(size=(2, n))).astype(dtype),
        rng.random(n).astype(dtype),
        rng.random(n).astype(dtype),
    )
    hyper = np.array([0.1, 0.01, 0.9, 0.99])
    mine, expected = (w.copy(), state.copy()), (w.copy(), state.copy())
    getattr(steps, name)(mine[0], g, mine[1], hyper, l1, l2, t)
    getattr(reference, name)(expected[0], g, expected[1], hyper, l1, l2, t)
    for a, b in zip(mine, expected, strict=True):
        assert a.dtype == dtype
        assert_allclose(a, b, rtol=100 * np.finfo(dtype).eps, atol=100 * np.finfo(dtype).eps)
    assert_allclose(steps.penalty(w, l1, l2), reference.penalty(w, l1, l2), rtol=1e-6)


def test_tiny_state_becomes_zero():
    w, state = np.zeros(1), np.full((2, 1), 1e-31)
    steps.adam_step(w, np.zeros(1), state, np.array([0.1, 1e-8, 0.9, 0.999]), np.zeros(1), np.zeros(1), 1)
    assert (state == 0).all()
