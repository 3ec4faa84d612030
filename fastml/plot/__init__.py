"""Pictures by matplotlib, `pip install "fastml-learn[plot]"`: each function returns the axes it drew on."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "dimension": ["dimensionality"],
        "learning": ["function", "lifted", "training"],
        "linear": ["descent", "mistakes"],
        "metrics": ["confusion_matrix", "learning_curve", "precision_recall", "roc", "validation_curve"],
        "neighbors": ["decision_boundary"],
        "neural_network": ["network"],
    },
)
