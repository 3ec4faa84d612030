"""Classes of characters, as bits of a table over all code points that is filled page by page, as they are met."""

import unicodedata

import numpy as np

from fastml_ext import features as kernels

__all__ = ["CLASSES", "SPACE", "TESTS", "WORD", "marks_for"]

PAGE = 256


def is_punctuation(c):
    return unicodedata.category(c)[0] in "PS"


# What a name in fraction(...), count(...) or `char_at(0) in ...` stands for.
TESTS = {
    "alpha": str.isalpha,
    "digit": str.isdigit,
    "alnum": str.isalnum,
    "upper": str.isupper,
    "lower": str.islower,
    "space": str.isspace,
    "punct": is_punctuation,
    "vowel": lambda c: c in "aeiouAEIOU",
    "ascii": str.isascii,
    "word": lambda c: c.isalnum() or c == "_",  # \w of Python's regular expressions
    "nonspace": lambda c: not c.isspace(),
}
CLASSES = {name: 1 << bit for bit, name in enumerate(TESTS)}
WORD, SPACE = CLASSES["word"], CLASSES["space"]

_marks = np.zeros(0x110000, np.uint16)  # zero pages cost no memory until they are written
_filled = np.zeros(0x110000 // PAGE, np.uint8)  # 0 or 255


def marks_for(chars):
    """The table (0x110000,) uint16 of class bits, right for all of chars (n,) uint32."""
    for page in np.flatnonzero(kernels.pages(chars) & ~_filled).tolist():
        fill(page)
    return _marks


def fill(page):
    for code in range(page * PAGE, (page + 1) * PAGE):
        character = chr(code)
        _marks[code] = sum(bit for name, bit in CLASSES.items() if TESTS[name](character))
    _filled[page] = 255
