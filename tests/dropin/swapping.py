"""A plugin of pytest: scikit-learn's tests get fastml's names, and say whether they ran its code, and how they ended.

Loaded by tests/dropin/__main__.py. DROPIN_OUT: the file of results, a line a test: outcome, reached, id, message.
"""

import functools
import importlib
import json
import os

import pytest

from fastml import accel
from fastml.accel import names

reached = False


def counted(function):
    """The function, which notes that it was called; a twin of the same face."""

    @functools.wraps(function)
    def call(*args, **options):
        global reached
        reached = True
        return function(*args, **options)

    return call


def counting(cls):
    """The class, which notes where an instance is made or fitted."""

    def __new__(cls, *args, **options):
        global reached
        reached = True
        return object.__new__(cls)

    cls.__new__ = __new__
    for name in ("fit", "partial_fit", "fit_transform"):
        if name in vars(cls) and callable(vars(cls)[name]):
            setattr(cls, name, counted(vars(cls)[name]))
    return cls


@functools.cache
def table(family):
    found, theirs = {}, vars(importlib.import_module(f"sklearn.{family}"))
    ours = {name: getattr(importlib.import_module(f"fastml.{family}"), name) for name in theirs["__all__"]}
    adapted = {name: thing for name, thing in ours.items() if thing is not theirs.get(name, thing)}
    for name, thing in {**adapted, **names.own(family)}.items():
        made_by_new = isinstance(thing, type) and thing.__new__ is not object.__new__
        found[name] = thing if made_by_new else counting(thing) if isinstance(thing, type) else counted(thing)
    return found


def find(family, name, original):
    return table(family).get(name, original)


def insider(module):
    return names.inside(module) and ".tests." not in f"{module}."


if os.environ.get("DROPIN_SWAP") == "1":
    names.swap(find, insider)
elif os.environ.get("DROPIN_SWAP") == "accel":
    names.swap(accel.find, insider)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item, nextitem):
    global reached
    reached = False
    yield


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    if report.when == "call" or report.outcome != "passed":
        message = "" if report.passed else str(report.longrepr)[-4000:]
        error = f"{type(call.excinfo.value).__name__}: {call.excinfo.value}"[:400] if call.excinfo else ""
        state = "xfailed" if hasattr(report, "wasxfail") else report.outcome
        line = {
            "id": item.nodeid,
            "state": state,
            "when": report.when,
            "reached": reached,
            "error": error,
            "text": message,
        }
        with open(os.environ["DROPIN_OUT"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
