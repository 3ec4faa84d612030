"""Feature maps and templates by definition."""

# columns of numbers
from fastml_ext.features.reference.bins import fill_spans, list_spans, look_up
from fastml_ext.features.reference.mdl import mdl_cuts
from fastml_ext.features.reference.periodic import harmonics, wrap

# records and texts

__all__ = [
    # columns of numbers
    "fill_spans",
    "harmonics",
    "list_spans",
    "look_up",
    "mdl_cuts",
    "wrap",
    # records and texts
]
