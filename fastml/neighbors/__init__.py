"""Nearest neighbours: searches, and the classifiers and regressors that ask them.

classification.py  regression.py  unsupervised.py  tree.py  graph.py     what users call
search.py           the index that an estimator has, and the voters that it finds for queries
computed.py         indices over rows of distances
weights.py          what a vote counts
base.py             the parameters of a search, and its fit
queries.py          kneighbors, radius_neighbors, graphs
metrics.py          which distance is meant: a row of fastml_ext/neighbors/metrics.py
choice.py           which algorithm serves it
given.py            what fit gets in place of rows: fitted searches, trees, distances
flat.py             neighbours of many queries, as in CSR
units.py            numbers whose squares overflow or vanish
sharing.py          many settings from one search
schema.py           what a model file may hold
components.py       a projection that brings rows of one class together
dimension.py        how far distances concentrate
"""

from typing import TYPE_CHECKING

from fastml.base import hand_through

if TYPE_CHECKING:  # each is imported when it is first used
    from fastml.neighbors.classification import KNeighborsClassifier, RadiusNeighborsClassifier
    from fastml.neighbors.components import NeighborhoodComponentsAnalysis
    from fastml.neighbors.dimension import concentration
    from fastml.neighbors.graph import kneighbors_graph, radius_neighbors_graph
    from fastml.neighbors.regression import KNeighborsRegressor, RadiusNeighborsRegressor
    from fastml.neighbors.tree import KDTree
    from fastml.neighbors.unsupervised import NearestNeighbors

HOMES = {
    "classification": ["KNeighborsClassifier", "RadiusNeighborsClassifier"],
    "components": ["NeighborhoodComponentsAnalysis"],
    "dimension": ["concentration"],
    "graph": ["kneighbors_graph", "radius_neighbors_graph"],
    "regression": ["KNeighborsRegressor", "RadiusNeighborsRegressor"],
    "tree": ["KDTree"],
    "unsupervised": ["NearestNeighbors"],
}

__all__ = [
    "KDTree",
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "NearestNeighbors",
    "NeighborhoodComponentsAnalysis",
    "RadiusNeighborsClassifier",
    "RadiusNeighborsRegressor",
    "concentration",
    "kneighbors_graph",
    "radius_neighbors_graph",
]

__getattr__, __dir__ = hand_through(__name__, "sklearn.neighbors", HOMES)
