"""The picture of dimensionality has what concentration and a held-out accuracy say."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from fastml.neighbors import concentration
from fastml.plot import dimensionality

X, y = load_digits(return_X_y=True)


def test_the_picture_is_what_is_found():
    ax = dimensionality(X, y, max_samples=400)
    found = concentration(X, max_samples=400)
    assert np.array_equal(ax.lines[0].get_xdata(), found.columns)
    assert np.array_equal(ax.lines[0].get_ydata(), found.contrast)
    (right,) = [other for other in ax.figure.axes if other is not ax]
    accuracy = right.lines[0].get_ydata()
    assert accuracy.max() > 0.9 > accuracy[0]
    assert len(dimensionality(X, max_samples=200).figure.axes) == 1


def test_few_rows_and_rows_that_repeat():
    random = np.random.default_rng(0)
    for X in (random.random((4, 30)), np.repeat(random.random((5, 3)), 4, axis=0), random.random((9, 1))):
        ax = dimensionality(X)
        assert [tick.get_text() for tick in ax.get_xticklabels()] == [str(m) for m in concentration(X).columns]
    with pytest.raises(ValueError, match="too few rows that differ"):
        concentration([[0.0], [1.0], [1.0]])
