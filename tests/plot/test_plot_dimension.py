"""The picture of dimensionality has what concentration and a held-out accuracy say."""

import numpy as np
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
