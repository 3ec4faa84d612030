"""What scikit-learn's callbacks (since its 1.9) hear of a fit: the tasks of models that `set_callbacks` was called on.

They are to see the model itself, so what learns runs on it then, not on a stand-in as in `base.all_or_nothing`.
"""

import contextlib
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from fastml.base import fit_in_parts, in_parts

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # an older scikit-learn

    class CallbackSupportMixin:  # type: ignore[no-redef]
        """Nobody can listen."""

        def set_callbacks(self, *callbacks: Any) -> None:
            """Refuse them."""
            raise NotImplementedError("callbacks need scikit-learn 1.9 or later: pip install -U scikit-learn")

    def with_callbacks(method: Callable) -> Callable:
        return method


__all__ = ["CallbackSupportMixin", "learn_in_place", "quietly", "task", "with_callbacks"]

MARKS = "_skl_callbacks", "_callback_fit_ctx", "_skl_callbacks_to_teardown"  # of scikit-learn, on a model


def learn_in_place(model: Any, method: Callable, args: tuple, options: dict[str, Any]) -> Any:
    """What the method that learns gives; callbacks hear of it as one task, unless they hear of a larger one already.

    A class whose code does not tell them by itself says by `_n_tasks()` how many tasks its fit may have within.
    """
    silent = "_callback_fit_ctx" in model.__dict__ or not hasattr(model, "_n_tasks")
    before = dict(model.__dict__)
    try:
        return (_learn if silent else _tell)(model, method, args, options)
    except BaseException:  # it is what it was
        model.__dict__ = before
        raise


def _learn(model, method, args, options):
    if args and isinstance(args[0], in_parts()):
        return fit_in_parts(model, method.__name__, *args, **options)
    return method(model, *args, **options)


@with_callbacks
def _tell(model, method, args, options):
    given = inspect.signature(method).bind(model, *args, **options).arguments
    weight = given.get("sample_weight")
    metadata = None if weight is None else {"sample_weight": weight}
    context = model._init_callback_context(max_subtasks=model._n_tasks())
    context.told = {"estimator": model, "X": given["X"], "y": given.get("y"), "metadata": metadata}
    context.call_on_fit_task_begin(**context.told)
    result = _learn(model, method, args, options)
    context.call_on_fit_task_end(**context.told, reconstruction_attributes={})
    return result


@contextlib.contextmanager
def task(model: Any, name: str, start: dict[str, Any]) -> Iterator[Callable[[dict[str, Any]], None] | None]:
    """A function told(attributes), to be called after each iteration with what has been learnt; None if nobody listens.

    start: those before the first. A task without an end is open after each, as in scikit-learn, and ends empty.
    """
    root = model.__dict__.get("_callback_fit_ctx")
    if root is None:
        yield None
        return
    opened = [_open(root, name, start)]

    def told(attributes):
        opened[-1].call_on_fit_task_end(**root.told, reconstruction_attributes=attributes)
        opened.append(_open(root, name, attributes))

    yield told
    if len(opened) == 1:  # a fit has one iteration at least
        told(start)
    opened[-1].call_on_fit_task_end(estimator=model)


def _open(root, name, attributes):
    context = root.subcontext(task_name=name)
    return context.call_on_fit_task_begin(**root.told, reconstruction_attributes=attributes)


@contextlib.contextmanager
def quietly(model: Any) -> Iterator[None]:
    """scikit-learn's code that runs as a part of a fit tells nothing of its own."""
    aside = {name: model.__dict__.pop(name) for name in MARKS if name in model.__dict__}
    try:
        yield
    finally:
        model.__dict__.update(aside)
