"""scikit-learn's tree of the same nodes: its own functions write and draw it, to the letter what they always wrote."""

from fastml.tree.view import plain

__all__ = ["counterpart", "plain_names"]

DEEP = 300  # levels: scikit-learn's functions call themselves once a level, or more often


def counterpart(decision_tree):
    """The fitted tree as one of scikit-learn's, to be read; None where it has no words for a part of it, or no tree.

    That is where columns hold categories, values were missing (it would not say where they go), or there are very many
    levels. Thresholds are as they were found, for whoever reads them; fastml.to_sklearn moves them for predictions.
    """
    if not hasattr(decision_tree, "tree_"):
        return None
    own = hasattr(decision_tree, "columns_")
    if own and any(column.split != "numeric" or column.missing for column in decision_tree.columns_):
        return None
    if decision_tree.tree_.max_depth > DEEP:
        return None
    return twin_of(decision_tree) if own else decision_tree


def twin_of(model):
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    from fastml.exchange.trees import tree_of

    tree = model.tree_
    other = (DecisionTreeClassifier if hasattr(model, "classes_") else DecisionTreeRegressor)()
    other.criterion, other.n_outputs_, other.n_features_in_ = model.criterion, tree.n_outputs, tree.n_features
    counts = getattr(model, "n_classes_", [tree.value.shape[2]] * tree.n_outputs)
    if hasattr(model, "classes_"):
        other.classes_, other.n_classes_ = model.classes_, counts
    other.tree_ = tree_of(tree, counts, tree.threshold)
    return other


def plain_names(names, escape=plain):
    """Names as scikit-learn's functions take them, on one line each; None, True and False as they are."""
    return names if names is None or isinstance(names, bool) else [escape(name) for name in names]
