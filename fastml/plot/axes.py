"""Axes to draw on."""

__all__ = ["axes_of"]


def axes_of(ax, size=(5.0, 4.0)):
    """`ax`, or the axes of a new figure of that size in inches where it is None."""
    if ax is not None:
        return ax
    try:
        from matplotlib import pyplot
    except ImportError:
        raise ImportError('fastml.plot needs matplotlib: pip install "fastml-learn[plot]"') from None
    return pyplot.subplots(figsize=size, layout="constrained")[1]
