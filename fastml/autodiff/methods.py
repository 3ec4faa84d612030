"""Methods of Graph that other modules answer: its values, cost, derivative, pictures and SymPy expression.

A graph is data and knows none of these modules, which all know it; this file, which only the package itself imports,
gives it the methods. Each module is loaded by its first question.
"""

from typing import TYPE_CHECKING, Any

from fastml.autodiff.graph import Graph, Values

if TYPE_CHECKING:
    from fastml.autodiff.cost import Cost

__all__: list[str] = []


def forward(self: Graph, values: Any = None, /, **named: Any) -> Values:
    """Value of every node, as a mapping readable by name, index or node.

    It is also kept, for each thread, as what `backward` without arguments starts from.

    Parameters
    ----------
    values : number, array, tuple or dict, default=None
        Values of the inputs in their order, or by their names.
    **named : number or array
        Values of inputs by name.

    Returns
    -------
    Values
    """
    from fastml.autodiff.evaluate import feed, forward_values

    self._last.values = forward_values(self, feed(self, values, named))
    return Values(self, self._last.values)


def backward(self: Graph, values: Values | None = None) -> Values:
    """Gradient of the output with respect to every node, as a mapping.

    Parameters
    ----------
    values : Values, default=None
        Where it is taken: what `forward` returned; by default by its last call in this thread.

    Returns
    -------
    Values
    """
    from fastml.autodiff.evaluate import backward_values

    known = getattr(self._last, "values", None) if values is None else values
    if known is None:
        raise ValueError("backward() before forward(): the gradient is taken at values; call forward(...) first")
    return Values(self, backward_values(self, known.values if isinstance(known, Values) else known))


def derivative(self: Graph, y: Any, x: Any) -> Graph:
    """Symbolic derivative of node y with respect to input x, as another graph, simplified."""
    from fastml.autodiff.symbolic import derivative

    return derivative(self, y, x)


def cost(self: Graph) -> "Cost":
    """Arithmetic operations of a forward pass, and of its gradient by reverse and by forward mode."""
    from fastml.autodiff.cost import cost

    return cost(self)


def to_dot(self: Graph, values: Values | None = None, gradients: Values | None = None) -> str:
    """The picture as Graphviz source."""
    from fastml.autodiff.draw import to_dot

    return to_dot(self, values, gradients)


def to_mermaid(self: Graph, values: Values | None = None, gradients: Values | None = None) -> str:
    """The picture as Mermaid source, for Markdown pages."""
    from fastml.autodiff.draw import to_mermaid

    return to_mermaid(self, values, gradients)


def to_html(self: Graph, values: Values | None = None, gradients: Values | None = None) -> str:
    """The picture as an SVG element, as notebooks show it."""
    from fastml.autodiff.draw import to_html

    return to_html(self, values, gradients)


def plot(self: Graph, values: Values | None = None, gradients: Values | None = None, ax: Any = None) -> Any:
    """The picture with matplotlib; returns the axes."""
    from fastml.autodiff.draw import plot

    return plot(self, values, gradients, ax)


def to_sympy(self: Graph) -> Any:
    """The output as a SymPy expression of symbols named as the inputs (an object array where it is an array)."""
    from fastml.autodiff.sympy_bridge import to_sympy

    return to_sympy(self)


def _repr_html_(self: Graph) -> str:
    return to_html(self)


for _method in (forward, backward, derivative, cost, to_dot, to_mermaid, to_html, plot, to_sympy, _repr_html_):
    _method.__qualname__ = f"Graph.{_method.__name__}"
    setattr(Graph, _method.__name__, _method)
