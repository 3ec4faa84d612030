"""Templates that make numbers of a record: length, counts and fractions of characters, a field; thresholds."""

import itertools
from dataclasses import dataclass

import numpy as np

from fastml.preprocessing.templates.characters import CLASSES
from fastml.preprocessing.templates.records import Source
from fastml.preprocessing.templates.template import Template, dense, flags
from fastml_ext import features as kernels

__all__ = ["Count", "Equal", "Field", "Fraction", "Length", "Pixel", "Threshold"]

TESTS = {">": np.greater, ">=": np.greater_equal, "<": np.less, "<=": np.less_equal}


class Number(Template):
    """One feature: a number."""

    ordered = True

    @property
    def title(self):
        """Its name."""
        raise NotImplementedError

    def measure(self, records):
        """(n,) float64, NaN where there is none."""
        raise NotImplementedError

    def evaluate(self, records, state, grow):
        return dense(self.measure(records)), ()

    def size(self, state):
        return 1

    def names(self, state, first=0):
        return [self.title][first:]


class TextNumber(Number):
    """A number of a text; NaN where the record has no such field."""

    source: Source

    def of_part(self, part):
        """The numbers of packed texts."""
        raise NotImplementedError

    def measure(self, records):
        values = np.concatenate([self.of_part(part) for part in records.parts(self.source)]).astype(np.float64)
        return np.where(records.present(self.source.field), values, np.nan)

    def evaluate(self, records, state, grow):
        values = self.measure(records)
        return dense(np.nan_to_num(values)), ()


@dataclass(frozen=True)
class Length(TextNumber):
    """How many characters a text has."""

    source: Source

    @property
    def title(self):
        return f"{self.source.prefix}length"

    def of_part(self, part):
        return np.diff(part.starts)


@dataclass(frozen=True)
class Count(TextNumber):
    """How many characters of a class, or how often a string, stands in a text."""

    source: Source
    what: str
    of_class: bool

    @property
    def title(self):
        return f"{self.source.prefix}{'numOf' + self.what.capitalize() if self.of_class else 'count_' + self.what}"

    def of_part(self, part):
        if self.of_class:
            return kernels.count_marked(*part, CLASSES[self.what])
        return kernels.count_text(part.chars, part.starts, np.array(list(map(ord, self.what)), np.uint32))


@dataclass(frozen=True)
class Fraction(TextNumber):
    """The share of a text's characters that are of a class; 0 of an empty text."""

    source: Source
    what: str

    @property
    def title(self):
        return f"{self.source.prefix}fracOf{self.what.capitalize()}"

    def of_part(self, part):
        return kernels.count_marked(*part, CLASSES[self.what]) / np.maximum(np.diff(part.starts), 1)


@dataclass(frozen=True)
class Field(Number):
    """The number in a field."""

    source: Source

    @property
    def title(self):
        return str(self.source.field)

    def measure(self, records):
        return records.numbers(self.source.field)

    def evaluate(self, records, state, grow):
        values = self.measure(records)
        return dense(values, (values != 0) & records.present(self.source.field)), ()


@dataclass(frozen=True)
class Pixel(Number):
    """The value of one pixel of an image or, where a place is None, of every one."""

    row: int | None
    column: int | None
    channel: int | None

    def evaluate(self, records, state, grow):
        if records.kind != "images":
            raise ValueError(f"pixel(...) reads images (n, rows, columns[, channels]), but X holds {records.kind}")
        shape = records.rows.shape[1:]
        places = (self.row, self.column, self.channel)[: len(shape)]
        if len(shape) == 2 and self.channel is not None:
            raise ValueError(f"pixel(...) names channel {self.channel}, but the images have the shape {shape}")
        if state is not None and tuple(state) != shape:
            raise ValueError(f"the images have the shape {shape}, but {tuple(state)} was fitted")
        for place, size in zip(places, shape, strict=True):
            if place is not None and not -size <= place < size:
                raise ValueError(f"pixel(...) names place {place} of {size} in images of shape {shape}")
        picked = records.rows
        for axis, place in enumerate(places, start=1):
            picked = picked if place is None else np.take(picked, [place], axis=axis)
        table = picked.reshape(records.n, -1).astype(np.float64)
        return flags(table != 0)._replace(values=table[table != 0]), shape

    def measure(self, records):
        """(n,) the values of the one pixel that is named."""
        entries, shape = self.evaluate(records, None, False)
        if self.size(shape) != 1:
            raise ValueError(f"{self.title} is {self.size(shape)} numbers, but a threshold needs one: name its place")
        values = np.zeros(records.n)
        values[np.diff(entries.rows) > 0] = entries.values
        return values

    @property
    def title(self):
        places = [self.row, self.column] + ([] if self.channel is None else [self.channel])
        return f"pixel[{','.join('_' if at is None else str(at) for at in places)}]"

    def places(self, shape):
        given = (self.row, self.column, self.channel)[: len(shape)]
        return [range(size) if at is None else [at] for at, size in zip(given, shape, strict=True)]

    def size(self, state):
        return int(np.prod([len(places) for places in self.places(state)]))

    def names(self, state, first=0):
        return [f"pixel[{','.join(map(str, at))}]" for at in itertools.product(*self.places(state))][first:]


@dataclass(frozen=True)
class Threshold(Template):
    """Whether a number is beyond each of some thresholds: those given, or quantiles of the first data met."""

    number: Number
    sign: str
    given: tuple[float, ...] | None
    how_many: int = 10  # thresholds learnt at most
    ordered = True

    def evaluate(self, records, state, grow):
        values = self.number.measure(records)
        thresholds = self._thresholds(values, state)
        table = TESTS[self.sign](values[:, None], thresholds)
        return flags(table), thresholds

    def _thresholds(self, values, state):
        if state is not None:
            return state
        if self.given is not None:
            return np.array(self.given, np.float64)
        known = values[np.isfinite(values)]
        if not len(known):
            return np.empty(0)
        at = np.arange(1, self.how_many + 1) / (self.how_many + 1)
        found = np.unique(np.quantile(known, at, method="lower"))
        told = TESTS[self.sign](known[:, None], found).mean(axis=0)
        return found[(told > 0) & (told < 1)]  # the others hold for all of the records, or for none

    def size(self, state):
        return len(state)

    def names(self, state, first=0):
        return [f"{self.number.title}{self.sign}{plain(value)}" for value in state[first:].tolist()]


@dataclass(frozen=True)
class Equal(Template):
    """Whether a number is each of those given."""

    number: Number
    given: tuple[float, ...]
    ordered = True

    def evaluate(self, records, state, grow):
        table = self.number.measure(records)[:, None] == np.array(self.given, np.float64)
        return flags(table), ()

    def size(self, state):
        return len(self.given)

    def names(self, state, first=0):
        return [f"{self.number.title}={plain(value)}" for value in self.given[first:]]


def plain(value):
    """A number as short as it can be written: 10, not 10.0."""
    return str(int(value)) if float(value).is_integer() and abs(value) < 2**53 else repr(float(value))
