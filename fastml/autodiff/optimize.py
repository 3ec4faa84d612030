"""Stochastic gradient descent over any graph: any hypothesis, any loss, with a penalty."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fastml.autodiff.arguments import flatten, unflatten
from fastml.autodiff.check import trace_nonfinite
from fastml.autodiff.epoch import epoch_text
from fastml.autodiff.extending import _build_gradient
from fastml.autodiff.graph import Graph
from fastml.autodiff.modes import _Transform
from fastml.autodiff.native import engine
from fastml.autodiff.tracing import graft
from fastml.training import Plan, train

__all__ = ["Minimum", "minimize"]

RATES = {"sgd": 0.01, "adagrad": 0.1, "adam": 0.01}
SLICE = 50e6  # ns: the longest that one call of a kernel may take, by estimate
PENALTIES = {None: (0.0, 0.0), "l1": (1.0, 0.0), "l2": (0.0, 1.0)}


@dataclass
class Minimum:
    """What `minimize` found."""

    params: object  # in the structure, shapes and dtypes that were given
    value: float  # penalised loss of the last epoch
    history: np.ndarray  # penalised loss of every epoch: mean over its batches, plus the penalty at its end
    n_iter: int  # epochs run
    converged: bool  # stopped by `tol`, or by `progress`, before max_iter
    engine: str  # "compiled" or "interpreted"


def minimize(
    function: Callable | Graph,
    params: Any,
    data: Any = (),
    *,
    optimizer: str = "adam",
    learning_rate: float | None = None,
    momentum: float = 0.9,
    batch_size: int | None = None,
    max_iter: int = 100,
    penalty: str | None = None,
    alpha: float = 1e-4,
    l1_ratio: float = 0.15,
    unpenalized: Sequence[str] = (),
    tol: float = 1e-6,
    n_iter_no_change: int = 10,
    shuffle: bool = True,
    random_state: int | np.random.Generator | None = None,
    progress: Callable[[int, float], Any] | None = None,
) -> "Minimum":
    """Minimise a loss over its parameters by stochastic gradients, compiled.

    Parameters
    ----------
    function : callable or Graph
        ``loss(params, *batch)`` -> number, the mean over the rows of the batch; or a Graph of the loss of one row.
    params : number, array, or containers of them
        The start; for a Graph a dictionary of its inputs by name.
    data : tuple of arrays or dict, default=()
        Arrays with one row a sample, equally many; for a Graph a dictionary by name, in which an array of the input's
        own shape is the same for all rows. Empty for a plain function of its parameters.
    optimizer : {"sgd", "adagrad", "adam"}, default="adam"
    learning_rate : float, default=None
        None for 0.01, 0.1 and 0.01.
    momentum : float, default=0.9
        Of "sgd".
    batch_size : int, default=None
        Rows a step; None for all.
    max_iter : int, default=100
        Epochs.
    penalty : {None, "l1", "l2", "elasticnet"}, default=None
        alpha (l1_ratio |w| + (1 - l1_ratio) w^2 / 2), summed over the weights; the slope of |w| at 0 is taken as 0.
    alpha, l1_ratio : float, default=1e-4 and 0.15
        Of the penalty.
    unpenalized : sequence of str, default=()
        Keys of `params`, if it is a dictionary, that the penalty leaves out.
    tol, n_iter_no_change : float and int, default=1e-6 and 10
        Stop when the loss has not fallen by tol for so many epochs.
    shuffle : bool, default=True
        Whether the rows are taken in a new order in each epoch.
    random_state : int, default=None
        Seed of these orders.
    progress : callable, default=None
        Called after each epoch with (epochs run, loss); a true answer stops.

    Returns
    -------
    Minimum

    Raises
    ------
    FloatingPointError
        Where the loss becomes NaN or infinite; it names the operation where that began.

    Notes
    -----
    Sources: Polyak 1964; Duchi, Hazan and Singer 2011; Kingma and Ba 2015.

    Examples
    --------
    >>> from fastml import autodiff as ad
    >>> X, y = np.array([[1.0, 1.0], [1.0, 2.0], [1.0, 4.0]]), np.array([1.0, 3.0, 3.0])
    >>> def loss(w, X, y):
    ...     return ad.mean((ad.dot(X, w) - y) ** 2) / 2
    >>> settings = {"optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.0, "max_iter": 1000, "tol": 1e-14}
    >>> found = ad.minimize(loss, np.zeros(2), (X, y), **settings)
    >>> np.round(found.params, 3)
    array([1.   , 0.571])
    """
    _check(optimizer, penalty, max_iter, batch_size)
    rate = RATES[optimizer] if learning_rate is None else learning_rate
    problem = _Problem(function, params, data, batch_size)
    l1, l2 = (l1_ratio, 1 - l1_ratio) if penalty == "elasticnet" else PENALTIES[penalty]
    problem.set_step(optimizer, rate, momentum, alpha * l1, alpha * l2, unpenalized)
    problem.set_orders(shuffle, random_state)
    plan = Plan(max_iter, tol=tol, patience=n_iter_no_change, interrupted=None)
    if progress is not None:
        plan.callbacks.append(lambda row, _: progress(row["epoch"], row["loss"]))
    run = train(lambda rate: problem, rate, plan)
    history = run.history()["loss"]
    converged = run.waiting >= n_iter_no_change or len(history) < max_iter
    return Minimum(problem.params(), history[-1], np.array(history), len(history), converged, problem.engine)


def _check(optimizer, penalty, max_iter, batch_size):
    if optimizer not in RATES:
        raise ValueError(f"optimizer={optimizer!r} is none of {', '.join(map(repr, RATES))}")
    if penalty not in (*PENALTIES, "elasticnet"):
        raise ValueError(f"penalty={penalty!r} is none of None, 'l1', 'l2', 'elasticnet'")
    if max_iter < 1:
        raise ValueError(f"max_iter={max_iter} must be at least 1")
    if batch_size is not None and batch_size < 1:
        raise ValueError(f"batch_size={batch_size} must be at least 1, or None for all rows")


class _Problem:
    """Weights as one flat vector, data as rows, and a kernel that takes many steps over them: see fastml.training."""

    def __init__(self, function, params, data, batch_size):
        params = _floats(params)
        self.by_row = isinstance(function, Graph)
        function, self.data = _of_graph(function, params, data) if self.by_row else (function, _arrays(data))
        self.leaves, self.structure = flatten(params)
        self.keys = list(params) if isinstance(params, dict) else []
        self.n = len(self.data[0]) if self.data else 1
        if any(len(d) != self.n for d in self.data) or self.n == 0:
            raise ValueError(f"data of {[len(d) for d in self.data]} rows: equally many are needed, and at least one")
        self.batch = min(batch_size or self.n, self.n)
        self.transform = _Transform(function, (0,), _build_gradient, None, "minimize", engine)
        rows = 1 if self.by_row else self.batch
        self.variant, _ = self.transform.variant((params, *self._rows(np.arange(rows))), {})
        program = self.variant.program
        self.engine, self.dtype = program.engine, program.dtype
        self.data = [np.ascontiguousarray(d, np.int64 if d.dtype.kind in "iub" else self.dtype) for d in self.data]
        self.starts = np.cumsum([0] + [np.size(leaf) for leaf in self.leaves])
        self.w = np.concatenate([np.ravel(leaf) for leaf in self.leaves]).astype(self.dtype)
        self.g, self.part = np.zeros_like(self.w), np.zeros_like(self.w)
        self.steps = 0
        self.kernel: Any = None
        self._last_batch = _Transform(function, (0,), _build_gradient, None, "minimize")  # for a smaller last batch

    def set_step(self, optimizer, rate, momentum, l1, l2, unpenalized):
        """Choose the optimiser and the penalty of each weight."""
        from fastml_ext import autodiff as kernels
        from fastml_ext.autodiff.generated import load

        second = momentum if optimizer == "sgd" else 1e-10 if optimizer == "adagrad" else 1e-8
        self.hyper = np.array([rate, second, 0.9, 0.999])
        self.state = np.zeros((2, self.w.size), self.dtype)
        mask = np.ones(self.w.size, self.dtype)
        for key in unpenalized:
            if key not in self.keys:
                raise ValueError(f"unpenalized={key!r} is no key of params; the keys are {self.keys}")
            before = sum(self._size(k) for k in self.keys[: self.keys.index(key)])
            mask[before : before + self._size(key)] = 0
        self.l1, self.l2 = (l1 * mask).astype(self.dtype), (l2 * mask).astype(self.dtype)
        self.move, self.penalty = getattr(kernels, f"{optimizer}_step"), kernels.penalty
        if self.engine == "compiled":
            shapes = [np.shape(leaf) for leaf in self.leaves]
            text = epoch_text(self.variant.program, shapes, self.starts, self._row_shapes(), self.by_row, optimizer)
            self.kernel = load(text, self.dtype)["epoch"]
            flat = [d.reshape(-1) for d in self.data]
            batches = [np.empty(0 if self.by_row else self.batch * math.prod(d.shape[1:]), d.dtype) for d in self.data]
            self.arguments = [*flat, *batches, self.w, self.g, self.part, self.state, self.hyper, self.l1, self.l2]
            source = self.variant.program.source
            self.memory = source.constants, source.indices, np.empty(source.work, self.dtype)
        self.slice = max(1, int(SLICE / self._step_cost()))

    def set_orders(self, shuffle, random_state):
        """Choose the orders in which the rows are visited."""
        order, n = np.arange(self.n), self.n
        permutation = np.random.default_rng(random_state).permutation
        self.order = (lambda: permutation(n)) if shuffle else (lambda: order)

    def _step_cost(self):
        """Nanoseconds a step, roughly."""
        program = self.variant.program
        entries = sum(program.plan.sizes) if self.engine == "compiled" else program.size
        return (20.0 + 10.0 * entries) * (self.batch if self.by_row else 1) + 5.0 * self.w.size

    def _size(self, key):
        tree = unflatten(self.structure, iter(self.leaves))
        return sum(np.size(leaf) for leaf in flatten(tree[key])[0])

    def _row_shapes(self):
        return [d.shape[1:] for d in self.data]

    def _rows(self, rows):
        """The arguments of the function for some rows."""
        return [d[rows[0]] if self.by_row else d[rows] for d in self.data]

    def step(self, number, tick):
        """One pass over the rows."""
        order = self.order()
        whole = len(order) // self.batch if not self.by_row else -(-len(order) // self.batch)
        whole = whole if self.kernel is not None else 0
        total = 0.0
        for start in range(0, whole, self.slice):
            stop = min(start + self.slice, whole)
            total += self.kernel(start, stop, order, self.batch, *self.arguments, self.steps + 1, *self.memory)
        total *= 1 if self.by_row else self.batch  # the kernel adds up rows, or means over batches
        self.steps += whole
        for start in range(whole * self.batch, len(order), self.batch):  # a smaller last batch, or a graph too large
            total += self._interpreted(order[start : start + self.batch])
        self.epoch, self.loss = number + 1, total / len(order) + self.penalty(self.w, self.l1, self.l2)
        tick(1.0)

    def measure(self):
        """Mean loss of the epoch, with the penalty at its end."""
        if not math.isfinite(self.loss):
            raise FloatingPointError(
                f"the loss became {self.loss} in epoch {self.epoch}{self.blame()}; try a smaller learning_rate"
            )
        return self.loss, (self.loss,)

    def keep(self):
        pass

    def restore(self):
        pass

    def _interpreted(self, rows):
        """One step by the interpreter; the loss, summed over the rows."""
        self.g[:] = 0
        total = 0.0
        for part in rows[:, None] if self.by_row else [rows]:
            variant, leaves = self._last_batch.variant((self.params(), *self._rows(part)), {})
            value, *gradients = variant.run(leaves)
            total += float(value) * len(part)
            self.g += np.concatenate([np.ravel(g) for g in gradients]) / (len(rows) if self.by_row else 1)
        self.move(self.w, self.g, self.state, self.hyper, self.l1, self.l2, self.steps + 1)
        self.steps += 1
        return total

    def params(self):
        """The weights in the structure, shapes and dtypes that were given."""
        parts = []
        for leaf, start, stop in zip(self.leaves, self.starts[:-1], self.starts[1:], strict=True):
            dtype = np.asarray(leaf).dtype
            part = self.w[start:stop].astype(dtype).reshape(np.shape(leaf))
            parts.append(part if part.ndim else part[()])
        return unflatten(self.structure, iter(parts))

    def blame(self):
        """Where the loss stops being finite, in words."""
        for row in range(self.n if self.by_row else 1):
            rows = np.arange(self.n) if not self.by_row else np.array([row])
            found = trace_nonfinite(self.transform.function, self.params(), *self._rows(rows))
            if found is not None:
                return f": {found}"
        return ""


def _of_graph(graph, params, data):
    """(function of the parameters and of one row of each array of rows, those arrays)."""
    if not isinstance(params, dict) or not isinstance(data, dict | tuple):
        raise TypeError("for a Graph, params and data are dictionaries of its inputs by name")
    data = {name: np.asarray(value) for name, value in dict(data).items()}
    labels = [graph.label(k) for k in graph.inputs]
    for name in (*params, *data):
        if name not in labels:
            raise ValueError(f"{name!r} is no input of the graph; its inputs are {', '.join(labels)}")
    missing = [name for name in labels if name not in params and name not in data]
    if missing:
        raise ValueError(f"no value was given for the inputs {', '.join(missing)}")
    shapes = {graph.label(k): graph.shapes[k] for k in graph.inputs}
    rows = [name for name in data if data[name].shape != shapes[name]]
    for name in rows:
        if data[name].shape[1:] != shapes[name]:
            raise ValueError(
                f"{name} has shape {shapes[name]} in the graph; rows of shape {data[name].shape[1:]} were given"
            )

    def function(params, *row):
        values = {**{k: v for k, v in data.items() if k not in rows}, **dict(zip(rows, row, strict=True)), **params}
        return graft(graph, [values[label] for label in labels])[graph.result]

    return function, [data[name] for name in rows]


def _arrays(data):
    data = data if isinstance(data, tuple | list) else (data,)
    return [np.asarray(d) for d in data]


def _floats(tree):
    """Parameters with Python integers as floats."""
    if isinstance(tree, dict):
        return {key: _floats(value) for key, value in tree.items()}
    if type(tree) in (list, tuple):
        return type(tree)(_floats(value) for value in tree)
    return float(tree) if type(tree) is int else tree
