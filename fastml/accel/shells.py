"""scikit-learn's classes with fastml's answers: subclasses that hand work to a model of fastml, their engine.

A shell is scikit-learn's estimator in all that can be seen: name, parameters, attributes, `isinstance`, pickles. Where
the engine refuses, scikit-learn's own method runs, and the ledger notes why.
"""

import functools
import types
from inspect import getattr_static
from typing import Any

import numpy as np
from sklearn.utils.metaestimators import available_if

from fastml.accel import ledger
from fastml.accel.faces import Faced, dressed
from fastml.accel.refusals import beyond, takes
from fastml.exchange.common import is_fitted
from fastml.exchange.families import module_of, row_of

__all__ = ["Shell", "shell_of"]

LEARNING = ("fit", "partial_fit", "fit_transform")
ANSWERING = (
    "predict", "predict_proba", "predict_log_proba", "predict_joint_log_proba", "decision_function", "transform",
    "kneighbors", "radius_neighbors", "kneighbors_graph", "radius_neighbors_graph", "apply", "decision_path",
)  # fmt: skip
# Attributes that are set at once where the whole of scikit-learn's state is made when it is first asked for.
AT_ONCE = ("n_features_in_", "feature_names_in_", "classes_", "outputs_2d_", "n_samples_fit_", "outlier_label_")
LATER = ("neighbors",)  # modules of the exchange: scikit-learn builds its tree anew
FREE = (  # public methods that no other one calls
    "predict", "score", "score_samples", "get_params", "set_params", "set_output", "get_feature_names_out",
    "inverse_transform", "get_metadata_routing",
)  # fmt: skip
METHODS = (types.FunctionType, property, staticmethod, classmethod)
ROWS = ("_fit_X", "_y", "_tree", "_fit_method")
ENGINE = "_engine"  # of a shell: a model of fastml, or None where scikit-learn serves; absent before the first question


def shell_of(own, original):
    """The class that has scikit-learn's `original` face and answers by fastml's class `own`."""
    space: dict = {"_how": row_of(original, "sklearn").how}
    for names, serve in ((LEARNING, learn), (ANSWERING, answer)):
        for name in names:
            if hasattr(own, name) and (method := getattr_static(original, name, None)) is not None:
                space[name] = served(name, method, serve)
    return dressed((Shell, original), original, own, space)


def served(name, method, serve):
    """The method of a shell: the engine's, or scikit-learn's `method`."""
    function = method.fn if hasattr(method, "fn") and hasattr(method, "check") else method
    if not callable(function):
        return method

    fits = takes(function)

    @functools.wraps(function)
    def call(self, *args, **options):
        if not fits(args, options):
            return function(self, *args, **options)
        return serve(self, name, function, args, options)

    return call if function is method else available_if(method.check)(call)


class Shell(Faced):
    """What every shell does; its class has `_own`, fastml's class, and `_original`, scikit-learn's."""

    def __setattr__(self, name, value):
        if self.__dict__.get(ENGINE) is not None:
            follow(self, name, value)
        object.__setattr__(self, name, value)

    def __delattr__(self, name):
        if self.__dict__.get(ENGINE) is not None:
            follow(self, name, None)
        object.__delattr__(self, name)

    def __getattr__(self, name):
        if name[:2] != "__" and complete(self) and name in self.__dict__:
            return self.__dict__[name]
        return object.__getattribute__(self, name)  # raises what it raised before: a property may have its own error

    def __sklearn_is_fitted__(self):
        return any(name.endswith("_") and name[:2] != "__" for name in self.__dict__)

    def __getstate__(self):
        complete(self)
        state: Any = super().__getstate__()
        return {name: value for name, value in state.items() if name != ENGINE}

    @property
    def shared_parameters(self):
        """As fastml's class says it to searches that share work; none for a class of the user's, which may do more."""
        if "_original" not in vars(type(self)) or not_here(self):
            return ()
        try:
            return tuple(getattr(engine_to_teach(self, "fit"), "shared_parameters", ()))
        except ValueError:
            return ()

    def shared_responses(self, *args):
        return engine_to_teach(self, "fit").shared_responses(*args)


def complete(shell):
    """Give a shell all attributes that scikit-learn's estimator would have; whether there were any to give."""
    engine = shell.__dict__.get(ENGINE)
    if engine is None or not shell.__dict__.pop("_incomplete", False):
        return False
    shell.__dict__.update(fitted_state(said(shell, engine)))
    return True


def follow(shell, name, value):
    """What an attribute that is set means for the engine: a parameter is its own; a result, that it is read anew."""
    if name[-1] == "_" or name in ROWS:
        complete(shell)
        del shell.__dict__[ENGINE]
    elif name in shell._own._get_param_names():
        setattr(shell.__dict__[ENGINE], name, value)


def said(shell, engine):
    """The engine in scikit-learn's terms."""
    return module_of(row_of(shell._own, "fastml")).say(engine, shell._original)


def fitted_state(twin):
    parameters = set(twin._get_param_names())
    return {name: value for name, value in vars(twin).items() if name not in parameters}


