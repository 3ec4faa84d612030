"""The language of templates: `suffix(3)`, `email.length > _`, `prefix(1) and contains("@")`; parsed, never executed."""

import ast
from typing import Any

from fastml.preprocessing.templates.characters import CLASSES
from fastml.preprocessing.templates.fields import Both, Category, Cell, Fields, Value
from fastml.preprocessing.templates.numbers import Count, Equal, Field, Fraction, Length, Pixel, Threshold
from fastml.preprocessing.templates.records import Source
from fastml.preprocessing.templates.template import Template
from fastml.preprocessing.templates.texts import Among, Edge, Grams, Listed, Present, Vocabulary

__all__ = ["default_templates", "parse"]

SIGNS = {ast.Gt: ">", ast.GtE: ">=", ast.Lt: "<", ast.LtE: "<="}
UNITS = ("words", "chars", "word_chars")


class UnreadableError(ValueError):
    """What is wrong with a declaration."""


def parse(text):
    """The template that a declaration stands for.

    Raises
    ------
    TypeError, ValueError
        If it is no string, or not in the language; the message holds the declaration.
    """
    if not isinstance(text, str):
        raise TypeError(f"templates holds {text!r} of type {type(text).__name__}, but a template is a string")
    try:
        return read(ast.parse(text.strip(), mode="eval").body)
    except (UnreadableError, SyntaxError) as error:
        what = error if isinstance(error, UnreadableError) else error.msg
        raise ValueError(f"templates holds {text!r}, which is no template: {what}") from None


def read(node):
    match node:
        case ast.BoolOp(op=ast.And(), values=[left, *others]):
            found = read(left)
            for other in others:
                found = Both(found, read(other))
            return found
        case ast.Compare(left=left, ops=[sign], comparators=[right]):
            return comparison(read(left), sign, right)
        case ast.Name(id="fields"):
            return Fields()
        case ast.Call(func=ast.Name(id="pixel"), args=args, keywords=[]):
            return pixel(args)
        case ast.Call(func=ast.Name(id="cell"), args=[first, second, *sizes], keywords=[]):
            return cell(field(first), field(second), [number(size) for size in sizes])
        case ast.Call(func=ast.Attribute(value=source, attr=name)) if name != "field":
            return function(name, read_source(source), node)
        case ast.Call(func=ast.Name(id=name)) if name != "field":
            return function(name, Source(), node)
        case ast.Name(id="length"):
            return Length(Source())
        case ast.Attribute(value=source, attr="length"):
            return Length(read_source(source))
    source = read_source(node)
    if source.field is None:
        raise UnreadableError("lower of what? Write lower.words(1) or name.lower")
    return Category(source) if source.lower else Value(source)


def read_source(node):
    match node:
        case ast.Name(id="lower"):
            return Source(lower=True)
        case ast.Attribute(value=inner, attr="lower"):
            return read_source(inner)._replace(lower=True)
    return Source(field(node))


def field(node):
    match node:
        case ast.Name(id=name) if name != "_":
            return name
        case ast.Call(func=ast.Name(id="field"), args=[ast.Constant(value=str() | int() as name)], keywords=[]):
            return name
        case ast.Constant(value=str() as name):
            return name
    raise UnreadableError(f"{ast.unparse(node)} is no field: write its name, or field('any name')")


def function(name, source, call):
    """A function of a text, such as suffix(3)."""
    keywords = {each.arg: each.value for each in call.keywords}
    if name in ("prefix", "suffix", "char_at"):
        (n,) = integers(call.args, 1, 1, name)
        if name != "char_at" and n < 1:
            raise UnreadableError(f"{name}({n}) needs at least one character")
        return Edge(source, name, n)
    if name in UNITS:
        return grams(name, source, call.args, keywords)
    if name == "contains":
        return contains(source, call.args)
    if name in ("count", "fraction") and len(call.args) == 1:
        match call.args[0]:
            case ast.Name(id=what) if what in CLASSES:
                return Count(source, what, True) if name == "count" else Fraction(source, what)
            case ast.Constant(value=str() as text) if text and name == "count":
                return Count(source, text, False)
        classes = ", ".join(CLASSES)
        raise UnreadableError(f"{name}({ast.unparse(call.args[0])}) names no class of characters: they are {classes}")
    raise UnreadableError(f"there is no {name}(...) of {len(call.args)} arguments")


def grams(unit, source, args, keywords, presence=False):
    low, *high = integers(args, 1, 2, unit) if args else [1]
    high = high[0] if high else low
    least = number(keywords.pop("least")) if unit == "words" and "least" in keywords else 2
    if keywords or not (1 <= low <= high and least >= 1):
        raise UnreadableError(
            f"{unit}({low}, {high}) needs 1 <= low <= high, and takes nothing else but words(..., least=1)"
        )
    return Grams(source, unit, low, high, least, presence)


