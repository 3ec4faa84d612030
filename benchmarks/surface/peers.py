"""Libraries beside scikit-learn that can do a family's work: what each calls it, with the same settings."""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from fastml_ext import pool

__all__ = ["PEERS", "makers"]


@dataclass(frozen=True)
class Peer:
    """A class of another library; `settings` says the problem's settings in its words."""

    library: str
    module: str
    name: str
    settings: Callable[[dict[str, Any]], dict[str, Any]]

    def maker(self, problem, fixed):
        """A constructor with the problem's settings, or None where the library is not installed."""
        try:
            cls = getattr(importlib.import_module(self.module), self.name)
        except ImportError:
            return None
        given = self.settings(fixed | problem.settings)
        return lambda: cls(**given)


def intel(module, name):
    return Peer("scikit-learn-intelex", f"sklearnex.{module}", name, lambda given: given | {"n_jobs": pool.cpu_limit()})


def snap(name, translate):
    return Peer("Snap ML", "snapml", name, lambda given: translate(given) | {"n_jobs": pool.cpu_limit()})


def histograms(given):
    """Snap ML's trees as it grows them by default, and with the settings that it has."""
    renamed = {"max_depth": given.get("max_depth"), "random_state": 0}
    return renamed | ({"criterion": given["criterion"]} if given.get("criterion") == "gini" else {})


def regularized(given):
    """C, or alpha, in Snap ML's words: the weight of the penalty beside a plain sum of losses."""
    weight = given["alpha"] if "alpha" in given else 1 / given["C"]
    return {"regularizer": weight, "fit_intercept": True, "random_state": 0}


PEERS = {
    "LinearRegression": [intel("linear_model", "LinearRegression")],
    "Ridge": [intel("linear_model", "Ridge"), snap("LinearRegression", regularized)],
    "LogisticRegression": [intel("linear_model", "LogisticRegression"), snap("LogisticRegression", regularized)],
    "LinearSVC": [snap("SupportVectorMachine", regularized)],
    "KNeighborsClassifier": [intel("neighbors", "KNeighborsClassifier")],
    "KNeighborsRegressor": [intel("neighbors", "KNeighborsRegressor")],
    "DecisionTreeClassifier": [snap("DecisionTreeClassifier", histograms)],
    "DecisionTreeRegressor": [snap("DecisionTreeRegressor", histograms)],
}


def makers(problem, fixed):
    """{library: constructor} of the libraries beside scikit-learn that do this family's work and are installed."""
    found = {peer.library: peer.maker(problem, fixed) for peer in PEERS.get(problem.family, [])}
    return {library: make for library, make in found.items() if make is not None}
