"""How long each function of a source is, and how many parameters it has; Cython's sources are read as text."""

import ast
import re
from typing import NamedTuple

__all__ = ["Size", "sizes"]

HEADER = re.compile(r"^( *)(?:def|cpdef|cdef)\b[^=(]*?(\w+)\(")
DOCSTRING = re.compile(r'\s*r?"""(?:.*?)"""[^\n]*\n', re.DOTALL)


class Size(NamedTuple):
    """lines of the body without its docstring; parameters without self and cls."""

    lines: int
    parameters: int


def sizes(path):
    """{name of a function with the classes and functions it stands in: Size} of a .py or .pyx file."""
    text = path.read_text(encoding="utf-8")
    return dict(of_cython(text)) if path.suffix == ".pyx" else dict(of_python(ast.parse(text)))


def of_python(node, within=""):
    for child in ast.iter_child_nodes(node):
        name = within + getattr(child, "name", "") if isinstance(child, ast.FunctionDef | ast.ClassDef) else ""
        if isinstance(child, ast.FunctionDef):
            yield name, Size(child.end_lineno - start_of(child) + 1, count(ast.unparse(child.args)))
        yield from of_python(child, f"{name}." if name else within)


def start_of(function):
    """The line at which the body begins, behind the docstring."""
    first, *rest = function.body
    return rest[0].lineno if rest and ast.get_docstring(function) is not None else first.lineno


def of_cython(text):
    lines = text.splitlines(keepends=True)
    for at, line in enumerate(lines):
        header = HEADER.match(line)
        if not header:
            continue
        rest = "".join(lines[at:])
        opened = header.end() - 1
        closed = closing(rest, opened)
        if not re.match(r"[^\n:]*:", rest[closed + 1 :]):
            continue  # a declaration
        after = rest[closed + 1 :]
        after = after[after.index(":") + 1 :]
        body = "".join(block(after.splitlines(keepends=True)[1:], len(header[1])))
        parameters = re.sub(r"#[^\n]*", "", rest[opened + 1 : closed])
        yield header[2], Size(len(DOCSTRING.sub("", body, count=1).rstrip().splitlines()), count(parameters))


def block(lines, indent):
    """The lines that are indented further than `indent`, up to the first that is not."""
    for line in lines:
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            return
        yield line


def closing(text, at):
    """Where the bracket that opens at `at` closes."""
    depth = 0
    for place in range(at, len(text)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if depth == 0:
            return place
    raise ValueError("a bracket is not closed")


def count(parameters):
    """How many parameters stand in a list of them."""
    depth, parts = 0, [""]
    for sign in parameters:
        depth += (sign in "([{") - (sign in ")]}")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    names = [part.strip() for part in parts]
    return sum(bool(name) and name not in ("self", "cls", "*", "/") and not name.startswith("*") for name in names)