def contains(source, args):
    match args:
        case [ast.Name(id="_")]:
            return Grams(source, "chars", 1, 1, presence=True)
        case [ast.Call(func=ast.Name(id=unit), args=inner, keywords=keywords)] if unit in UNITS:
            return grams(unit, source, inner, {each.arg: each.value for each in keywords}, presence=True)
    texts = [constant(arg) for arg in args]
    if not texts or not all(isinstance(text, str) and text for text in texts):
        raise UnreadableError(
            "contains(...) takes strings that are not empty, _ for every character met, or chars(1, 3)"
        )
    return Present(source, tuple(texts))


def comparison(left, sign, right):
    """left > 10, left > [10, 20], left > _, left == "Rome", left in vowel"""
    if type(sign) in SIGNS:
        left = Field(left.source) if isinstance(left, Value) else left
        if not hasattr(left, "measure"):
            raise UnreadableError("only numbers have thresholds: a length, count, fraction, field or pixel")
        return Threshold(left, SIGNS[type(sign)], *thresholds(right))
    if isinstance(sign, ast.In):
        return Among(piece(left), options(right))
    if not isinstance(sign, ast.Eq):
        raise UnreadableError("the comparisons are > >= < <= == and in")
    if isinstance(right, ast.Name) and right.id == "_":
        return left  # every value met
    given = constant(right)
    given = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    if given and all(isinstance(value, str) and value for value in given):
        return Listed(piece(left), given)
    left = Field(left.source) if isinstance(left, Value) else left
    if not (hasattr(left, "measure") and given and all(is_number(value) for value in given)):
        raise UnreadableError("== compares a text with strings, or a number with numbers")
    return Equal(left, given)


def thresholds(node):
    match node:
        case ast.Name(id="_"):
            return (None,)
        case ast.Call(func=ast.Name(id="quantiles"), args=args, keywords=[]):
            (how_many,) = integers(args, 1, 1, "quantiles")
            if how_many < 1:
                raise UnreadableError("quantiles(n) needs at least one")
            return None, how_many
    given = constant(node)
    given = tuple(given) if isinstance(given, (list, tuple)) else (given,)
    if not given or not all(is_number(value) for value in given):
        raise UnreadableError(f"a threshold is a number, a list of them, _ or quantiles(n), not {ast.unparse(node)}")
    return (tuple(map(float, given)),)


def piece(template):
    template = Category(template.source) if isinstance(template, Value) else template
    if not isinstance(template, Vocabulary):
        raise UnreadableError("only texts are compared with strings: a prefix, suffix, character, field or words")
    return template


def options(node):
    if isinstance(node, ast.Name) and node.id in CLASSES:
        return node.id
    given = constant(node)
    given = tuple(given) if isinstance(given, (str, list, tuple, set)) else ()
    if not given or not all(isinstance(value, str) and value for value in given):
        raise UnreadableError(
            f"`in` takes a class of characters ({', '.join(CLASSES)}), a string, or a list of strings"
        )
    return given


def pixel(args):
    if not 2 <= len(args) <= 3:
        raise UnreadableError("pixel(row, column) or pixel(row, column, channel)")
    places = [None if isinstance(arg, ast.Name) and arg.id == "_" else constant(arg) for arg in args]
    if not all(place is None or type(place) is int for place in places):
        raise UnreadableError("a row, column or channel is an integer, or _ for every one")
    return Pixel(*places, *[None] * (3 - len(places)))


def cell(first, second, sizes):
    sizes = sizes * 2 if len(sizes) == 1 else sizes
    if len(sizes) != 2 or not all(size > 0 for size in sizes):
        raise UnreadableError("cell(first, second, size) or cell(first, second, size, size), sizes above 0")
    return Cell(Source(first), Source(second), (float(sizes[0]), float(sizes[1])))


def constant(node):
    try:
        return ast.literal_eval(node)
    except ValueError:
        raise UnreadableError(f"{ast.unparse(node)} is no constant") from None


def number(node):
    value = constant(node)
    if not is_number(value):
        raise UnreadableError(f"{ast.unparse(node)} is no number")
    return value


def integers(args, fewest, most, name):
    values = [constant(arg) for arg in args]
    if not fewest <= len(values) <= most or not all(type(value) is int for value in values):
        raise UnreadableError(f"{name}(...) takes {fewest if fewest == most else f'{fewest} to {most}'} integers")
    return values


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == value


def default_templates(records: Any) -> list[Template]:
    """What is made of records where nothing is declared."""
    if records.kind == "texts":
        return [Grams(Source(lower=True), "words", 1, 1)]
    if records.kind == "dicts":
        return [Fields()]
    if records.kind == "images":
        return [Pixel(None, None, None)]
    return [Value(Source(name)) for name in records.fields]
