"""What a class states of its state: the language of the tables in each family's schema.py, and the check.

A model file may come from anybody, and kernels follow the numbers in it. So `fastml.load` (and `save`) hold a state to
its class's table before anything is made of it: every key is known, has its kind, dtype and shape, indices lie inside
what they point into. A table maps keys to rules; a rule is a function (value, sizes) that raises ValueError. Names of
sizes, such as "d", are bound by the first rule that meets them and must agree afterwards.
"""

import importlib
import math
import re
from numbers import Integral, Real

import numpy as np
import scipy.sparse

from fastml._sklearn import InvalidParameterError, validate_parameter_constraints

__all__ = [
    "COMMON",
    "FLOAT",
    "anything",
    "array",
    "check_state",
    "csr",
    "each",
    "either",
    "flag",
    "labels",
    "may_lack",
    "model",
    "nothing",
    "number",
    "one_of",
    "row_of",
    "size",
    "struct",
    "text",
    "types",
    "whole",
]  # fmt: skip

FLOAT = ("f4", "f8")
OWN = re.compile(r"[a-z]\w*_")  # what a user hangs on a model: as results are called, and no word of the class
OF_SCIKIT_LEARN = ("_sklearn_output_config", "_metadata_request", "_stop_words_id")
FAMILIES = {"svm": "linear_model"}  # where the table of a module's classes stands
MOST = 2**62


class Lackable:
    def __init__(self, rule):
        self.rule = rule


def may_lack(rule):
    """Of a key that not every fitted model has."""
    return Lackable(rule)


def check_state(cls, state):
    """Hold the state of a model of that class to its table; ValueError names the key."""
    parameters = set(cls._get_param_names())
    for key in sorted(parameters - state.keys()):
        raise ValueError(f"{cls.__name__} lacks the parameter {key!r}")
    rules, also = table_of(cls)
    results = state.keys() - parameters
    for key in sorted(results - rules.keys()):
        if key not in OF_SCIKIT_LEARN and not (OWN.fullmatch(key) and not hasattr(cls, key)):
            raise ValueError(f"{cls.__name__} has no attribute {key!r}")
    if not results & rules.keys():
        if not rules and also is not None:
            also(state, {})
        return
    check_parameters(cls, {key: value for key, value in state.items() if key in parameters})
    sizes: dict = {}
    for key, rule in rules.items():
        if key in state:
            checked(key, rule.rule if isinstance(rule, Lackable) else rule, state[key], sizes)
        elif not isinstance(rule, Lackable):
            raise ValueError(f"{cls.__name__} lacks the attribute {key!r}")
    if also is not None:
        also(state, sizes)


def table_of(cls):
    """(rules by key, what is to be checked of several keys together) of a class."""
    family = cls.__module__.split(".")[1]
    schema = importlib.import_module(f"fastml.{FAMILIES.get(family, family)}.schema")
    return schema.SCHEMAS[cls.__name__], schema.ALSO.get(cls.__name__)


def check_parameters(cls, given):
    """A fitted model's parameters are such as `fit` takes."""
    constraints = {name: c for name, c in cls._parameter_constraints.items() if name in given}
    try:
        validate_parameter_constraints(constraints, given, caller_name=cls.__name__)
    except InvalidParameterError as error:
        raise ValueError(str(error)) from None


def checked(key, rule, value, sizes):
    try:
        rule(value, sizes)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"{key}: {error}") from None


# ------------------------------------------------------------------------------------------------ values


def anything(value, sizes):
    """A report or a history: nothing is computed from it."""


def nothing(value, sizes):
    """None."""
    if value is not None:
        raise ValueError(f"{kind_of(value)} instead of None")


def flag(value, sizes):
    """A bool."""
    if not isinstance(value, bool | np.bool_):
        raise ValueError(f"{kind_of(value)} instead of a bool")


def text(value, sizes):
    """A str."""
    if type(value) is not str:
        raise ValueError(f"{kind_of(value)} instead of a text")


def number(low=-math.inf, high=math.inf):
    """A real number, finite unless a bound is infinite and it is that."""

    def rule(value, sizes):
        if not isinstance(value, Real) or isinstance(value, bool | np.bool_):
            raise ValueError(f"{kind_of(value)} instead of a number")
        if not low <= value <= high:
            raise ValueError(f"{value} is not between {low} and {high}")

    return rule


def any_number(value, sizes):
    if not isinstance(value, Real):
        raise ValueError(f"{kind_of(value)} instead of a number")


def whole(low=0, high=MOST):
    """A whole number between two bounds, inclusive."""

    def rule(value, sizes):
        if not isinstance(value, Integral) or isinstance(value, bool):
            raise ValueError(f"{kind_of(value)} instead of a whole number")
        if not low <= value <= high:
            raise ValueError(f"{value} is not between {low} and {high}")

    return rule


def size(name, low=1):
    """A whole number that is the size of that name."""

    def rule(value, sizes):
        whole(low)(value, sizes)
        agree(name, int(value), sizes)

    return rule


def one_of(*options):
    """One of some values; a name of a size stands for it where it is known."""

    def rule(value, sizes):
        known = [sizes.get(option, option) if isinstance(option, str) else option for option in options]
        if not any(type(value) is type(option) and value == option for option in known):
            raise ValueError(f"{value!r:.60} is none of {known}")

    return rule


def types(*options):
    """One of some dtypes."""

    def rule(value, sizes):
        if np.dtype(value).str[1:] not in options:
            raise ValueError(f"{value!r:.60} is none of {', '.join(options)}")

    return rule


