"""Pipelines, column transformers and transformed targets: scikit-learn's, whose steps learn by fastml.

Once every step is a model of fastml, questions go to fastml's composition of these models, which takes short ways
from step to step. One step of another kind, or one that gives frames, and scikit-learn asks the steps one by one.
"""

from inspect import getattr_static
from weakref import WeakKeyDictionary

from sklearn import get_config
from sklearn.preprocessing import FunctionTransformer

from fastml.accel import ledger
from fastml.accel.faces import Faced, dressed
from fastml.accel.shells import ANSWERING, Shell, engine_of, overridden, reason, served

__all__ = ["composition_of"]

NONE = ("passthrough", "drop")
together_with: WeakKeyDictionary = WeakKeyDictionary()  # composition: fastml's models of its steps, and of all of them


def composition_of(own, original):
    """The class that has scikit-learn's `original` face and whose steps answer together, by fastml's class `own`."""
    space = {
        name: served(name, method, answer)
        for name in ANSWERING
        if hasattr(own, name) and (method := getattr_static(original, name, None)) is not None
    }
    return dressed((Composition, original), original, own, space)


class Composition(Faced):
    """What every composition does; its class has `_own`, fastml's class, and `_original`, scikit-learn's."""

    def __setattr__(self, name, value):
        together_with.pop(self, None)
        object.__setattr__(self, name, value)


def answer(model, name, original, args, options):
    """A method that asks the fitted steps."""
    what, why, engine = f"{type(model).__name__}.{name}", "", None
    if options or len(args) != 1:
        why = "parameters beside X"
    elif "_original" not in vars(type(model)) and (other := overridden(type(model), name)):
        why = f"its class overrides {other}"
    elif get_config()["transform_output"] != "default" or get_config()["array_api_dispatch"]:
        why = "scikit-learn's configuration"
    else:
        engine, why = together(model)
    if engine is not None:
        try:
            with ledger.timed(what, ledger.HERE):
                return getattr(engine, name)(*args)
        except Exception as error:
            why = reason(error)
    with ledger.timed(what, ledger.THERE, why):
        return original(model, *args, **options)


def together(model):
    """(fastml's composition of the models that answer for the steps, or None; why there is none)."""
    steps = []
    for part in parts_of(model):
        found, why = part_of(part)
        if why:
            together_with.pop(model, None)
            return None, why
        steps.append(found)
    kept = together_with.get(model)
    if kept is None or len(kept[0]) != len(steps) or not all(a is b for a, b in zip(kept[0], steps, strict=True)):
        kept = together_with[model] = steps, made(model, steps)
    return kept[1], "" if kept[1] is not None else "not fitted"


def parts_of(model):
    """The steps that answer, in order; empty before a fit."""
    if hasattr(model, "steps"):
        return [step for _, step in model.steps]
    if hasattr(model, "transformers"):
        return [step for _, step, _ in model.__dict__.get("transformers_", ())]
    return [model.__dict__.get("regressor_")]


def part_of(step):
    """(the model of fastml, or the step itself where nothing is asked; why there is none, or "")."""
    if step is None or (isinstance(step, str) and step in NONE):
        return step, ""
    if type(step) is FunctionTransformer and step.func is None and not wraps(step):
        return step, ""
    if wraps(step):
        return None, f"{type(step).__name__} gives frames"
    if "_original" in vars(type(step)):
        if isinstance(step, Composition):
            return together(step)
        if isinstance(step, Shell):
            found = engine_of(step)
            return found, "" if found is not None else f"{type(step).__name__} is scikit-learn's"
    return None, f"{type(step).__name__} is not fastml's"


def wraps(step):
    """Whether the step gives its results as frames."""
    return step.__dict__.get("_sklearn_output_config", {}).get("transform", "default") != "default"


def made(model, steps):
    """fastml's composition with the state of scikit-learn's and these steps; None where that is not fitted."""
    state = dict(vars(model))
    if "steps" in state:
        if not steps:
            return None
        state["steps"] = [(name, step) for (name, _), step in zip(model.steps, steps, strict=True)]
    elif "transformers_" in state:
        state["transformers_"] = [
            (name, step, columns) for (name, _, columns), step in zip(state["transformers_"], steps, strict=True)
        ]
    elif "regressor_" in state:
        state["regressor_"] = steps[0]
    else:
        return None
    own = object.__new__(model._own)
    own.__dict__.update(state)
    if "fold" in model._own._get_param_names():
        own.fold, own._made = True, {}
    return own
