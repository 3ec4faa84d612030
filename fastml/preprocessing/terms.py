"""What a feature of a FeatureMap may be, and what is made of it."""

from numbers import Real
from typing import Any, NamedTuple

from fastml.autodiff.graph import Graph
from fastml.autodiff.node import Node
from fastml.kinds import Categories, as_numbers, frame_column, numbers_of
from fastml.preprocessing.expressions import Expression, as_text

__all__ = ["Term", "named_transformer", "plain", "read_numbers", "read_term"]


class Term(NamedTuple):
    """One feature: an expression, or a transformer of some columns (None for all)."""

    name: str
    expression: Any = None
    transformer: Any = None
    columns: list | None = None  # their numbers


def plain(feature):
    """A feature as number, text, transformer, or a tuple of a name and one of them, which can be copied and kept."""
    if isinstance(feature, tuple):
        return tuple([plain(part) if k == 1 else part for k, part in enumerate(feature)])
    is_expression = isinstance(feature, Node | Graph) or (callable(feature) and not hasattr(feature, "transform"))
    return as_text(feature) if is_expression else feature


def named_transformer(feature):
    """Is it ("name", transformer) or ("name", transformer, columns)?"""
    return isinstance(feature, tuple) and len(feature) in (2, 3) and hasattr(feature[1], "transform")


def read_term(feature, places):
    """The Term of a plain feature; places: the number of each column by name."""
    name, columns = None, None
    if isinstance(feature, tuple):
        if len(feature) not in (2, 3) or not isinstance(feature[0], str):
            raise ValueError(f"the feature {feature!r} is no ('name', feature) or ('name', transformer, columns)")
        name, feature, *rest = feature
        columns = numbered(rest[0], places) if rest else None
    if hasattr(feature, "transform") and hasattr(feature, "fit") and not isinstance(feature, type):
        return Term(name or "", None, feature, columns)
    if columns is not None:
        raise ValueError(f"columns={columns} of {name!r} are for a transformer: an expression names its columns itself")
    if isinstance(feature, Real) and not isinstance(feature, bool):
        feature = f"{feature:.17g}" if feature % 1 else f"{feature:.0f}"
    if not isinstance(feature, str):
        raise ValueError(
            f"the feature {feature!r} is a {type(feature).__name__}: numbers, texts such as 'x**2', functions and"
            " transformers are understood"
        )
    expression = Expression(feature)
    strange = [column for column in expression.names if column not in places]
    if strange:
        raise ValueError(f"{feature!r} reads the column {strange[0]!r}, but X has {', '.join(map(repr, places))}")
    _ = expression.number  # says what is wrong with a constant
    return Term(name or expression.text, expression)


def numbered(columns, places):
    """The numbers of columns given by name or number, one or several."""
    found = []
    for column in [columns] if isinstance(columns, str | int) else columns:
        at = places.get(column) if isinstance(column, str) else int(column)
        if at is None or not 0 <= at < max(places.values()) + 1:
            raise ValueError(f"there is no column {column!r}; X has {', '.join(map(repr, places))}")
        found.append(at)
    return found


def read_numbers(frame, j, name):
    """Column j of a frame as floats, categories that are numbers, or texts of numbers, among them."""
    column = frame_column(frame, j, name)
    if not isinstance(column, Categories):
        return as_numbers(column, "the expressions are computed in float64", name=name)
    for value in column.values.tolist():
        try:
            float(value)
        except (TypeError, ValueError) as error:
            raise ValueError(f"the column {name!r} holds {value!r}, which is no number: {error}") from None
    return numbers_of(column, name)
