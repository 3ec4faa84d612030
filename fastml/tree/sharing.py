"""What trees share in a search: each fold is coded once, and one grown tree, cut back, answers for many settings."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from sklearn.base import clone

from fastml.sharing import NotShared, rows_of, separate_fit
from fastml.tree.columns import code
from fastml.tree.pruning import pessimistic_leaves, weakest_links
from fastml.tree.training import draws, read_training, settings_of
from fastml.tree.walking import responder
from fastml_ext import tree as kernels
from fastml_ext.tree.structure import LEAF, depths

__all__ = ["PARAMETERS", "shared_responses"]

METHODS = ("predict", "predict_proba", "predict_log_proba")


# A node's split depends on its rows alone. So a tree of less depth, or with a larger min_samples_split, is the tree
# grown with the loosest values, with some of its nodes made leaves, and ccp_alpha cuts back whatever was grown. A
# larger min_samples_leaf forbids splits and lets others take their place, and where max_leaf_nodes is set, nodes
# compete for leaves: such settings are grown by themselves, and share the coding of the columns.
PARAMETERS = ("max_depth", "min_samples_split", "min_samples_leaf", "ccp_alpha")


def shared_responses(self: Any, X: Any, y: Any, splits: Any, settings: Any, method: str) -> Iterator[Any]:
    """Responses of every setting for each split: what `predict`, `predict_proba` or `predict_log_proba` gives.

    A method of `fastml.sharing.SharesWork`.
    """
    if method not in METHODS or not hasattr(self, method):
        raise NotShared(f"trees share {', '.join(METHODS)}, but not {method}")
    models = [clone(self).set_params(**setting) for setting in settings]
    with separate_fit():
        for model in models:
            model._validate_params()
    y = np.asarray(y)
    for train, test in splits:
        grown = clone(self)
        with separate_fit():
            table, target, weight = read_training(grown, rows_of(X, train), y[train], None)
            limits = [settings_of(model, target, weight, grown) for model in models]
        if grown.n_outputs_ > 1 and method != "predict":
            raise NotShared(f"{method} of several outputs is not shared")
        if draws(grown) and not isinstance(self.random_state, int | np.integer):
            raise NotShared("what is drawn without a seed is not drawn twice: give random_state an integer")
        with separate_fit():
            columns, grown.columns_ = code(table, grown)
            asked = rows_of(X, test)
        responses: list = [None] * len(settings)
        for places in grown_together(limits):
            few = [limits[at] for at in places]
            grown._keep(kernels.grow(columns, target, weight, loosest(few), grown.n_jobs))
            found = cut_back(grown, asked, few, [models[at] for at in places], method)
            for at, response in zip(places, found, strict=True):
                responses[at] = response
        yield responses


def grown_together(limits):
    """Places of the settings that one grown tree serves."""
    groups: dict = {}
    for at, limit in enumerate(limits):
        key = limit.min_samples_leaf
        if limit.max_leaf_nodes:
            key = key, limit.max_depth, limit.min_samples_split
        groups.setdefault(key, []).append(at)
    return groups.values()


def loosest(limits):
    """The settings of growth that leave nothing out which any of them wants."""
    return limits[0]._replace(
        max_depth=max(limit.max_depth for limit in limits),
        min_samples_split=min(limit.min_samples_split for limit in limits),
    )


def cut_back(grown, X, limits, models, method):
    """The response of each setting to X, by the tree that was grown with the loosest."""
    tree, depth = grown.tree_, depths(grown.tree_)
    with separate_fit():
        respond = responder(grown, X, method)
    groups: dict = {}
    for at, limit in enumerate(limits):
        groups.setdefault((limit.max_depth, limit.min_samples_split), []).append(at)
    responses: list = [None] * len(limits)
    for (max_depth, min_samples_split), places in groups.items():
        small, kept = without(
            tree, np.arange(len(depth)), (depth >= max_depth) | (tree.n_node_samples < min_samples_split)
        )
        if grown.pruning == "pessimistic":
            small, kept = without(small, kept, pessimistic_leaves(small, grown.confidence))
        with separate_fit():
            alphas = weakest_links(small)[0] if any(models[at].ccp_alpha > 0 for at in places) else None
        answers: dict = {}
        for at in places:
            alpha = models[at].ccp_alpha
            if alpha not in answers:
                leaf = np.zeros(len(depth), bool)
                leaf[kept[(small.kind == LEAF) | (alphas <= alpha if alpha > 0 else False)]] = True
                with separate_fit():
                    answers[alpha] = respond(leaf)
            responses[at] = answers[alpha]
    return responses


def without(tree, kept, stop):
    """The tree with marked nodes made leaves, and which nodes of the first tree those that stay are."""
    stays = kernels.first_stop(tree, stop) == np.arange(tree.node_count)
    return kernels.truncate(tree, stop), kept[stays]
