"""Templates over fields: a value as number or category, all values of a dictionary, cells of a grid; conjunctions."""

from dataclasses import dataclass

import numpy as np

from fastml.preprocessing.templates.numbers import Field, plain
from fastml.preprocessing.templates.records import Source
from fastml.preprocessing.templates.template import Entries, Template, code_parts, new_words
from fastml.preprocessing.templates.texts import Vocabulary
from fastml_ext import features as kernels

__all__ = ["Both", "Category", "Cell", "Fields", "Value"]

KEY = 4  # two int64 as four uint32


@dataclass(frozen=True)
class Category(Vocabulary):
    """The text in a field, one feature for each that is met."""

    source: Source

    @property
    def title(self):
        return f"{self.source.prefix.removesuffix('.')}="

    def spans(self, part):
        kept = part.starts[:-1] < part.starts[1:]
        rows = np.concatenate([[0], np.cumsum(kept)])
        return part.chars, part.starts[:-1][kept], part.starts[1:][kept], rows


@dataclass(frozen=True)
class Value(Template):
    """A field as a number, or as a category where the first records hold texts in it."""

    source: Source

    def _template(self, state):
        return Field(self.source) if state == () else Category(self.source)

    def evaluate(self, records, state, grow):
        if state is None:
            values = records.column(self.source.field)
            texts = not isinstance(values, np.ndarray) and any(isinstance(value, str) for value in values)
            state = new_words() if texts else ()
        return self._template(state).evaluate(records, state, grow)

    def size(self, state):
        return self._template(state).size(state)

    def names(self, state, first=0):
        return self._template(state).names(state, first)

    def order(self, state, first):
        return self._template(state).order(state, first)

    def forget(self, state):
        return self._template(state).forget(state)


@dataclass(frozen=True)
class Fields(Template):
    """All items of a dictionary: a number is a feature's value, a string or each of several a feature of its own."""

    def evaluate(self, records, state, grow):
        if records.kind != "dicts":
            raise ValueError(f"fields reads mappings, but X holds {records.kind}: declare templates for those")
        names = {} if state is None else dict(state) if grow else state
        try:
            codes, values, rows = kernels.code_records(records.rows, names, {}, "=", grow)
        except TypeError as error:
            raise TypeError(f"{error}: a feature is a number, a string, or a list of strings") from None
        return Entries(rows, codes, values), names

    def size(self, state):
        return len(state)

    def names(self, state, first=0):
        return list(map(str, state))[first:]

    def forget(self, state):
        return {}


@dataclass(frozen=True)
class Cell(Template):
    """The cell of a grid that two numbers fall into, one feature for each that is met."""

    first: Source
    second: Source
    sizes: tuple[float, float]

    def evaluate(self, records, state, grow):
        numbers = [records.numbers(source.field) for source in (self.first, self.second)]
        kept = np.isfinite(numbers).all(axis=0)
        cells = [np.floor(x[kept] / size).astype(np.int64) for x, size in zip(numbers, self.sizes, strict=True)]
        rows = np.concatenate([[0], np.cumsum(kept)])
        return code_keys(np.column_stack(cells), None, rows, new_words() if state is None else state, grow)

    def size(self, state):
        return len(state.starts) - 1

    def names(self, state, first=0):
        return [self._name(*key) for key in keys_of(state, first)]

    def _name(self, *key):
        ranges = [(at * size, (at + 1) * size) for at, size in zip(key, self.sizes, strict=True)]
        fields = self.first.field, self.second.field
        return " and ".join(f"{f} in [{plain(a)},{plain(b)})" for f, (a, b) in zip(fields, ranges, strict=True))

    def forget(self, state):
        return new_words()


@dataclass(frozen=True)
class Both(Template):
    """A feature for each pair of features of two templates that a record has; its value is their product."""

    left: Template
    right: Template

    def evaluate(self, records, state, grow):
        left, right, words = (None, None, new_words()) if state is None else state
        one, left = self.left.evaluate(records, left, grow)
        other, right = self.right.evaluate(records, right, grow)
        keys, values, rows = kernels.cross(*one, *other)
        entries, words = code_keys(keys, values, rows, words, grow)
        return entries, (left, right, words)

    def size(self, state):
        return len(state[2].starts) - 1

    def names(self, state, first=0):
        left, right, words = state
        lefts, rights = self.left.names(left), self.right.names(right)
        return [f"{lefts[i]} and {rights[j]}" for i, j in keys_of(words, first)]

    def forget(self, state):
        return self.left.forget(state[0]), self.right.forget(state[1]), new_words()


def code_keys(keys, values, rows, words, grow):
    """(Entries, Words) of pairs of int64 (n, 2), each as a word of four uint32."""
    at = np.arange(len(keys) + 1) * KEY
    chars = np.ascontiguousarray(keys).view(np.uint32).ravel()
    part = (chars, at[:-1], at[1:], rows, *([] if values is None else [values]))
    return code_parts([part], words, grow)


def keys_of(words, first=0):
    """The pairs of the words from number `first` on, as lists of two integers."""
    return words.chars[KEY * first :].view(np.int64).reshape(-1, 2).tolist()
