"""Explanations by name, and what hashing has put together."""

import dataclasses
import re
from typing import Any

import numpy as np

from fastml.explanation import Explanation

__all__ = ["Collisions", "explain_features", "explain_model"]


@dataclasses.dataclass(frozen=True)
class Collisions:
    """Which names share a hashed column. `print` shows the fullest columns.

    Parameters
    ----------
    n_names : int
        Different names.
    n_columns : int
        Columns there are.
    n_used : int
        Columns that hold a name.
    shared : dict of int to list of str
        The names of each column that holds several, the fullest first.
    """

    n_names: int
    n_columns: int
    n_used: int
    shared: dict[int, list[str]]

    @classmethod
    def of(cls, names: Any, columns: Any, n_columns: Any) -> Any:
        """columns (n_names,): where each name goes"""
        held: dict[int, list[str]] = {}
        for name, column in zip(names, columns.tolist(), strict=True):
            held.setdefault(column, []).append(name)
        shared = sorted((item for item in held.items() if len(item[1]) > 1), key=lambda item: (-len(item[1]), item[0]))
        return cls(len(names), n_columns, len(held), dict(shared))

    def __str__(self):
        colliding = sum(map(len, self.shared.values()))
        share = colliding / max(self.n_names, 1)
        lines = [f"{self.n_names} names in {self.n_used} of {self.n_columns} columns: {share:.1%} share a column"]
        return "\n".join(lines + [f"{column}: {', '.join(names)}" for column, names in list(self.shared.items())[:9]])


def explain_features(row, names):
    """The features of one row, in order of the columns."""
    row = row if hasattr(row, "indices") else as_sparse(row)
    rows = [(str(names[j]), float(value)) for j, value in zip(row.indices, row.data, strict=True)]
    return Explanation(None, f"{len(rows)} of {len(names)} features", ("feature", "value"), rows)


def as_sparse(row):
    import scipy.sparse as sp

    return sp.csr_matrix(row)


def explain_model(row, names, model, templates):
    """What the model makes of one row, its columns called by their names."""
    steps = [step for _, step in model.steps] if hasattr(model, "steps") else [model]
    for step in steps[:-1]:
        row = row if step is templates else step.transform(row)
    if not hasattr(steps[-1], "explain"):
        raise ValueError(f"{type(steps[-1]).__name__} has no explain: pass a model of fastml")
    why = steps[-1].explain(row)
    rows = [(called(first, names), *rest) for first, *rest in why.rows]
    return dataclasses.replace(why, rows=[r for r in rows if any(is_felt(cell) for cell in r[1:])])


def called(name, names):
    """x12 by the name of column 12; any other name as it is."""
    column = re.fullmatch(r"x(\d+)", str(name))
    return str(names[int(column[1])]) if column else name


def is_felt(cell):
    return not isinstance(cell, (int, float, np.number)) or cell != 0
