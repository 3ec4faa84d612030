"""Votes against their definition."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fastml_ext.neighbors import reference, vote, vote_shares

NONE = np.empty((0, 0))


@st.composite
def elections(draw):
    m, k, n, n_classes = (draw(st.integers(1, most)) for most in (6, 7, 9, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    indices = random.integers(0, n, (m, k))
    codes = random.integers(0, n_classes, n)
    weights = NONE
    if draw(st.booleans()):
        weights = random.integers(0, 3, (m, k)).astype(float)  # many ties, and votes that count nothing
        weights[weights.sum(axis=1) == 0] = 1
    return indices, weights, codes, n_classes


@given(elections(), st.sampled_from([1, 2, None]))
def test_votes(election, n_jobs):
    assert np.array_equal(vote(*election, n_jobs=n_jobs), reference.vote(*election))
    shares = vote_shares(*election, n_jobs=n_jobs)
    assert np.array_equal(shares, reference.vote_shares(*election))


def test_the_lowest_class_wins_a_tie():
    indices, codes = np.array([[0, 1, 2, 3]]), np.array([2, 1, 2, 1])
    assert vote(indices, NONE, codes, 3).tolist() == [1]
    assert vote(indices, np.array([[1.0, 0.5, 1.0, 1.0]]), codes, 3).tolist() == [2]


def test_a_vote_that_counts_nothing_elects_nobody():
    indices, codes = np.array([[0, 1]]), np.array([0, 1])
    assert vote(indices, np.array([[0.0, 1e-300]]), codes, 2).tolist() == [1]
