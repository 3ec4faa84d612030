"""Decision boundaries show what the model answers, and the cells of one neighbour."""

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from sklearn.datasets import load_iris

from fastml.neighbors import KNeighborsClassifier
from fastml.plot import decision_boundary

X, y = load_iris(return_X_y=True)


def test_the_picture_is_what_the_model_answers():
    model = KNeighborsClassifier(15).fit(X[:, 2:], y)
    ax = decision_boundary(model, X[:, 2:], y, resolution=40)
    image = ax.images[0]
    left, right, bottom, top = image.get_extent()
    grid = np.stack(np.meshgrid(np.linspace(left, right, 40), np.linspace(bottom, top, 40)), axis=-1).reshape(-1, 2)
    shown = {tuple(color): label for color, label in zip(
        [c.get_facecolor()[0][:3].round(6) for c in ax.collections], model.classes_, strict=True)}  # fmt: skip
    colors = np.asarray(image.get_array()).reshape(-1, 3).round(6)
    assert [shown[tuple(color)] for color in colors] == model.predict(grid).tolist()


def test_one_neighbour_in_two_columns_has_cells():
    def cells(ax):
        return [c for c in ax.collections if isinstance(c, LineCollection)]

    one = KNeighborsClassifier(1).fit(X[:, 2:], y)
    assert cells(decision_boundary(one, X[:, 2:], y, resolution=20))
    assert not cells(decision_boundary(one.set_params(n_neighbors=2), X[:, 2:], y, resolution=20))
    wide = KNeighborsClassifier(1).fit(X, y)
    assert not cells(decision_boundary(wide, X, y, features=(2, 3), resolution=20))
    line = np.arange(6.0)[:, None] * [1.0, 1.0]  # no Voronoi diagram: all points on one line
    assert not cells(decision_boundary(KNeighborsClassifier(1).fit(line, [0, 0, 0, 1, 1, 1]), line, resolution=20))


@pytest.mark.parametrize(
    ("columns", "features", "words"),
    [(slice(2, 3), (0, 1), "two columns"), (slice(2, 4), (0, 0), "features"), (slice(2, 4), (0, 2), "from 0 to 1")],
)
def test_bad_input_is_named(columns, features, words):
    model = KNeighborsClassifier().fit(X[:, columns], y)
    with pytest.raises(ValueError, match=words):
        decision_boundary(model, X[:, columns], y, features=features)
