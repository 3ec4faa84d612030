"""Trees behind scalers, imputers and selectors: the moved thresholds answer to the bit as the steps do."""

import numpy as np
import pytest
from effort import effort
from hypothesis import given
from hypothesis import strategies as st

from fastml.operations import Chosen, Divided, Filled, Multiplied
from fastml.tree import DecisionTreeClassifier, DecisionTreeRegressor
from fastml.tree.behind import largest_up_to, largest_within

DTYPES = [np.float32, np.float64]


def operations(random, d, dtype, kinds):
    """Operations on d columns, of sizes that differ by many powers of ten."""
    found = []
    for kind in kinds:
        a, b = random.normal(size=d) * 10.0 ** random.integers(-6, 7, d), 10.0 ** random.integers(-6, 7, d)
        a, b = a.astype(dtype), (b * random.uniform(1, 2, d)).astype(dtype)
        if kind == "chosen":
            places = np.sort(random.choice(d, max(1, d // 2), replace=False))
            found.append(Chosen(places))
            d = len(places)
        else:
            found.append(
                {
                    "divided": Divided(a, b),
                    "centred": Divided(a, None),
                    "scaled": Divided(None, b),
                    "multiplied": Multiplied(b, a, -np.inf, np.inf),
                    "clipped": Multiplied(b, a, -1.0, 2.0),
                    "filled": Filled(a),
                }[kind]
            )
    return found, d


NAMES = ["divided", "centred", "scaled", "multiplied", "clipped", "filled", "chosen"]
KINDS = st.lists(st.sampled_from(NAMES), min_size=1, max_size=3)


@given(KINDS, st.sampled_from(DTYPES), st.integers(0, 2**32))
def test_the_largest_number_that_becomes_a_threshold_at_most(kinds, dtype, seed):
    random = np.random.default_rng(seed)
    steps, d = operations(random, 5, dtype, kinds)
    m = 30
    at = random.integers(0, d, m)
    places = [at]
    for step in reversed(steps):
        places.insert(0, step.source(places[0]))

    def become(x):
        with np.errstate(all="ignore"):
            for step, columns in zip(steps, places, strict=False):
                x = step.of_values(x, columns)
        return x

    own = (random.normal(size=m) * 10.0 ** random.integers(-20, 20, m)).astype(dtype)
    thresholds = random.choice([become(own), own, np.full(m, np.inf, dtype), np.full(m, -np.inf, dtype)])
    thresholds[:3] = 0, np.finfo(dtype).max, np.finfo(dtype).min
    with np.errstate(all="ignore"):
        found = largest_up_to(steps, places, thresholds)
        above = np.nextafter(found, dtype(np.inf))
    assert found.dtype == dtype
    is_number = np.isfinite(found)
    assert (become(found)[is_number] <= thresholds[is_number]).all()
    is_number = np.isfinite(above)
    assert not (become(above)[is_number] <= thresholds[is_number]).any()


@given(KINDS, st.sampled_from(DTYPES), st.integers(0, 2**32))
def test_the_limit_up_to_which_numbers_stay_finite(kinds, dtype, seed):
    steps, _ = operations(np.random.default_rng(seed), 5, dtype, kinds)
    with np.errstate(all="ignore"):
        limit = largest_within(steps, np.dtype(dtype), 5)
    finite = []
    for table in (np.full((2, 5), limit), np.full((2, 5), -limit)):
        with np.errstate(all="ignore"):
            for step in steps:
                table = None if table is None else step.of_table(np.ascontiguousarray(table, dtype))
        finite.append(table is not None and bool(np.isfinite(table).all()))
    assert finite == [True, True]


@effort(0.3)
@given(KINDS, st.sampled_from(DTYPES), st.booleans(), st.integers(0, 2**32))
def test_answers_are_equal_to_the_bit(kinds, dtype, missing, seed):
    random = np.random.default_rng(seed)
    steps, _ = operations(random, 4, dtype, kinds)
    X = (random.normal(size=(3000, 4)) * 10.0 ** random.integers(-3, 4, 4)).astype(dtype)
    if missing and "filled" in kinds:
        X[random.random(X.shape) < 0.1] = np.nan
    Z = X
    with np.errstate(all="ignore"):
        for step in steps:
            Z = step.of_table(Z) if type(step) is not Chosen else np.ascontiguousarray(Z[:, step.places])
    y = random.integers(0, 3, len(X))
    for model in (DecisionTreeClassifier(max_leaf_nodes=20), DecisionTreeRegressor(max_depth=3)):
        model.fit(Z[:500], y[:500])
        for method in ("predict", "predict_proba", "predict_log_proba"):
            if hasattr(model, method):
                found = model._answers_behind(method, steps, X)
                assert found is not None or (np.isnan(X).any() and np.isnan(Z).any())
                assert found is None or np.array_equal(found, getattr(model, method)(Z))


def test_numbers_that_the_steps_make_infinite_are_for_the_steps_to_refuse():
    random = np.random.default_rng(0)
    X = random.normal(size=(2000, 2))
    step = Divided(None, np.array([1e-3, 1.0]))
    model = DecisionTreeClassifier(max_depth=2).fit(step.of_table(X), X[:, 0] > 0)
    assert model._answers_behind("predict", [step], X) is not None
    for value in (1e307, -1.5e308, np.inf, np.nan):
        X[7, 0] = value
        assert model._answers_behind("predict", [step], X) is None


def test_steps_that_turn_the_order_round_are_not_moved():
    X = np.random.default_rng(0).normal(size=(2000, 2))
    model = DecisionTreeClassifier(max_depth=2).fit(-X, X[:, 0] > 0)
    for step in (Divided(None, np.array([1.0, -1.0])), Multiplied(np.array([1.0, 0.0]), np.zeros(2), -np.inf, np.inf)):
        assert model._answers_behind("predict", [step], X) is None


@pytest.mark.parametrize("dtype", DTYPES)
def test_what_is_written_into_a_step_counts_at_once(dtype):
    X = np.random.default_rng(0).normal(size=(2000, 2)).astype(dtype)
    step = Divided(np.zeros(2, dtype), np.ones(2, dtype))
    model = DecisionTreeClassifier(max_depth=3).fit(X, X[:, 0] > 0.5)
    assert np.array_equal(model._answers_behind("predict", [step], X), model.predict(X))
    step.centre[0] = 0.7
    assert np.array_equal(model._answers_behind("predict", [step], X), model.predict(step.of_table(X)))
