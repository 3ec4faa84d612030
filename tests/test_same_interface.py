"""Whatever fastml and scikit-learn have under one name has the same public face: attributes, parameters, defaults."""

import importlib
import inspect

import pytest

FAMILIES = (
    "compose", "decomposition", "discriminant_analysis", "feature_extraction", "feature_extraction.text",
    "feature_selection", "impute", "linear_model", "metrics", "model_selection", "naive_bayes", "neighbors",
    "neural_network", "pipeline", "preprocessing", "svm", "tree",
)  # fmt: skip
COMPILED = {"KDTree"}  # attributes of an instance, and a constructor without a signature


def pairs():
    for family in FAMILIES:
        ours, theirs = (importlib.import_module(f"{package}.{family}") for package in ("fastml", "sklearn"))
        for name in sorted(set(theirs.__all__) & set(dir(ours))):
            if getattr(ours, name) is not getattr(theirs, name) and name not in COMPILED:
                yield pytest.param(getattr(ours, name), getattr(theirs, name), id=f"{family}.{name}")


def parameters(function):
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # compiled
        return {}


def same_default(ours, theirs):
    return ours is theirs or ours == theirs or (callable(ours) and ours.__name__ == theirs.__name__)


def compare(ours, theirs):
    given, wanted = parameters(ours), parameters(theirs)
    if not given or not wanted:
        return
    takes_any = any(each.kind == each.VAR_KEYWORD for each in given.values())
    assert takes_any or given.keys() >= wanted.keys(), wanted.keys() - given.keys()
    for name in given.keys() & wanted.keys():
        assert same_default(given[name].default, wanted[name].default), name
    places = [name for name, each in wanted.items() if each.kind == each.POSITIONAL_OR_KEYWORD]
    own = [name for name, each in given.items() if each.kind == each.POSITIONAL_OR_KEYWORD]
    assert takes_any or own[: len(places)] == places


@pytest.mark.parametrize(("ours", "theirs"), list(pairs()))
def test_public_face(ours, theirs):
    compare(ours, theirs)
    if not inspect.isclass(theirs):
        return
    public = {name for name in dir(theirs) if not name.startswith("_")}
    assert not public - set(dir(ours))
    for name in public:
        if inspect.isfunction(inspect.getattr_static(theirs, name)):
            compare(getattr(ours, name), getattr(theirs, name))
