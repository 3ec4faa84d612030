"""Templates that read a text: its beginning, its end, a character, what it contains, its words and n-grams."""

from dataclasses import dataclass

import numpy as np

from fastml.preprocessing.templates.characters import CLASSES, SPACE, TESTS, WORD
from fastml.preprocessing.templates.records import Source
from fastml.preprocessing.templates.template import Template, code_parts, flags, new_words, order_words, spell, words_of
from fastml_ext import features as kernels

__all__ = ["Among", "Edge", "Grams", "Listed", "Present", "gram_spans"]


class Vocabulary(Template):
    """Features that are the different pieces of text met, one each."""

    source: Source
    presence = False

    @property
    def title(self):
        """What the names begin with."""
        raise NotImplementedError

    def spans(self, part):
        """(chars, begin, end, rows) of the pieces of packed texts."""
        raise NotImplementedError

    def evaluate(self, records, state, grow):
        words = new_words() if state is None else state
        entries, words = code_parts(map(self.spans, records.parts(self.source)), words, grow)
        return (entries.presence() if self.presence else entries), words

    def size(self, state):
        return len(state.starts) - 1

    def names(self, state, first=0):
        title = self.title
        return [title + word for word in spell(state, first)]

    def order(self, state, first):
        return order_words(state, first)

    def forget(self, state):
        return new_words()


@dataclass(frozen=True)
class Edge(Vocabulary):
    """The first or last n characters (the whole text where it is shorter), or the one at a place."""

    source: Source
    kind: str  # "prefix", "suffix" or "char_at"
    n: int

    @property
    def title(self):
        word = {"prefix": "startsWith", "suffix": "endsWith", "char_at": f"charAt{self.n}"}[self.kind]
        return f"{self.source.prefix}{word}_"

    def spans(self, part):
        first, last = part.starts[:-1], part.starts[1:]
        if self.kind == "prefix":
            begin, end = first, np.minimum(first + self.n, last)
        elif self.kind == "suffix":
            begin, end = np.maximum(last - self.n, first), last
        else:
            begin = first + self.n if self.n >= 0 else last + self.n
            begin = np.where((begin >= first) & (begin < last), begin, last)
            end = np.minimum(begin + 1, last)
        kept = begin < end
        rows = np.concatenate([[0], np.cumsum(kept)])
        return part.chars, begin[kept], end[kept], rows


@dataclass(frozen=True)
class Grams(Vocabulary):
    """Runs of low to high neighbouring words or characters, how often each stands in the text, or that it does."""

    source: Source
    unit: str  # "words", "chars" or "word_chars"
    low: int
    high: int
    least: int = 2  # characters of a word
    presence: bool = False  # whether each counts 1

    @property
    def title(self):
        word = (
            "contains" if self.presence else {"words": "word", "chars": "chars", "word_chars": "wordChars"}[self.unit]
        )
        return f"{self.source.prefix}{word}_"

    def spans(self, part):
        return gram_spans(part, self.unit, self.low, self.high, self.least)


def gram_spans(part, unit, low, high, least=2):
    """(chars, begin, end, rows) of the n-grams of packed texts.

    unit: "words" of at least `least` characters; "chars", runs of whitespace being one space; or "word_chars",
    characters within words between whitespace, each with a space before and after it
    """
    chars, starts, marks = part
    if unit == "words":
        chars, *words = kernels.tokenize(chars, starts, marks, WORD, least)
        return chars, *(words if low == high == 1 else kernels.word_grams(*words, low, high))
    if unit == "chars":
        chars, starts = kernels.squeeze(chars, starts, marks, SPACE)
        return chars, *kernels.char_grams(starts[:-1], starts[1:], np.arange(len(starts)), low, high, False)
    chars, first, last, rows = kernels.tokenize(chars, starts, marks, CLASSES["nonspace"], 1)
    return chars, *kernels.char_grams(first - 1, last + 1, rows, low, high, True)


@dataclass(frozen=True)
class Present(Template):
    """Whether the text contains each of the strings given."""

    source: Source
    texts: tuple[str, ...]
    ordered = True

    def evaluate(self, records, state, grow):
        wanted = [np.array(list(map(ord, text)), np.uint32) for text in self.texts]
        found = [[kernels.count_text(p.chars, p.starts, w) for w in wanted] for p in records.parts(self.source)]
        return flags(np.concatenate(found, axis=1).T > 0), ()

    def size(self, state):
        return len(self.texts)

    def names(self, state, first=0):
        return [f"{self.source.prefix}contains_{text}" for text in self.texts[first:]]


@dataclass(frozen=True)
class Listed(Template):
    """Of the pieces that another template makes, those given, whether they are met or not."""

    template: Vocabulary
    texts: tuple[str, ...]
    ordered = True

    def evaluate(self, records, state, grow):
        words = words_of(self.texts)[0]
        return code_parts(map(self.template.spans, records.parts(self.template.source)), words, False)[0], ()

    def size(self, state):
        return len(self.texts)

    def names(self, state, first=0):
        return [self.template.title + text for text in self.texts[first:]]


@dataclass(frozen=True)
class Among(Template):
    """Whether a piece is one of the strings given, or a character of a class."""

    template: Vocabulary
    options: str | tuple[str, ...]  # the name of a class, or strings
    ordered = True

    def evaluate(self, records, state, grow):
        entries, words = self.template.evaluate(records, None, True)
        if isinstance(self.options, str):
            hit = np.array([bool(word) and all(map(TESTS[self.options], word)) for word in spell(words)], bool)
        else:
            hit = np.array([word in self.options for word in spell(words)], bool)
        kept = entries.presence().where(hit[entries.codes])
        return kept._replace(codes=np.zeros(len(kept.codes), np.int64)), ()

    def size(self, state):
        return 1

    def names(self, state, first=0):
        what = self.options if isinstance(self.options, str) else "|".join(self.options)
        return [f"{self.template.title.rstrip('_=')}_in_{what}"][first:]
