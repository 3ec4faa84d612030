"""Pictures of data and models, drawn with matplotlib."""

from fastml.plot.tree import plot_tree

__all__ = ["plot_tree"]
