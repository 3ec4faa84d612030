"""What a template is: features of records by a rule, each with a name, and a state that grows with what it meets."""

import itertools
from typing import NamedTuple

import numpy as np

from fastml_ext import features as kernels

__all__ = [
    "NONE",
    "Entries",
    "Template",
    "Words",
    "code_parts",
    "dense",
    "flags",
    "joined",
    "new_words",
    "order_words",
    "spell",
    "words_of",
]

NONE = np.empty(0)  # values of spans that each count 1


class Entries(NamedTuple):
    """Features of n rows: those of row i stand at rows[i] : rows[i + 1], each a code and a value."""

    rows: np.ndarray
    codes: np.ndarray
    values: np.ndarray

    def presence(self):
        """The same features, each with the value 1."""
        return self._replace(values=np.ones(len(self.values)))

    def nonzero(self):
        """Those whose value is not 0."""
        return self.where(self.values != 0)

    def where(self, kept):
        """Those at which `kept` (n_entries,) is true."""
        before = np.concatenate([[0], np.cumsum(kept)])
        return Entries(before[self.rows], self.codes[kept], self.values[kept])


class Words(NamedTuple):
    """A vocabulary: word c is chars[starts[c] : starts[c + 1]]; slots find it."""

    chars: np.ndarray
    starts: np.ndarray
    slots: np.ndarray


class Template:
    """A rule that makes features; `state` is what it has learnt, None before the first records."""

    ordered = False  # whether the order of its codes is the order of its columns

    def evaluate(self, records, state, grow):
        """(Entries, state): where `grow`, features not met before get the next codes, else they are left out."""
        raise NotImplementedError

    def size(self, state):
        """How many codes there are."""
        raise NotImplementedError

    def names(self, state, first=0):
        """Names of the codes first, first + 1, ..."""
        raise NotImplementedError

    def order(self, state, first):
        """The codes from `first` on in the order in which they get columns."""
        if self.ordered:
            return np.arange(first, self.size(state))
        return first + kernels.order_words(*kernels.pack(self.names(state, first)))

    def forget(self, state):
        """The state without its vocabulary, thresholds and the like kept: what hashing needs."""
        return state


def new_words():
    return Words(np.empty(0, np.uint32), np.zeros(1, np.int64), np.zeros(64, np.uint64))


def words_of(texts):
    """(Words, which of them each text is)"""
    chars, starts = kernels.pack(list(texts))
    rows = np.arange(len(starts))
    codes, _, _, table = kernels.count_spans(chars, starts[:-1], starts[1:], rows, NONE, tuple(new_words()), True)
    return Words(*table), codes


def code_parts(parts, words, grow):
    """(Entries, Words) of parts (chars, begin, end, rows[, values]): their spans, counted by the words' codes."""
    found = []
    for chars, begin, end, rows, *values in parts:
        given = (chars, begin, end, rows, values[0] if values else NONE)
        codes, sums, counted, table = kernels.count_spans(*given, tuple(words), grow)
        words = Words(*table)
        found.append(Entries(counted, codes, sums))
    return joined(found), words


def joined(parts):
    """Entries of several parts of the rows as one."""
    if len(parts) == 1:
        return parts[0]
    before = np.cumsum([0, *(part.rows[-1] for part in parts)])
    rows = [part.rows[1:] + offset for part, offset in zip(parts, before, strict=False)]
    codes, values = (np.concatenate([part[i] for part in parts]) for i in (1, 2))
    return Entries(np.concatenate([[0], *rows]), codes, values)


def dense(values, kept=None):
    """Entries of one feature with values (n,), those that are 0 left out."""
    rows = np.arange(len(values) + 1)
    entries = Entries(rows, np.zeros(len(values), np.int64), np.asarray(values, np.float64))
    return entries.where(entries.values != 0 if kept is None else kept)


def flags(table):
    """Entries of the true ones of a table (n, n_codes) of bool, each 1."""
    rows = np.concatenate([[0], np.cumsum(table.sum(axis=1))])
    codes = np.nonzero(table)[1].astype(np.int64)
    return Entries(rows, codes, np.ones(len(codes)))


def order_words(words, first=0):
    """The numbers of the words from `first` on, in ascending order of the words."""
    start = words.starts[first]
    return first + kernels.order_words(words.chars[start:], words.starts[first:] - start)


def spell(words, first=0):
    """The words from number `first` on, as strings."""
    start = int(words.starts[first])
    text = words.chars[start:].astype("<u4").tobytes().decode("utf-32-le", "surrogatepass")
    cuts = (words.starts[first:] - start).tolist()
    return [text[a:b] for a, b in itertools.pairwise(cuts)]
