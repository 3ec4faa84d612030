"""Names that matplotlib would read as formulas, or hide, are drawn as they are."""

import numpy as np
import pandas as pd
import pytest

from fastml import plot
from fastml.neighbors import KNeighborsClassifier
from fastml.neural_network import MLPClassifier

plt = pytest.importorskip("matplotlib.pyplot")
NAMES = ["$\\frac{$", "_hidden", "$$", "a\x00b"]


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def texts(axes):
    axes.figure.canvas.draw()  # formulas are read here
    legend = axes.get_legend()
    return [text.get_text() for text in (legend.get_texts() if legend else [])]


def test_labels_and_columns():
    random = np.random.default_rng(0)
    X, y = pd.DataFrame(random.normal(size=(40, 2)), columns=NAMES[::2]), np.array(NAMES)[np.arange(40) % 4]
    model = KNeighborsClassifier(3).fit(X, y)
    assert len(texts(plot.decision_boundary(model, X, y))) == 4  # none is hidden
    plot.confusion_matrix(y, np.roll(y, 3)).figure.canvas.draw()
    for curve in (plot.roc, plot.precision_recall):
        assert texts(curve(np.arange(40) % 2, random.random(40), name="$\\frac{$ of $"))[0].startswith(
            r"\$\frac{\$ of \$"
        )


def test_networks():
    X = pd.DataFrame(np.random.default_rng(0).normal(size=(40, 4)), columns=NAMES)
    model = MLPClassifier((3,), max_iter=2, random_state=0)
    with pytest.warns(match="Maximum iterations"):
        model.fit(X, np.array(NAMES)[np.arange(40) % 4])
    plot.network(model).figure.canvas.draw()
