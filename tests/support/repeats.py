"""Which functions of some sources hold the same lines, but for the names in them; Cython's sources are read as text."""

import ast
import itertools
import keyword
import re
from collections import defaultdict

__all__ = ["repeats"]

TOKEN = re.compile(r"[A-Za-z_]\w*|\d[\w.]*|\S")
CYTHON_HEADER = re.compile(r"^ *(?:def|cpdef|cdef)\b[^=(]*?(\w+)\(")


def repeats(sources, lines):
    """{(function, function)} that share so many lines in a row; sources: {module: path}."""
    places = defaultdict(set)
    for module, path in sources.items():
        text = path.read_text(encoding="utf-8")
        bodies = of_python(ast.parse(text)) if path.suffix == ".py" else of_cython(text)
        for name, body in bodies:
            for at in range(len(body) - lines + 1):
                places[shape(body[at : at + lines])].add((f"{module}.{name}", at))
    pairs = set()
    for found in places.values():
        for (one, at), (other, there) in itertools.combinations(sorted(found), 2):
            if one != other or abs(at - there) >= lines:
                pairs.add((one, other))
    return pairs


def shape(lines):
    """The lines with names numbered as they come, and numbers as 0: equal where these alone differ."""
    numbers: dict = {}
    return tuple(
        tuple(
            ("0" if token[0].isdigit() else token)
            if keyword.iskeyword(token) or not token.isidentifier()
            else numbers.setdefault(token, len(numbers))
            for token in TOKEN.findall(line)
        )
        for line in lines
    )


def of_python(node, within=""):
    """(name, lines) of each function: without docstrings, comments, decorators and the functions inside it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.ClassDef):
            name = f"{within}{child.name}"
            if isinstance(child, ast.FunctionDef):
                yield name, [line.strip() for part in own(child) for line in ast.unparse(part).splitlines()]
            yield from of_python(child, f"{name}.")
        else:
            yield from of_python(child, within)


def own(function):
    """The statements of a function that are neither its docstring nor functions."""
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    return [part for part in body if not isinstance(part, ast.FunctionDef | ast.ClassDef)]


def of_cython(text):
    """As `of_python`, by the lines of the text from one header to the next."""
    name, body = "", []
    for line in plain(text):
        header = CYTHON_HEADER.match(line)
        if header:
            yield name, body
            name, body = header[1], []
        elif TOKEN.search(line):
            body.append(line.strip())
    yield name, body


def plain(text):
    """The lines of a text without comments and docstrings."""
    text = re.sub(r'"""(?:.*?)"""', "", text, flags=re.DOTALL)
    return [re.sub(r"#.*", "", line) for line in text.splitlines()]
