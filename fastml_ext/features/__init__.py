"""Kernels of feature maps and templates. Contract: reference/."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        # columns of numbers
        "bins": ["fill_spans", "list_spans", "look_up"],
        "mdl": ["mdl_cuts"],
        "periodic": ["harmonics", "wrap"],
        # records and texts
        "records": ["assemble", "code_records"],
        "text": ["char_grams", "count_marked", "count_text", "pack", "pages", "squeeze", "tokenize", "word_grams"],
        "vocabulary": ["count_spans", "cross", "hash_names", "order_words"],
    },
)
