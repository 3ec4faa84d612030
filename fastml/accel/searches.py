"""Searches: scikit-learn's class and results, found by fastml's search, which shares work between candidates.

The candidates are the program's own models, so nothing is said in other terms afterwards. A model of which fastml has
no class is searched by scikit-learn.
"""

import functools
from inspect import getattr_static
from typing import Any

import numpy as np
import sklearn.model_selection

from fastml.accel import ledger
from fastml.accel.faces import Faced, dressed
from fastml.accel.shells import Shell, array_api, overridden, reason, served
from fastml.exchange.searches import OF_FASTML

__all__ = ["leading", "search_of"]


def search_of(own, original):
    """The class that has scikit-learn's `original` face and is fitted by fastml's class `own`."""
    space = {"fit": served("fit", getattr_static(original, "fit"), search)}
    return dressed((Faced, original), original, own, space)


def leading(estimator):
    """The model that answers for an estimator: of a pipeline the last step, and so on."""
    while getattr(estimator, "steps", None):
        estimator = estimator.steps[-1][1]
    return estimator


def search(shell, name, original, args, options):
    """Fit of a search."""
    what, why = f"{type(shell).__name__}.{name}", not_here(shell)
    before = shell.__dict__.get("random_state")
    drawn = before.get_state() if isinstance(before, np.random.RandomState) else None
    if not why:
        parameters: Any = {each: getattr(shell, each) for each in shell._original._get_param_names()}
        try:
            with ledger.timed(what, ledger.HERE):
                engine = shell._own(**parameters | {"verbose": 0})
                engine.__dict__.update(
                    {each: value for each, value in vars(shell).items() if each.startswith("_metadata_request")}
                )
                if shell.verbose:
                    engine._run_search = told(engine)
                engine.fit(*args, **options)
        except Exception as error:
            why = reason(error)
            if drawn is not None:
                before.set_state(drawn)
        else:
            take(shell, engine, parameters)
            return shell
    with ledger.timed(what, ledger.THERE, why):
        return original(shell, *args, **options)


def told(engine):
    """The engine's strategy, which prints what scikit-learn's search prints of its candidates."""

    @functools.wraps(engine._run_search)
    def call(evaluate, **options):
        def telling(candidates, **more):
            candidates, splits = list(candidates), fitted.n_splits_
            print(
                f"Fitting {splits} folds for each of {len(candidates)} candidates, totalling"
                f" {splits * len(candidates)} fits"
            )
            return evaluate(candidates, **more)

        fitted = evaluate.__self__.search  # which learns in the place of the engine
        return type(fitted)._run_search(fitted, telling, **options)

    return call


def take(shell, engine, parameters):
    """Put what was found into the shell."""
    found = {name: value for name, value in vars(engine).items() if name not in (*parameters, "_run_search")}
    for name in [name for name in vars(shell) if name[-1] == "_" and name[:2] != "__" and name not in found]:
        del shell.__dict__[name]
    found["_checked_cv_orig"] = twin_of(found["_checked_cv_orig"])
    kept = ("_checked_cv_orig", "_n_samples_orig") if "n_resources_" in found else ("_checked_cv_orig",)
    shell.__dict__.update({name: found[name] for name in found if name not in OF_FASTML or name in kept})


def twin_of(splitter):
    """scikit-learn's splitter in the place of fastml's."""
    if type(splitter).__module__.partition(".")[0] != "fastml":
        return splitter
    other = object.__new__(getattr(sklearn.model_selection, type(splitter).__name__))
    other.__dict__.update(vars(splitter))
    return other


def not_here(shell):
    if "_original" not in vars(type(shell)) and (name := overridden(type(shell), "fit")):
        return f"its class overrides {name}"
    if not isinstance(leading(shell.estimator), Shell):
        return f"{type(leading(shell.estimator)).__name__} is not fastml's"
    if shell.verbose > 1 or (shell.verbose and hasattr(shell, "min_resources")):
        return f"verbose={shell.verbose}"
    if shell.__dict__.get("_skl_callbacks"):
        return "callbacks"
    return "array_api_dispatch=True" if array_api() else ""
