"""Feature maps and templates by definition."""

# columns of numbers
from fastml_ext.features.reference.bins import fill_spans, list_spans, look_up
from fastml_ext.features.reference.mdl import mdl_cuts
from fastml_ext.features.reference.periodic import harmonics, wrap

# records and texts
from fastml_ext.features.reference.templates import (
    assemble,
    char_grams,
    code_records,
    count_marked,
    count_spans,
    count_text,
    cross,
    hash_names,
    order_words,
    pack,
    pages,
    squeeze,
    tokenize,
    word_grams,
)

__all__ = [
    "assemble",
    "char_grams",
    "code_records",
    "count_marked",
    "count_spans",
    "count_text",
    "cross",
    "fill_spans",
    "harmonics",
    "hash_names",
    "list_spans",
    "look_up",
    "mdl_cuts",
    "order_words",
    "pack",
    "pages",
    "squeeze",
    "tokenize",
    "word_grams",
    "wrap",
]
