"""What stands round cells that hold a separator, and how that mark is written inside such a cell."""

import re
from typing import NamedTuple

__all__ = ["DOUBLE", "Quotes", "quotes_of"]

BEFORE = r"(?:^|(?<=[,;\t|])) ?"  # where a cell begins
OPENED = re.compile(BEFORE + "'", re.MULTILINE)
CLOSED = re.compile(BEFORE + r"'(?:[^'\\]|''|\\.)*'(?= ?(?:[,;\t|]|\r?$))", re.MULTILINE)
DOUBLED = re.compile(BEFORE + '"', re.MULTILINE)
LEAST = 3  # cells in single quotes, below which a single quote is a letter


class Quotes(NamedTuple):
    mark: str = '"'
    escaped: bool = False  # whether the mark inside a cell is written behind a backslash, and not twice


DOUBLE = Quotes()


def quotes_of(text, least=LEAST):
    r"""The Quotes of a table whose first characters are `text`.

    Single quotes are letters (5', 'tis) unless every cell that begins with one ends with one, and no cell begins with
    a double quote.

    >>> quotes_of("a,b\n'x, y',1\n'it''s',2\n'z',3\n").mark
    "'"
    >>> quotes_of("height,size\n5',1\n6',2\n'tis,3\n").mark
    '"'
    """
    opened = len(OPENED.findall(text))
    if opened >= least and not DOUBLED.search(text) and opened == len(CLOSED.findall(text)):
        return Quotes("'", bool(re.search(r"[^\\,;\t|\n]\\'", text)))
    return Quotes('"', '\\"' in text and not re.search(r'(?<![\\,;\t|\n])""', text))