def either(*rules):
    """What one of the rules takes."""

    def rule(value, sizes):
        wrong = []
        for one in rules:
            tried = dict(sizes)
            try:
                one(value, tried)
            except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
                wrong.append(str(error))
            else:
                sizes.update(tried)
                return
        raise ValueError(" | ".join(wrong))

    return rule


def model(value, sizes):
    """An estimator of fastml, whose own state has been held to its own table."""
    from fastml.base import Estimator

    if not isinstance(value, Estimator):
        raise ValueError(f"{kind_of(value)} instead of an estimator")


# ------------------------------------------------------------------------------------------------ arrays


def array(kinds, *shape, low=None, high=None, below=None, finite=False):
    """An array of one of some dtypes ("f8"), of a shape of numbers and names of sizes ("d", "d+1", "*" for any).

    low, high: between which all values lie, bounds included | below: the name of a size, which no value reaches
    """
    kinds = (kinds,) if isinstance(kinds, str) else kinds

    def rule(value, sizes):
        if type(value) is not np.ndarray:
            raise ValueError(f"{kind_of(value)} instead of an array")
        if value.dtype.str[1:] not in kinds:
            raise ValueError(f"an array of {value.dtype} instead of {' or '.join(kinds)}")
        agree_shape(shape, value.shape, sizes)
        if not value.size:
            return
        if finite and not np.isfinite(value).all():
            raise ValueError("an array with values that are not finite")
        top = resolve(below, sizes) - 1 if below is not None else high
        if (low is not None and not (value >= low).all()) or (top is not None and not (value <= top).all()):
            raise ValueError(f"an array with values from {value.min()} to {value.max()}, outside {low} to {top}")

    return rule


def csr(kinds, *shape, finite=False):
    """A CSR matrix; that its indices are inside has been looked at where it was read."""
    kinds = (kinds,) if isinstance(kinds, str) else kinds

    def rule(value, sizes):
        if not isinstance(value, scipy.sparse.csr_array | scipy.sparse.csr_matrix):
            raise ValueError(f"{kind_of(value)} instead of a CSR matrix")
        if value.dtype.str[1:] not in kinds:
            raise ValueError(f"a matrix of {value.dtype} instead of {' or '.join(kinds)}")
        agree_shape(shape, value.shape, sizes)
        value.check_format(full_check=True)
        if finite and not np.isfinite(value.data).all():
            raise ValueError("a matrix with values that are not finite")

    return rule


def labels(name):
    """Distinct labels, as many as the size of that name."""

    def rule(value, sizes):
        if type(value) is not np.ndarray or value.ndim != 1 or value.dtype.kind not in "biufSUOMm":
            raise ValueError(f"{kind_of(value)} instead of labels")
        agree(name, len(value), sizes)
        if not len(value):
            raise ValueError("no labels")

    return rule


# ------------------------------------------------------------------------------------------------ several values


def each(rule, count="*", kind=list):
    """A list of `count` values that the rule takes; "*" in the rule's shapes is each time another size."""

    def check(values, sizes):
        if type(values) is not kind:
            raise ValueError(f"{kind_of(values)} instead of a {kind.__name__}")
        agree_shape((count,), (len(values),), sizes)
        for i, value in enumerate(values):
            checked(f"[{i}]", rule, value, sizes)

    return check


def row_of(*rules, kind=tuple):
    """A tuple of as many values as there are rules."""

    def check(values, sizes):
        if type(values) is not kind or len(values) != len(rules):
            raise ValueError(f"{kind_of(values)} instead of a {kind.__name__} of {len(rules)}")
        for i, (value, rule) in enumerate(zip(values, rules, strict=True)):
            checked(f"[{i}]", rule, value, sizes)

    return check


def struct(name, **rules):
    """A named tuple or dataclass of that name, each field by its rule."""

    def check(value, sizes):
        if type(value).__name__ != name or type(value).__module__.split(".")[0] not in ("fastml", "fastml_ext"):
            raise ValueError(f"{kind_of(value)} instead of a {name}")
        for field, rule in rules.items():
            checked(field, rule, getattr(value, field), sizes)

    return check


# ------------------------------------------------------------------------------------------------ sizes


def agree(name, found, sizes):
    if sizes.setdefault(name, found) != found:
        raise ValueError(f"{found} instead of {name} = {sizes[name]}")


def agree_shape(wanted, found, sizes):
    if len(wanted) != len(found):
        raise ValueError(f"shape {found} instead of {wanted}")
    for name, n in zip(wanted, found, strict=True):
        if name == "*":
            continue
        if isinstance(name, str) and name.isidentifier():
            agree(name, n, sizes)
        elif resolve(name, sizes) != n:
            raise ValueError(f"shape {found} instead of {wanted}, where {name} = {resolve(name, sizes)}")


def resolve(name, sizes):
    """The number that "d", "d+1" or a number stands for."""
    if isinstance(name, int):
        return name
    name, _, more = name.partition("+")
    return sizes[name] + int(more or 0)


def kind_of(value):
    return f"{type(value).__name__} of shape {value.shape}" if isinstance(value, np.ndarray) else f"{value!r:.60}"


def strings(value, sizes):
    if not all(type(name) is str for name in value.tolist()):
        raise ValueError("names that are no texts")


def names(value, sizes):
    array("O", "d")(value, sizes)
    strings(value, sizes)


COMMON = {  # what Estimator._check_fit notes of the rows
    "n_features_in_": size("d"),
    "feature_names_in_": may_lack(names),
    "_allow_nan": may_lack(flag),
    "_sparse": may_lack(one_of(False, True, "csr")),
    "_dtype": types(*FLOAT),
    "_fast_columns": one_of(-1, "d"),
}
