"""Feature maps and templates by definition."""

# columns of numbers
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

__all__: list[str] = [
    # columns of numbers
    # records and texts
    "assemble",
    "char_grams",
    "code_records",
    "count_marked",
    "count_spans",
    "count_text",
    "cross",
    "hash_names",
    "order_words",
    "pack",
    "pages",
    "squeeze",
    "tokenize",
    "word_grams",
]
