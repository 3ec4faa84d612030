"""Votes and averages against their definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext import neighbors as kernels
from fastml_ext.neighbors import reference

EACH = np.empty(0)
threads = st.sampled_from([1, 2, None])


@st.composite
def elections(draw, empty=True):
    """(starts, indices, weights): up to six queries with up to seven of nine neighbours; some without any."""
    m = draw(st.integers(1, 6))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    starts = np.concatenate([[0], np.cumsum(random.integers(0 if empty else 1, 8, m))])
    indices = random.integers(0, 9, starts[-1])
    weights = EACH
    if draw(st.booleans()):
        weights = random.integers(0, 3, starts[-1]).astype(float)  # many ties, and votes that count nothing
    return starts, indices, weights


codes = st.integers(1, 4).flatmap(
    lambda n_classes: st.tuples(
        st.lists(st.integers(0, n_classes - 1), min_size=9, max_size=9).map(np.array), st.just(n_classes)
    )
)


@given(elections(), codes, threads)
def test_votes(election, labels, n_jobs):
    assert np.array_equal(kernels.vote(*election, *labels, n_jobs=n_jobs), reference.vote(*election, *labels))
    shares = kernels.vote_shares(*election, *labels, n_jobs=n_jobs)
    assert np.array_equal(shares, reference.vote_shares(*election, *labels))


@given(elections(), st.sampled_from([1, 2.0**-1030, 2.0**600]), st.sampled_from([np.float32, np.float64]), threads)
def test_inverse_distances(election, scale, dtype, n_jobs):
    """At a distance of 0 only those count; tiny distances give no infinity; float32 is inverted in float64."""
    starts, indices, _ = election
    distances = (indices * (1.0 if dtype == np.float32 else scale)).astype(dtype)
    votes = kernels.inverse_distances(starts, distances, n_jobs=n_jobs)
    np.testing.assert_array_equal(votes, reference.inverse_distances(starts, distances))
    assert np.isfinite(votes).all()


@given(st.integers(1, 6), st.integers(1, 8), codes, st.booleans(), st.integers(0, 2**32 - 1), threads)
def test_vote_path(m, k, labels, weighted, seed, n_jobs):
    random = np.random.default_rng(seed)
    indices = random.integers(0, 9, (m, k))
    weights = random.integers(0, 3, (m, k)).astype(float) if weighted else np.empty((0, 0))
    numbers = np.sort(random.integers(1, k + 1, 4))
    path = kernels.vote_path(indices, weights, *labels, numbers, n_jobs=n_jobs)
    assert np.array_equal(path, reference.vote_path(indices, weights, *labels, numbers))


@given(elections(), st.integers(1, 3), threads)
def test_averages(election, n_outputs, n_jobs):
    targets = np.random.default_rng(n_outputs).normal(size=(9, n_outputs))
    with np.errstate(invalid="ignore"):
        means = kernels.average(*election, targets, n_jobs=n_jobs)
    assert np.allclose(means, reference.average(*election, targets), rtol=1e-12, atol=1e-12, equal_nan=True)


@given(st.integers(1, 5), st.integers(1, 7), st.sampled_from([1, 2, 5]), st.booleans(), st.integers(0, 2**32 - 1))
def test_copies(m, wide, k, alone, seed):
    random = np.random.default_rng(seed)
    indices = np.array([random.permutation(9)[:wide] for _ in range(m)])
    copies = random.integers(0, 8, 9) / 2
    itself = indices[:, 0].copy() if alone else np.empty(0, np.int64)
    taken = kernels.take_copies(indices, copies, k, itself)
    assert np.array_equal(taken, reference.take_copies(indices, copies, k, itself))
    there = copies[indices].sum(axis=1) - (np.minimum(copies[itself], 1) if alone else 0)
    assert np.allclose(taken.sum(axis=1), np.minimum(k, there))


def test_the_lowest_class_wins_a_tie():
    starts, indices, labels = np.array([0, 4]), np.arange(4), np.array([2, 1, 2, 1])
    assert kernels.vote(starts, indices, EACH, labels, 3).tolist() == [1]
    assert kernels.vote(starts, indices, np.array([1.0, 0.5, 1.0, 1.0]), labels, 3).tolist() == [2]


def test_nobody_votes():
    starts, indices, labels = np.array([0, 0]), np.empty(0, np.int64), np.array([0, 1])
    assert kernels.vote(starts, indices, EACH, labels, 2).tolist() == [-1]
    assert kernels.vote_shares(starts, indices, EACH, labels, 2).tolist() == [[0, 0]]
    assert np.isnan(kernels.average(starts, indices, EACH, np.ones((2, 1)))).all()


def test_the_weights_make_up_k_in_part_from_the_last():
    taken = kernels.take_copies(np.array([[0, 1, 2]]), np.array([2.0, 0.0, 9.0]), 5, np.empty(0, np.int64))
    assert taken.tolist() == [[2, 0, 3]]


@pytest.mark.parametrize("n_jobs", [1, 3])
def test_many_queries_are_spread_over_threads(n_jobs):
    random = np.random.default_rng(0)
    indices, labels = random.integers(0, 1000, (20_000, 5)), random.integers(0, 7, 1000)
    starts = np.arange(20_001) * 5
    winners = kernels.vote(starts, indices.ravel(), EACH, labels, 7, n_jobs=n_jobs)
    counts = np.zeros((20_000, 7), int)
    np.add.at(counts, (np.arange(20_000)[:, None], labels[indices]), 1)
    assert np.array_equal(winners, counts.argmax(axis=1))
