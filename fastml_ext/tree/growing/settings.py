"""The rules of growing."""

from typing import NamedTuple

from fastml_ext.tree.enums import Criterion

__all__ = ["CRITERIA", "Settings"]

CRITERIA = {
    "gini": Criterion.GINI, "entropy": Criterion.ENTROPY, "log_loss": Criterion.ENTROPY,
    "gain_ratio": Criterion.ENTROPY, "squared_error": Criterion.SQUARED_ERROR,
    "friedman_mse": Criterion.SQUARED_ERROR, "poisson": Criterion.POISSON, "absolute_error": Criterion.ABSOLUTE_ERROR,
}  # fmt: skip


class Settings(NamedTuple):
    """The rules of growing, as scikit-learn's parameters of these names, with fractions made numbers."""

    criterion: str = "gini"
    n_classes: int = 2  # 0 in regression
    random: bool = False  # one threshold drawn for each column
    max_depth: int = 2**62
    min_samples_split: int = 2
    min_samples_leaf: int = 1
    min_weight_leaf: float = 0.0
    max_features: int = 0  # 0: all
    min_impurity_decrease: float = 0.0
    max_leaf_nodes: int = 0  # 0: any number
    fractional: bool = False  # a row whose value is missing goes down every branch, with a share of its weight
    seed: int = 0
    whole: int = 0  # rows of the tree of which this is a subtree, each of weight 1; 0 where it is no subtree
