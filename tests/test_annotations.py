"""Public functions and methods of the modules that mypy checks strictly say what they take and return."""

import importlib
import inspect
import pkgutil

import pytest

import fastml

# What the interface is made of; users call none of it.
INSIDE = {
    "base", "class_weight", "kinds", "markup", "memory", "plain", "progress", "schema", "sharing", "table", "training",
    "warning", "writing",
}  # fmt: skip
MODULES = [m.name for m in pkgutil.iter_modules(fastml.__path__) if not m.name.startswith("_") and m.name not in INSIDE]


def functions_of(thing):
    """The functions of ours that a public name brings: itself, or the methods of a class."""
    if not inspect.isclass(thing):
        yield inspect.unwrap(thing)
        return
    for base in thing.__mro__:
        for name, value in vars(base).items() if base.__module__.partition(".")[0] == "fastml" else ():
            method = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if inspect.isfunction(method) and (name in ("__init__", "__call__") or not name.startswith("_")):
                method = inspect.unwrap(method)
                if method.__module__.startswith("fastml.") and method.__module__ != "fastml.base":
                    yield method


@pytest.mark.parametrize("name", MODULES)
def test_public_functions_are_annotated(name):
    module, bare = importlib.import_module(f"fastml.{name}"), set()
    for public in module.__all__:
        thing = getattr(module, public)
        if not callable(thing) or thing.__module__.partition(".")[0] != "fastml":
            continue
        for function in functions_of(thing):
            if function.__code__.co_filename == "<string>":
                continue  # a dataclass's, annotated by its fields
            signature = inspect.signature(function)
            given = [p.annotation for p in signature.parameters.values() if p.name not in ("self", "cls")]
            if inspect.Signature.empty in [*given, signature.return_annotation]:
                bare.add(f"{function.__module__}.{function.__qualname__}")
    assert bare == set()
