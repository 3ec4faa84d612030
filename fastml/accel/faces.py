"""Classes with scikit-learn's face: its name, equality, `isinstance`, and pickles that hold its class.

A pickle finds a class by its name, as whoever pickles or reads sees it: a program under accel gets the class with
fastml's answers, any other gets scikit-learn's. Only what travels to a worker process says more, so that the worker is
accelerated like the process that sent it.
"""

import copyreg
import sys
from abc import ABCMeta
from typing import Any

from fastml.accel import names

__all__ = ["Faced", "as_seen", "caller_name", "dressed", "forget", "reduced", "register", "thin"]

WORKERS = ("joblib.externals.", "multiprocessing.", "loky.")  # modules that pickle for a worker process
registered: set = set()  # classes of scikit-learn


def dressed(bases, original, own, space, reduce=None):
    """A class with the face of scikit-learn's `original` and fastml's class `own` behind it; `reduce` is pickle's."""
    space = {
        "__module__": original.__module__,
        "__qualname__": original.__qualname__,
        "__doc__": original.__doc__,
        "_own": own,
        "_original": original,
        **space,
    }
    kind: Any = FaceOfAbstract if isinstance(original, ABCMeta) else FaceOfClass
    register(original, reduce or reduced)
    return kind(original.__name__, bases, space)


def register(original, reduce):
    """Let pickle take instances of scikit-learn's own class by `reduce`, until `forget`."""
    copyreg.pickle(original, reduce)
    registered.add(original)


def forget():
    """Let pickle take instances of all classes as without accel."""
    while registered:
        copyreg.dispatch_table.pop(registered.pop(), None)


def thin(own, original):
    """The face over a class of fastml that is a subclass of scikit-learn's, with the same state."""
    return dressed((Faced, own), original, own, {})


class FaceOfClass(type):
    """The class of classes with a face: each equals scikit-learn's class, and has its instances, too."""

    def __instancecheck__(cls, instance):
        return issubclass(type(instance), cls)

    def __subclasscheck__(cls, other):
        original = vars(cls).get("_original")
        if original is not None and original in getattr(other, "__mro__", ()):
            return True
        return type.__subclasscheck__(cls, other)

    def __eq__(cls, other):
        return cls is other or ("_original" in vars(cls) and vars(cls)["_original"] is other)

    def __hash__(cls):
        return hash(vars(cls)["_original"]) if "_original" in vars(cls) else type.__hash__(cls)


class FaceOfAbstract(FaceOfClass, ABCMeta):
    """The same of abstract classes; both are found by name where a class is pickled whole."""


class Faced:
    """What a class with a face does when it is pickled or copied."""

    def __reduce_ex__(self, protocol):
        return named(self, type(self), caller_name())


def reduced(model):
    """How pickle takes an instance of scikit-learn's own class, whose name has another meaning for most callers."""
    caller = caller_name()
    if caller == "copy" and "_original" not in vars(type(model)):
        return model.__reduce_ex__(4)
    return named(model, type(model), caller)


def named(model, cls, caller):
    """What pickle is to keep of a model: the class that its caller finds by the name of `cls`, and the state."""
    cls, sees = as_seen(cls, caller), names.sees_others(caller)
    state = model.__getstate__()
    if sees and for_worker():
        return arrived, (cls, isinstance(model, Faced)), state
    return copyreg._reconstructor, (cls, object, None), state  # type: ignore[attr-defined]


def as_seen(cls, caller):
    """The class that a module finds under the name of `cls`."""
    original = vars(cls).get("_original", cls)
    return outer(original) if names.sees_others(caller) else original


def caller_name():
    """The module whose code called the function that asks."""
    return name_of(sys._getframe(2))


def for_worker():
    """Whether what is being pickled is for a worker process."""
    frame: Any = sys._getframe(1)
    while frame is not None and name_of(frame).partition(".")[0] in ("fastml", "cloudpickle"):
        frame = frame.f_back
    return frame is not None and name_of(frame).startswith(WORKERS)


def name_of(frame):
    return frame.f_globals.get("__name__") or ""


def outer(cls):
    """The class that readers outside find under the name of a class of scikit-learn."""
    family = names.family_of(cls.__module__)
    return names.found(family, cls.__name__, cls) if family else cls


def arrived(cls, accelerated):
    """The model, still empty, that another process has sent to this one, where accel is installed if need be."""
    from fastml.accel import install

    if not names.asked:
        install()
    cls = vars(cls).get("_original", cls)
    return object.__new__(outer(cls) if accelerated else cls)
