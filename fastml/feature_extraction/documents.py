"""Documents as packed characters, and the tokens in them, for the vectorizers of texts."""

from typing import Any

from fastml.preprocessing.templates.characters import marks_for
from fastml.preprocessing.templates.records import PART, Part
from fastml.preprocessing.templates.texts import gram_spans
from fastml_ext import features as kernels

__all__ = ["LEAST", "UNITS", "ReadsDocuments", "parts"]

LEAST = {r"\b\w\w+\b": 2, r"\b\w+\b": 1, r"\w+": 1}  # characters of a word by the patterns that the kernel knows
UNITS = {"word": "words", "char": "chars", "char_wb": "word_chars"}


class ReadsDocuments:
    """The part of a vectorizer of scikit-learn's that a kernel has for most settings: what the tokens are."""

    analyzer: Any
    input: Any
    lowercase: Any
    ngram_range: Any
    preprocessor: Any
    stop_words: Any
    strip_accents: Any
    token_pattern: Any
    tokenizer: Any
    build_preprocessor: Any
    build_tokenizer: Any
    decode: Any
    get_stop_words: Any
    _check_stop_words_consistency: Any
    _documents_parts = _text_parts = True  # of a table in parts one column of texts is taken

    def _has_kernel(self):
        if self.analyzer not in UNITS:
            return False
        if self.analyzer != "word":
            return True
        known = self.tokenizer is None and (self.token_pattern or "").removeprefix("(?u)") in LEAST
        return known and (self.stop_words is None or tuple(self.ngram_range) == (1, 1))

    def _documents(self, raw_documents):
        """The documents as strings, decoded and preprocessed."""
        if self.analyzer == "word" and self.stop_words is not None:
            checks = self.get_stop_words(), self.build_preprocessor(), self.build_tokenizer()
            self._check_stop_words_consistency(*checks)
        prepare = self.build_preprocessor()
        plain = self.lowercase and self.preprocessor is None and not self.strip_accents
        if self.preprocessor is not None:  # it may make a text of anything
            prepared = (prepare(self.decode(document)) for document in raw_documents)
            return [self._text(i, document, "what preprocessor made of it") for i, document in enumerate(prepared)]
        documents = [
            document if type(document) is str and self.input == "content" else self._text(i, self.decode(document))
            for i, document in enumerate(raw_documents)
        ]
        return [document.lower() if plain else prepare(document) for document in documents]

    @staticmethod
    def _text(i, found, what="convert it"):
        if not isinstance(found, str):
            cure = what if what == "convert it" else f"that is {what}; give back a text"
            raise TypeError(
                f"document {i} is {found!r:.60} of type {type(found).__name__}, but a text is expected: {cure}, or put"
                " '' for one that is missing"
            )
        return str(found)

    def _spans(self, part):
        least = LEAST[self.token_pattern.removeprefix("(?u)")] if self.analyzer == "word" else 1
        low, high = self.ngram_range
        return gram_spans(part, UNITS[self.analyzer], low, high, least)


def parts(documents):
    """The documents, packed, some at a time."""
    for at in range(0, max(len(documents), 1), PART):
        chars, starts = kernels.pack(documents[at : at + PART])
        yield Part(chars, starts, marks_for(chars))