def learn(shell, name, original, args, options):
    """A method that learns: of a new engine, or of the one that is there where learning goes on."""
    what = f"{type(shell).__name__}.{name}"
    if args and not hasattr(args[0], "__len__") and hasattr(args[0], "__next__"):
        args = (list(args[0]), *args[1:])  # it may be read twice
    why = not_here(shell, name) or beyond(shell._how, args, options)
    before = shell.__dict__.get("random_state")
    drawn = before.get_state() if isinstance(before, np.random.RandomState) else None
    if not why:
        try:
            with ledger.timed(what, ledger.HERE):
                engine = engine_to_teach(shell, name)
                result = getattr(engine, name)(*args, **options)
                take(shell, engine)
            return shell if result is engine else result
        except Exception as error:
            why = reason(error)
            if drawn is not None:
                before.set_state(drawn)
    shell.__dict__.pop(ENGINE, None)
    shell.__dict__.pop("_incomplete", None)
    with ledger.timed(what, ledger.THERE, why):
        return original(shell, *args, **options)


def answer(shell, name, original, args, options):
    """A method that asks a fitted model."""
    what, why = f"{type(shell).__name__}.{name}", ""
    if "_original" not in vars(type(shell)) and (other := overridden(type(shell), name)):
        why = f"its class overrides {other}"
    why = why or beyond(shell._how, args, options)
    engine = None if why else engine_of(shell)
    if engine is not None:
        try:
            with ledger.timed(what, ledger.HERE):
                return getattr(engine, name)(*args, **options)
        except Exception as error:
            why = reason(error)
    with ledger.timed(what, ledger.THERE, why or "fitted by scikit-learn, and not to be said in fastml's terms"):
        return original(shell, *args, **options)


def take(shell, engine):
    """Put what an engine has learnt into its shell."""
    later = row_of(shell._own, "fastml").how in LATER
    found = (
        {n: getattr(engine, n) for n in AT_ONCE if hasattr(engine, n)} if later else fitted_state(said(shell, engine))
    )
    if "feature_names_in_" not in found:
        shell.__dict__.pop("feature_names_in_", None)
    if later:  # what an earlier fit has left
        for name in [name for name in shell.__dict__ if name in ROWS or (name[-1] == "_" and name[:2] != "__")]:
            del shell.__dict__[name]
    shell.__dict__.update(found)
    shell.__dict__[ENGINE] = engine
    if later:
        shell.__dict__["_incomplete"] = True


def engine_to_teach(shell, name):
    known = set(shell._own._get_param_names())
    parameters = {name: getattr(shell, name) for name in shell._original._get_param_names()}  # not a subclass's own
    if unknown := sorted(set(parameters) - known):
        raise ValueError(f"fastml has no parameter {unknown[0]}")
    goes_on = name == "partial_fit" or parameters.get("warm_start")
    if not goes_on or not is_fitted(shell):
        return shell._own(**parameters)
    engine = shell.__dict__.get(ENGINE) if name == "partial_fit" else engine_of(shell)
    if engine is None:
        raise ValueError("it goes on from what scikit-learn, or somebody else, has set")
    return engine.set_params(**parameters)


def engine_of(shell):
    """The engine that answers for a fitted shell, read from its attributes where it has none; None where none can."""
    if ENGINE not in shell.__dict__:
        shell.__dict__[ENGINE] = read(shell)
    engine = shell.__dict__[ENGINE]
    if engine is not None and "tree_" in shell.__dict__ and not same_nodes(shell, engine):
        engine = shell.__dict__[ENGINE] = read(shell)
    return engine


def read(shell):
    if array_api() or not is_fitted(shell):
        return None
    try:
        engine = module_of(row_of(shell._own, "fastml")).read(shell, shell._own)
    except Exception:  # whatever a foreign state leads to: scikit-learn can answer
        return None
    if "tree_" in shell.__dict__:
        engine._read_from = tuple(part.copy() for part in nodes_of(shell.tree_))
    return engine


def same_nodes(shell, engine):
    """Whether the nodes that people see, and may write into, are those that the engine has."""
    seen = nodes_of(shell.tree_)
    if not hasattr(engine, "_read_from"):
        engine._read_from = tuple(part.copy() for part in seen)
        return True
    return all(map(np.array_equal, seen, engine._read_from))


def nodes_of(tree):
    return tree.children_left, tree.threshold, tree.value


def not_here(shell, asked=""):
    """Why fastml cannot serve a shell that is asked for the method `asked`, or ""."""
    if "_original" not in vars(type(shell)) and (name := overridden(type(shell), asked)):
        return f"its class overrides {name}"
    if shell.__dict__.get("_skl_callbacks"):
        return "callbacks"
    if array_api():
        return "array_api_dispatch=True"
    return ""


def array_api():
    from sklearn import get_config

    return get_config()["array_api_dispatch"]


def overridden(cls, asked=""):
    """A name of scikit-learn's class that a subclass of a user has of its own, and that `asked` may call; or None."""
    at = next(i for i, base in enumerate(cls.__mro__) if "_original" in vars(base))
    for base in cls.__mro__[:at]:
        for name, value in vars(base).items():
            if name[:2] == "__" or name == asked or name in FREE or not isinstance(value, METHODS):
                continue
            apart = LEARNING if asked in ANSWERING else ANSWERING if asked != "fit_transform" else ()
            if name not in apart and hasattr(cls._original, name):
                return name
    return None


def reason(error):
    return f"{type(error).__name__}: {error}".split("\n")[0][:200]
