"""A plugin of pytest: scikit-learn's tests get fastml's names, and say whether they ran its code, and how they ended.

Loaded by tests/dropin/__main__.py. DROPIN_OUT: the file of results, a line a test: outcome, reached, id, message.
DROPIN_SWAP: "swap" for fastml's names, "accel" for fastml.accel, "alone" for neither. DROPIN_FAMILY: of scikit-learn's
tests of all estimators and of all functions, those of this family run.
"""

import functools
import importlib
import inspect
import json
import os

import pytest
from known import family_of

from fastml import accel
from fastml.accel import ledger, names

reached = False
OF_ALL = ("sklearn/tests/test_common.py", "sklearn/tests/test_public_functions.py")


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

    __new__.__signature__ = inspect.signature(cls.__init__)  # what asks for the class' signature gets this one
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


@functools.cache
def twins():
    """{class of scikit-learn: fastml's}."""
    found = {}
    for family in names.FAMILIES:
        theirs = vars(importlib.import_module(f"sklearn.{family}"))
        found |= {theirs[name]: table(family)[name] for name in names.own(family) if isinstance(theirs[name], type)}
    return found


def draw_twins():
    """Let scikit-learn's tests of all estimators draw fastml's classes, with what is said there of scikit-learn's."""
    import sklearn.experimental.enable_halving_search_cv
    import sklearn.experimental.enable_iterative_imputer  # noqa: F401

    made = importlib.import_module("sklearn.utils._test_common.instance_generator")
    every, ours = made.all_estimators, {*twins().values()}

    def all_estimators(type_filter=None):
        """Of fastml; some are found as such, for it is `inspect` that looks into the modules."""
        found = ((name, twins().get(cls, cls)) for name, cls in every(type_filter=type_filter))
        return [(name, cls) for name, cls in found if cls in ours]

    made.all_estimators = all_estimators
    for said in (made.INIT_PARAMS, made.PER_ESTIMATOR_CHECK_PARAMS, made.PER_ESTIMATOR_XFAIL_CHECKS):
        said.update({twins()[cls]: of_ours(value) for cls, value in said.items() if cls in twins()})


def of_ours(value):
    """Parameters whose estimators are fastml's where it has the class."""
    if type(value) in twins():
        return twins()[type(value)](**of_ours(value.get_params(deep=False)))
    if isinstance(value, dict):
        return {name: of_ours(part) for name, part in value.items()}
    return type(value)(map(of_ours, value)) if type(value) in (list, tuple) else value


def pytest_collection_modifyitems(config, items):
    family = os.environ.get("DROPIN_FAMILY")
    other = [item for item in items if item.nodeid.startswith(OF_ALL) and family_of(item.nodeid) != family]
    if other:
        items[:] = [item for item in items if item not in {*other}]
        config.hook.pytest_deselected(items=other)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_protocol(item, nextitem):
    global reached
    reached = False
    ledger.clear()
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
            "reached": reached or bool(accel.report().calls),
            "error": error,
            "text": message,
        }
        with open(os.environ["DROPIN_OUT"], "a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")


if os.environ["DROPIN_SWAP"] == "swap":
    names.swap(find, insider)
    if os.environ["DROPIN_FAMILY"] in names.FAMILIES:
        draw_twins()
elif os.environ["DROPIN_SWAP"] == "accel":
    accel.install()
