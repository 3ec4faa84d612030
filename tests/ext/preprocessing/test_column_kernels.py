"""The kernels of the steps before a model against their definitions."""

from fractions import Fraction

import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import pool
from fastml_ext import preprocessing as kernels
from fastml_ext.preprocessing import cases, reference

BEYOND = ["error", "constant", "linear", "continue", "periodic"]


@st.composite
def tables(draw, missing=True):
    """Small integers, decimals, or numbers far from 0; some missing; one row, one column, constants."""
    n, d = draw(st.integers(1, 40)), draw(st.integers(1, 20))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    kind = draw(st.sampled_from(["whole", "decimal", "far", "constant"]))
    X = random.integers(-3, 4, (n, d)).astype(float)
    X = {"whole": X, "decimal": X / 10, "far": X + 1e6, "constant": np.full((n, d), 0.1)}[kind]
    if missing and draw(st.booleans()):
        X[random.random((n, d)) < draw(st.sampled_from([0.1, 0.9, 1.0]))] = np.nan
    return X.astype(draw(st.sampled_from([np.float32, np.float64])))


@given(tables())
def test_moments(X):
    count, mean, squares = kernels.moments(X)
    expected = reference.moments(X)
    assert np.array_equal(count, expected[0])
    np.testing.assert_allclose(mean, expected[1], rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(squares, expected[2], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("n", "d"), [(600, 3), (70_001, 2), (2000, 300), (1, 900), (33, 1), (5_001, 7)])
@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_tables_of_both_orders(dtype, n, d, missing):
    random = np.random.default_rng(n)
    X = (random.normal(size=(n, d)) * 3 + 1).astype(dtype)
    X[random.random(X.shape) < missing] = np.nan
    turned, a, b = np.asfortranarray(X), X[0].copy(), random.random(d).astype(dtype) + 1
    a[np.isnan(a)] = 0
    for Z in (X, turned):
        for found, expected in zip(kernels.moments(Z), reference.moments(X), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-14)
        for found, expected in zip(kernels.extremes(Z), reference.extremes(X), strict=True):
            np.testing.assert_array_equal(found, expected)
        for found, expected in zip(kernels.quantiles(Z, [0.1, 0.5]), reference.quantiles(X, [0.1, 0.5]), strict=True):
            np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(kernels.standardise(Z, a, b), reference.standardise(X, a, b))
        np.testing.assert_array_equal(kernels.standardise(Z, None, b), reference.standardise(X, None, b))
        np.testing.assert_allclose(kernels.rescale(Z, a, b, 0, 1), reference.rescale(X, a, b, 0, 1), rtol=1e-6)
        np.testing.assert_array_equal(kernels.fill(Z, a), reference.fill(X, a))
    X[n - 1, d - 1] = turned[n - 1, d - 1] = -np.inf
    assert kernels.standardise(X, a, b) is kernels.fill(turned, a) is None
    assert not np.isfinite(kernels.moments(turned)[1][d - 1])


def test_moments_far_from_0():
    X = np.random.default_rng(0).normal(size=(5000, 3)) + np.array([0, 1e9, -1e12])
    _, mean, squares = kernels.moments(X)
    np.testing.assert_allclose(mean, X.mean(axis=0), rtol=1e-15, atol=1e-15)
    np.testing.assert_allclose(squares, 5000 * X.astype(np.longdouble).var(axis=0).astype(float), rtol=1e-11)


def test_the_same_bits_for_any_number_of_threads():
    X = np.random.default_rng(0).normal(size=(60_000, 30))
    one, two = (np.array(kernels.moments(X, n_jobs)) for n_jobs in (1, 2))
    assert len(pool.ranges(len(X), 36)) > 2
    assert np.array_equal(one, two)


@given(tables())
def test_extremes(X):
    for found, expected in zip(kernels.extremes(X), reference.extremes(X), strict=True):
        assert found.dtype == X.dtype
        assert np.array_equal(found, expected, equal_nan=True)


@given(tables(), st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_quantiles(X, q):
    for found, expected in zip(kernels.quantiles(X, q), reference.quantiles(X, q), strict=True):
        assert np.array_equal(found, expected, equal_nan=True)


LONG = {
    "normal": lambda random, n: random.normal(size=n),
    "few values": lambda random, n: random.integers(0, 3, n).astype(float),
    "nearly constant": lambda random, n: (random.random(n) < 1e-3).astype(float),
    "constant": lambda random, n: np.ones(n),
    "ascending": lambda random, n: np.arange(n, dtype=float),
    "descending": lambda random, n: -np.arange(n, dtype=float),
    "waves": lambda random, n: np.sin(np.arange(n) * np.pi / 8),
    "what the sample does not see": lambda random, n: np.where(np.arange(n) % (n // 1024) == 0, 0.0, random.random(n)),
    "what the sample sees alone": lambda random, n: np.where(
        np.isin(np.arange(n), (np.arange(m := int(2 * n ** (2 / 3))) * n + n // 2) // m), 5.0, random.random(n)
    ),
    "heavy tails": lambda random, n: random.standard_cauchy(n) ** 3,
    "missing": lambda random, n: np.where(random.random(n) < 0.5, np.nan, random.normal(size=n)),
    "infinite": lambda random, n: np.where(random.random(n) < 0.5, np.inf, random.normal(size=n)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", LONG)
@effort(0.1)
@given(st.integers(4000, 30_000), st.integers(0, 2**32))
def test_quantiles_of_long_columns(kind, dtype, n, seed):
    random = np.random.default_rng(seed)
    X = np.stack([LONG[kind](random, n), random.normal(size=n)], axis=1).astype(dtype)
    for q in ([0.0, 0.25, 0.5, 0.75, 1.0], [0.001, 0.999], np.linspace(0, 1, 20)):
        for found, expected in zip(kernels.quantiles(X, q), reference.quantiles(X, q), strict=True):
            assert np.array_equal(found, expected, equal_nan=True)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", LONG)
def test_quantiles_of_rows_that_are_drawn(kind, dtype):
    random = np.random.default_rng(1)
    X = np.stack([LONG[kind](random, 15_000)] * 2 + [random.normal(size=15_000)], axis=1).astype(dtype)
    rows = random.integers(0, 15_000, 14_000)
    q = [1.0, 0.4, 0.0, 0.4, 0.401, 0.9999]
    for found, expected in zip(kernels.quantiles(X, q, rows), reference.quantiles(X, q, rows), strict=True):
        assert np.array_equal(found, expected, equal_nan=True)


@given(tables(), st.booleans(), st.booleans())
def test_standardise(X, centred, scaled):
    centre, scale = np.arange(X.shape[1], dtype=X.dtype), np.arange(1, X.shape[1] + 1, dtype=X.dtype)
    given = X, centre if centred else None, scale if scaled else None
    found, expected = kernels.standardise(*given), reference.standardise(*given)
    assert found.dtype == X.dtype
    assert np.array_equal(found, expected, equal_nan=True)
    X[-1, -1] = -np.inf
    assert kernels.standardise(*given) is reference.standardise(*given) is None


@given(tables(), st.sampled_from("fd"), st.booleans(), st.booleans(), st.booleans())
def test_few_rows(X, dtype, first, second, turned):
    X = X.T if turned else X
    columns = np.arange(1, X.shape[1] + 1, dtype=dtype) / 3
    given = columns if first else None, columns[::-1].copy() if second else None
    for name in ("few_divided", "few_multiplied"):
        found, expected = getattr(kernels, name)(X, *given), getattr(reference, name)(X, *given)
        assert (found is None) == (expected is None)
        assert found is None or (found.dtype == X.dtype and np.array_equal(found, expected))
    assert kernels.few_divided(X.tolist(), *given) is kernels.few_divided(X[0], *given) is None
    assert kernels.few_divided(X.astype(X.dtype.newbyteorder()), None, None) is None


def test_few_rows_have_the_bits_of_many():
    random = np.random.default_rng(0)
    for dtype in (np.float32, np.float64):
        X, a, b = (random.normal(size=shape).astype(dtype) for shape in ((4000, 7), 7, 7))
        for few, many in ((kernels.few_divided, kernels.standardise), (kernels.few_multiplied, kernels.rescale)):
            ends = (-np.inf, np.inf) if many is kernels.rescale else ()
            rows = [few(X[i : i + 1], a, b) for i in range(len(X))]
            assert np.array_equal(np.concatenate(rows), many(X, a, b, *ends))


@given(tables(), st.sampled_from([(-np.inf, np.inf), (0, 1), (-1, 0.5)]))
def test_rescale(X, ends):
    given = X, np.full(X.shape[1], 0.25, X.dtype), np.full(X.shape[1], 0.5, X.dtype), *ends
    found, expected = kernels.rescale(*given), reference.rescale(*given)
    assert found.dtype == X.dtype
    np.testing.assert_allclose(found, expected, rtol=1e-6 if X.dtype == np.float32 else 1e-15)
    X[0, 0] = np.inf
    assert kernels.rescale(*given) is reference.rescale(*given) is None


@given(tables(missing=False), st.sampled_from(["l1", "l2", "max"]))
def test_normalise(X, norm):
    for found, expected in zip(kernels.normalise(X, norm), reference.normalise(X, norm), strict=True):
        assert found.dtype == X.dtype
        np.testing.assert_allclose(found, expected, rtol=1e-6 if X.dtype == np.float32 else 1e-14)


@given(tables(missing=False), st.sampled_from([0.0, 0.1, -1.0, 1e6]))
def test_binarise(X, threshold):
    found = kernels.binarise(X, threshold)
    assert found.dtype == X.dtype
    assert np.array_equal(found, reference.binarise(X, threshold))


@given(tables())
def test_fill(X):
    values = np.arange(X.shape[1], dtype=X.dtype)
    found = kernels.fill(X, values)
    assert found.dtype == X.dtype
    assert np.array_equal(found, reference.fill(X, values))
    X[-1, 0] = np.inf
    assert kernels.fill(X, values) is reference.fill(X, values) is None


@given(tables(missing=False), st.integers(1, 4), st.booleans(), st.booleans())
def test_scaled_scores(X, k, centred, scaled):
    random = np.random.default_rng(k)
    coef, intercept = random.normal(size=(k, X.shape[1])).astype(X.dtype), random.normal(size=k).astype(X.dtype)
    centre = X.mean(axis=0) if centred else None
    scale = np.full(X.shape[1], 3, X.dtype) if scaled else None
    given = X, centre, scale, coef, intercept
    found, expected = kernels.scaled_scores(*given), reference.scaled_scores(*given)
    assert found.dtype == X.dtype
    size = np.abs(X).max() + 1
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=(1e-6 if X.dtype == np.float32 else 1e-13) * size)


def points_of(X, m):
    """Points among and between the numbers of X, some alike, none in a column without numbers; and shares of them."""
    points = np.full((X.shape[1], m), np.nan)
    for j, column in enumerate(X.T.astype(float)):
        known = column[~np.isnan(column)]
        if len(known):
            points[j] = np.quantile(known, np.linspace(0, 1, m), method="linear")
    return points, points * 0.5, np.linspace(0, 1, m)


@given(tables(), st.integers(1, 12), st.sampled_from([None, (-5.2, 5.2), (-1.0, 0.5)]), st.booleans())
def test_to_distribution(X, m, ends, beyond):
    points, ties, shares = points_of(X, m)
    X = X * 2 if beyond else X
    found, expected = (f.to_distribution(X, points, ties, shares, ends) for f in (kernels, reference))
    assert found.dtype == X.dtype
    within = 1e-13 if X.dtype == np.float64 else 1e-6
    np.testing.assert_allclose(found, expected, rtol=within, atol=within)
    X[-1, 0] = np.inf
    assert kernels.to_distribution(X, points, ties, shares, ends) is None
    assert reference.to_distribution(X, points, ties, shares, ends) is None


@given(tables(), st.integers(1, 12), st.booleans())
def test_from_distribution(X, m, normal):
    points, _, shares = points_of(X, m)
    X = X - X.dtype.type(0.5)
    found, expected = (f.from_distribution(X, points, shares, normal) for f in (kernels, reference))
    assert found.dtype == X.dtype
    within = 1e-13 if X.dtype == np.float64 else 1e-6
    np.testing.assert_allclose(found, expected, rtol=within, atol=within * (1 + np.nanmax(np.abs(points), initial=0)))
    X[-1, 0] = -np.inf
    assert kernels.from_distribution(X, points, shares, normal) is None
    assert reference.from_distribution(X, points, shares, normal) is None


@given(tables(missing=False), st.integers(0, 3), st.booleans(), st.booleans(), st.integers(0, 3))
def test_products(X, degree, bias, by_columns, skipped):
    X, d, bias = X[:, :6].copy(), min(X.shape[1], 6), bias or not degree
    at, source, steps = d + bias, 0, []
    for power in range(2, degree + 1):  # products of all terms of the degree below and one column
        steps.append((source + bias if power == 2 else source, at, power % d, at))
        source, at = at, at + at - steps[-1][0]
    n_terms = at if degree else int(bias)
    given = X, np.array(steps, np.int64).reshape(-1, 4), n_terms, max(n_terms - skipped, int(bias)), bias, by_columns
    found, expected = kernels.products(*given), reference.products(*given)
    assert found.dtype == X.dtype
    assert found.flags.f_contiguous if by_columns else found.flags.c_contiguous
    assert np.array_equal(found, expected)
    assert np.array_equal(kernels.products(np.asfortranarray(X), *given[1:]), expected)


@given(st.data())
def test_sparse_products(data):
    n, d = data.draw(st.integers(1, 12)), data.draw(st.integers(1, 7))
    random = np.random.default_rng(data.draw(st.integers(0, 2**32)))
    rows = [np.flatnonzero(random.random(d) < data.draw(st.sampled_from([0.0, 0.4, 1.0]))) for _ in range(n)]
    indices, indptr = np.concatenate(rows).astype(np.int64), np.cumsum([0] + [len(row) for row in rows])
    numbers = random.integers(-3, 4, len(indices)).astype(data.draw(st.sampled_from([np.float32, np.float64])))
    largest = data.draw(st.integers(0, 5))
    settings = data.draw(st.integers(0, largest)), largest, data.draw(st.booleans()), data.draw(st.booleans())
    given = numbers, indices, indptr, d, *settings
    for found, expected in zip(kernels.sparse_products(*given), reference.sparse_products(*given), strict=True):
        assert np.array_equal(found, expected)
        assert getattr(found, "dtype", int) == getattr(expected, "dtype", int)


def test_sparse_products_beyond_32_bits():
    ends = np.array([0, 99_999], np.int64)
    values, columns, indptr, n_out = kernels.sparse_products(
        np.array([2.0, 3.0]), ends, np.array([0, 2]), 10**5, 0, 2, 0, 0
    )
    assert columns.dtype == indptr.dtype == np.int64
    assert n_out == 10**5 + 10**5 * (10**5 + 1) // 2
    assert values.tolist() == [2, 3, 4, 6, 9]
    assert columns.tolist() == [0, 99_999, 10**5, 2 * 10**5 - 1, n_out - 1]


@given(tables(), st.floats(-3, 4), st.booleans(), st.booleans())
def test_power_columns(X, lmbda, box_cox, standard):
    X = (np.abs(X) % 9 + 1 if box_cox else X % 9 - 4).astype(X.dtype)
    lambdas = np.round(lmbda + np.arange(X.shape[1]) % 3 - 1, 3)
    more = np.full((2, X.shape[1]), 1.5, X.dtype) if standard else (None, None)
    found, expected = (f.power_columns(X, lambdas, box_cox, *more) for f in (kernels, reference))
    assert found.dtype == X.dtype
    within = 1e-5 if X.dtype == np.float32 else 1e-9
    np.testing.assert_allclose(found, expected, rtol=within, atol=within)
    X[0, 0] = np.inf
    assert (
        kernels.power_columns(X, lambdas, box_cox, *more) is reference.power_columns(X, lambdas, box_cox, *more) is None
    )


@given(tables(), st.floats(-3, 4), st.booleans(), st.booleans())
def test_unpower_columns(X, lmbda, box_cox, standard):
    X = (X % 7 - 3).astype(X.dtype)
    lambdas = np.round(lmbda + np.arange(X.shape[1]) % 3 - 1, 3)
    more = np.full((2, X.shape[1]), 1.5, X.dtype) if standard else (None, None)
    found, none = kernels.unpower_columns(X, lambdas, box_cox, *more)
    expected, expected_none = reference.unpower_columns(X, lambdas, box_cox, *more)
    assert found.dtype == X.dtype
    assert none == expected_none
    within = 1e-4 if X.dtype == np.float32 else 1e-9
    np.testing.assert_allclose(found, expected, rtol=within, atol=within)
    X[0, 0] = -np.inf
    assert kernels.unpower_columns(X, lambdas, box_cox, *more) is None
    assert reference.unpower_columns(X, lambdas, box_cox, *more) is None


@pytest.mark.parametrize("box_cox", [False, True])
def test_powers_beyond_what_registers_compute(box_cox):
    X = np.array([[1e300, 1e150, 1e-300], [1e200, 2.0, 1e300]])
    lambdas = np.array([2.0, 2.5, -3.0])
    found, expected = np.empty_like(X), np.empty_like(X)
    with np.errstate(all="ignore"):
        for f, out in ((kernels, found), (reference, expected)):
            out[...] = f.power_columns(X, lambdas, box_cox)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-15)
    assert np.isinf(found).any()
    back, none = kernels.unpower_columns(np.array([[800.0, -745.0]]), np.zeros(2), box_cox)
    assert not none
    assert back[0, 0] == np.inf
    assert 0 < back[0, 1] < 1e-300 if box_cox else back[0, 1] == pytest.approx(1 - 1491**0.5, rel=1e-12)


@given(st.integers(0, 2**32), st.integers(2, 1500), st.floats(-3, 4), st.booleans())
def test_power_likelihood(seed, n, lmbda, box_cox):
    logs, lmbda = np.random.default_rng(seed).normal(size=n), round(lmbda, 3)
    found, expected = (f.power_likelihood(logs, lmbda, box_cox) for f in (kernels, reference))
    assert found == pytest.approx(expected, rel=1e-9, abs=1e-8)
    same = np.full(2, 0.25)
    assert kernels.power_likelihood(same, 1.0, box_cox) == reference.power_likelihood(same, 1.0, box_cox) == np.inf


def test_power_likelihood_where_powers_overflow():
    logs = np.array([300.0, 400.0, 500.0])
    assert np.isfinite([kernels.power_likelihood(logs, lmbda, True) for lmbda in (1.4, 2.0, 1000.0)]).all()


@given(tables(), st.integers(0, 4), st.integers(2, 6), st.sampled_from(BEYOND), st.booleans(), st.booleans())
def test_spline_basis(X, degree, n_knots, beyond, by_columns, evenly):
    X = (X[:, :5] % 7 - 3).astype(X.dtype)
    n_knots = max(n_knots, degree + 1) if beyond == "periodic" else n_knots
    steps = np.ones(n_knots + 2 * degree - 1) if evenly else np.arange(n_knots + 2 * degree - 1) % 3
    knots = np.tile(np.concatenate([[0.0], np.cumsum(steps)]) * 0.75 - 2, (X.shape[1], 1))
    n_splines = n_knots - 1 + (0 if beyond == "periodic" else degree)
    for width in (n_splines, n_splines - 1):
        given = X, knots, degree, n_splines, beyond, width, by_columns
        found, expected = kernels.spline_basis(*given), reference.spline_basis(*given)
        if expected is None:
            assert found is None
            continue
        assert found.dtype == X.dtype
        within = 1e-4 if X.dtype == np.float32 else 1e-9
        np.testing.assert_allclose(found, expected, rtol=within, atol=within)
    X[0, 0] = np.inf
    assert kernels.spline_basis(*given) is reference.spline_basis(*given) is None


OBJECTS = ["a", "b", "", None, float("nan"), np.float64("nan"), 1, 1.0, True, 2.5, b"a", (1, 2)]


@given(st.lists(st.sampled_from(OBJECTS), max_size=30))
def test_code_objects(values):
    given = np.empty(len(values), object)
    given[:] = values
    codes, distinct = kernels.code_objects(given)
    expected = reference.code_objects(given)
    assert codes.dtype == np.int64
    assert codes.tolist() == expected[0].tolist()
    assert all(a is b for a, b in zip(distinct, expected[1], strict=True))


def test_objects_without_a_hash():
    with pytest.raises(TypeError, match="unhashable"):
        kernels.code_objects(np.array([[], "a"], object))


@pytest.mark.parametrize("n", [4000, 100_000])
def test_quantiles_of_rows_against_the_middle_of_three(n):
    """Rows of which first, middle and last are among the least (Musser, 1997); also where m > 8 selects from all."""
    half, x = n // 2, np.empty(n)
    places = np.arange(1, half + 1)
    x[:half] = np.where(places % 2, places, half + places - 1)
    x[half:] = 2 * places
    for q in ([0.25, 0.5, 0.75], np.linspace(0, 1, 11)):
        for found, expected in zip(kernels.quantiles(x[:, None], q), reference.quantiles(x[:, None], q), strict=True):
            assert np.array_equal(found, expected)


@given(st.integers(0, 3000), st.integers(1, 5), st.sampled_from([2, 50, 2**32]), st.integers(0, 2**32))
def test_code_rows(n, width, top, seed):
    words = np.random.default_rng(seed).integers(0, top, (n, width), np.uint32)
    found, expected = kernels.code_rows(words), reference.code_rows(words)
    for a, b in zip(found, expected, strict=True):
        assert a.dtype == b.dtype
        assert a.tolist() == b.tolist()


def test_many_distinct_objects_and_columns_of_a_table():
    table = np.array([[f"{i % 5000}", i % 3] for i in range(20_000)], object)
    for j in range(2):
        codes, distinct = kernels.code_objects(table[:, j])
        assert [distinct[code] for code in codes.tolist()] == table[:, j].tolist()
        assert len(set(distinct)) == len(distinct) == (5000, 3)[j]
    codes, distinct = kernels.code_objects(np.empty(3, object))  # NULL inside, which is None
    assert (codes.tolist(), distinct) == ([0, 0, 0], [None])


@given(tables())
def test_by_rows(X):
    found = kernels.by_rows(np.asfortranarray(X))
    assert found.flags.c_contiguous
    assert found.dtype == X.dtype
    assert np.array_equal(found, reference.by_rows(np.asfortranarray(X)), equal_nan=True)


@given(tables(), st.booleans(), st.booleans())
def test_scaling_of_float32_by_numbers_of_float64(X, centred, scaled):
    X, random = X.astype(np.float32), np.random.default_rng(0)
    centre, scale = random.normal(size=X.shape[1]), random.random(X.shape[1]) + 0.1
    given = X, centre if centred else None, scale if scaled else None
    found, expected = kernels.standardise(*given), reference.standardise(*given)
    assert found.dtype == np.float32
    assert np.array_equal(found, expected, equal_nan=True)
    for low, high in ((-np.inf, np.inf), (-0.5, 0.75)):
        found, expected = (f.rescale(X, scale, centre, low, high) for f in (kernels, reference))
        assert np.array_equal(found, expected, equal_nan=True)
    X[0, 0] = np.inf
    assert kernels.standardise(X, centre, scale) is None
    assert kernels.rescale(X, scale, centre, 0.0, 1.0) is None


@pytest.mark.parametrize("kernel", ["add_looked", "code_texts", "code_views", "look_up", "put_looked"])
@given(seed=st.integers(0, 2**32 - 1))
def test_texts_of_arrow_are_those_of_the_definition(kernel, seed):
    case = getattr(cases, kernel)
    found, expected = (case(family, np.random.default_rng(seed)) for family in (kernels, reference))
    for a, b in zip(found, expected, strict=True) if type(found) is tuple else [(found, expected)]:
        assert type(a) is type(b)
        assert np.array_equal(a, b)


def test_many_distinct_texts():
    texts = [f"text number {i % 7000}" for i in range(30_000)]
    ends = np.cumsum([0, *map(len, texts)])
    codes, distinct = kernels.code_texts(np.frombuffer("".join(texts).encode(), np.uint8), ends, None)
    assert [distinct[code] for code in codes.tolist()] == texts


@pytest.mark.parametrize("n_distinct", [1, 40, 2_000])
@pytest.mark.parametrize("strange", [False, True])
def test_objects_that_are_equal_and_not_the_same(n_distinct, strange):
    random = np.random.default_rng(n_distinct)
    words = [f"word {i}" for i in random.integers(0, n_distinct, 4_000).tolist()]  # each an object of its own
    for i, value in enumerate([None, float("nan"), 1, 1.0, True, np.float64("nan"), None, "", float("nan")]):
        words[7 * i + 3] = value
    if strange:
        words[3_000:3_004] = [Fraction(1), Fraction(1, 2), 0.5, (1, "a")]
    column = np.empty((len(words), 2), object)
    column[:, 1] = words
    codes, distinct = kernels.code_objects(column[::-1, 1])
    expected_codes, expected = reference.code_objects(column[::-1, 1])
    np.testing.assert_array_equal(codes, expected_codes)
    assert repr(distinct) == repr(expected)


def test_rows_of_words_that_lie_apart():
    table = np.random.default_rng(0).integers(0, 3, (50, 7)).astype(np.uint32)[::-2, 2:5]
    for found, expected in zip(kernels.code_rows(table), reference.code_rows(table), strict=True):
        np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="side by side"):
        kernels.code_rows(table[:, ::2])
