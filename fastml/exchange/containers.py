"""Objects that hold models, however deep: rebuilt with other models in them."""

import io
import pickle
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import numpy as np
from scipy.sparse import issparse

from fastml.exchange.common import ExchangeError

__all__ = ["rebuilt"]

AS_IT_IS = (FunctionType, BuiltinFunctionType, MethodType, ModuleType, type, np.ufunc, np.dtype)
WALKERS = {"BaseForest", "BaseGradientBoosting", "IsolationForest"}  # walk down their trees without asking them


def rebuilt(container, convert):
    """(a copy of the container in which each part is what `convert` makes of it, how many were converted).

    convert : callable, None for what stays as it is. Parts held twice are one part held twice afterwards, too.
    """
    taking = Taking(container, convert)
    try:
        taking.dump(container)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise ExchangeError(f"{type(container).__name__} holds what cannot be copied: {error}") from error
    taking.file.seek(0)
    return Putting(taking.file, taking.kept).load(), taking.count


class Taking(pickle.Pickler):
    """Takes an object apart; what stays whole is kept aside."""

    def __init__(self, container, convert):
        self.file = io.BytesIO()
        super().__init__(self.file, pickle.HIGHEST_PROTOCOL)
        self.container, self.convert, self.kept, self.places, self.count = container, convert, [], {}, 0

    def persistent_id(self, part):
        if id(part) in self.places:
            return self.places[id(part)]
        numbers = issparse(part) or (isinstance(part, np.ndarray) and not part.dtype.hasobject)
        if numbers or isinstance(part, AS_IT_IS) or walks_by_itself(type(part)):
            return self.keep(part, part)
        found = None if part is self.container else self.convert(part)
        if found is None:
            return None
        self.count += 1
        return self.keep(part, found)

    def keep(self, part, found):
        self.kept.append((found, part))  # the part too, or another might get its id
        self.places[id(part)] = len(self.kept) - 1
        return self.places[id(part)]


def walks_by_itself(cls):
    return any(base.__name__ in WALKERS and base.__module__.startswith("sklearn.ensemble") for base in cls.__mro__)


class Putting(pickle.Unpickler):
    """Puts it together again."""

    def __init__(self, file, kept):
        super().__init__(file)
        self.kept = kept

    def persistent_load(self, place):
        return self.kept[place][0]
