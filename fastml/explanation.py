"""Why a model answers as it does: what every estimator's `explain(x)` returns."""

from dataclasses import dataclass, field
from html import escape
from typing import Any

__all__ = ["Explanation"]


@dataclass(frozen=True)
class Explanation:
    """A prediction and the rows of a table that led to it. `print` shows it as text, a notebook as HTML.

    Parameters
    ----------
    prediction : object
        What the model answers.
    heading : str
        One sentence: the answer and how it came about.
    columns : tuple of str
        Names of the columns of the table.
    rows : list of tuple
        One row for each neighbour, step or feature, the most important first.
    details : dict, default={}
        Whatever else a program may want, by name; attributes of the explanation, too.

    Examples
    --------
    >>> why = Explanation("yes", "yes: 2 of 3 votes", ("row", "label"), [(4, "yes"), (7, "yes"), (1, "no")])
    >>> print(why)
    yes: 2 of 3 votes
    row  label
    4    yes
    7    yes
    1    no
    >>> why.to_dict()["rows"][0]
    {'row': 4, 'label': 'yes'}
    """

    prediction: Any
    heading: str
    columns: tuple[str, ...]
    rows: list[tuple]
    details: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name):
        details = self.__dict__.get("details", {})  # a copy in the making has none yet
        if name in details:
            return details[name]
        raise AttributeError(f"{type(self).__name__} has no {name!r}; it has {', '.join(['prediction', *details])}")

    def to_dict(self) -> dict:
        """{"prediction", "heading", "rows": a dict for each, and the details}."""
        rows = [dict(zip(self.columns, row, strict=True)) for row in self.rows]
        return {"prediction": self.prediction, "heading": self.heading, "rows": rows, **self.details}

    def __str__(self):
        cells = [self.columns, *(tuple(map(readable, row)) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = ["  ".join(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=True)).rstrip() for row in cells]
        return "\n".join([self.heading, *lines])

    def _repr_html_(self):
        head = "".join(f"<th>{escape(name)}</th>" for name in self.columns)
        body = "".join(
            "<tr>" + "".join(f"<td>{escape(readable(cell))}</td>" for cell in row) + "</tr>" for row in self.rows
        )
        return f"<p>{escape(self.heading)}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def readable(value):
    """A float in four digits, anything else as it prints."""
    return (
        f"{value:.4g}"
        if isinstance(value, float) or (hasattr(value, "dtype") and value.dtype.kind == "f")
        else str(value)
    )
