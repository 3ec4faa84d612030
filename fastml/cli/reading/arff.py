"""Weka's text tables (ARFF): the names of the columns stand above `@data`, one `@attribute` each."""

import re

from fastml.cli.terminal import InputError

__all__ = ["arff"]

START = re.compile(r"(?:[ \t]*(?:%[^\n]*)?\r?\n)*[ \t]*@relation\b", re.IGNORECASE)
ATTRIBUTE = re.compile(r"""^[ \t]*@attribute[ \t]+('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s{]+)""", re.I | re.M)
DATA = re.compile(r"^[ \t]*@data[^\n]*\n", re.IGNORECASE | re.MULTILINE)
SPARSE = re.compile(r"(?:[ \t]*(?:%[^\n]*)?\r?\n)*[ \t]*\{")


def arff(text, path):
    r"""(names of the columns, the character where the rows begin) of an ARFF file, None of another.

    Source: Weka's description of the format, https://waikato.github.io/weka-wiki/formats_and_processing/arff_stable/

    >>> arff("@relation iris\n@attribute 'petal width' real\n@attribute kind {a, b}\n@data\n1.5,a\n", "iris.arff")
    (['petal width', 'kind'], 74)
    """
    if not START.match(text):
        return None
    data = DATA.search(text)
    if data is None:
        raise InputError(f"{str(path)!r} is an ARFF file without a line @data among its first {len(text):,} characters")
    if SPARSE.match(text, data.end()):
        raise InputError(f"{str(path)!r} is a sparse ARFF file ({{place value, ...}}): save it as CSV")
    names = [name[1:-1] if name[0] in "'\"" else name for name in ATTRIBUTE.findall(text, 0, data.start())]
    if not names:
        raise InputError(f"{str(path)!r} is an ARFF file without any @attribute above its rows")
    return names, data.end()
