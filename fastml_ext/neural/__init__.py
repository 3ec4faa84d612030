"""Dense networks: outputs, gradients, and batches of training. Contract: reference."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "codes": ["ACTIVATIONS", "LOSSES", "SOLVERS", "Data", "Design", "Method", "State"],
        "dispatch": [
            "examine",
            "gradients",
            "mean_loss",
            "outputs",
            "r_squared",
            "share_right",
            "train",
            "update_ratios",
        ],
    },
)
