"""Small inputs for the feature maps and templates; as in fastml_ext/neighbors/cases.py."""

from fastml_ext.features.template_cases import (  # noqa: F401
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

CLOSE: dict[str, float] = {
    # columns of numbers
    # records and texts
}
WITHIN: dict[str, str] = {}
