"""Nearest neighbours: searches, and the classifiers and regressors that ask them.

metrics.py          which distance is meant, and which algorithm can serve it
searches.py         the algorithms behind one interface: nearest(), within()
base.py             the parameters of a search, and its fit
given.py            what fit gets in place of rows: fitted searches, trees, distances
queries.py          kneighbors, radius_neighbors, graphs
unsupervised.py  classification.py  regression.py  tree.py  graph.py
"""

from fastml.base import hand_through
from fastml.neighbors.classification import KNeighborsClassifier, RadiusNeighborsClassifier
from fastml.neighbors.graph import kneighbors_graph, radius_neighbors_graph
from fastml.neighbors.regression import KNeighborsRegressor, RadiusNeighborsRegressor
from fastml.neighbors.tree import KDTree
from fastml.neighbors.unsupervised import NearestNeighbors

__all__ = [
    "KDTree",
    "KNeighborsClassifier",
    "KNeighborsRegressor",
    "NearestNeighbors",
    "RadiusNeighborsClassifier",
    "RadiusNeighborsRegressor",
    "kneighbors_graph",
    "radius_neighbors_graph",
]

__getattr__, __dir__ = hand_through(__name__, "sklearn.neighbors")
