"""What the kernels of texts and records compute, by definition.

Everywhere: n texts or records. Packed texts are `chars` (total,) uint32, the code points of all texts one after the
other, lone surrogates among them, and `starts` (n + 1,) int64, ascending from 0: text i is
chars[starts[i] : starts[i + 1]]. `marks` (0x110000,) uint16 holds for each code point the bits of the classes it is in,
and a character is marked where marks[c] & mark is not 0.
Entries of n rows are `rows` (n + 1,) int64, ascending from 0, and for each entry a code, int64, and a value, float64:
those of row i stand at rows[i] : rows[i + 1]. The kernels take C-contiguous arrays.
"""

import math

import numpy as np

__all__ = [
    "assemble",
    "char_grams",
    "code_records",
    "count_marked",
    "count_spans",
    "count_text",
    "cross",
    "hash_names",
    "order_words",
    "pack",
    "pages",
    "squeeze",
    "tokenize",
    "word_grams",
]

SPACE = ord(" ")


def pack(texts):
    """(chars, starts) of texts; None where one is not a str.

    texts: list of n str of any characters, empty ones too
    """
    if not all(isinstance(text, str) for text in texts):
        return None
    chars = [ord(character) for text in texts for character in text]
    return np.array(chars, np.uint32), offsets([len(text) for text in texts])


def offsets(lengths):
    """(n + 1,) int64: where parts of these lengths begin when one stands after the other, and where the last ends."""
    return np.array([sum(lengths[:i]) for i in range(len(lengths) + 1)], np.int64)


def ranges(rows):
    return [(int(rows[i]), int(rows[i + 1])) for i in range(len(rows) - 1)]


def each_text(chars, starts):
    return [chars[a:b].tolist() for a, b in ranges(starts)]


def runs(text, marked):
    """The longest runs of characters that are all marked or all not, in order: pairs (is it marked, its characters)."""
    cuts = [i for i in range(1, len(text)) if marked(text[i]) != marked(text[i - 1])]
    parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    return [(marked(part[0]), part) for part in parts if part]


def pages(chars):
    """(0x1100,) uint8: 1 at p where one of the characters is one of the code points 256 p ... 256 p + 255, else 0."""
    return np.array([int(np.any(chars // 256 == p)) for p in range(0x1100)], np.uint8)


def tokenize(chars, starts, marks, mark, least):
    """(chars, first, last, rows): the words of each text, longest runs of marked characters of at least `least`.

    The words of a text stand in the new chars with one space before, between and after them; a text
    without words is empty. Word w is chars[first[w] : last[w]]; those of text i are the words rows[i] : rows[i + 1].
    least: at least 1 | first, last (n_words,) int64 | with mark for all but whitespace and least 1 it is str.split
    """
    out, first, last, counts = [], [], [], []
    for text in each_text(chars, starts):
        words = [part for marked, part in runs(text, lambda c: marks[c] & mark) if marked and len(part) >= least]
        for word in words:
            first.append(len(out) + 1)
            last.append(len(out) + 1 + len(word))
            out += [SPACE, *word]
        out += [SPACE] if words else []
        counts.append(len(words))
    return np.array(out, np.uint32), np.array(first, np.int64), np.array(last, np.int64), offsets(counts)


def squeeze(chars, starts, marks, mark):
    """(chars, starts) of the texts with each longest run of two or more marked characters replaced by one space."""
    texts = []
    for text in each_text(chars, starts):
        parts = [
            [SPACE] if marked and len(part) > 1 else part for marked, part in runs(text, lambda c: marks[c] & mark)
        ]
        texts.append([c for part in parts for c in part])
    return np.array([c for text in texts for c in text], np.uint32), offsets([len(text) for text in texts])


def word_grams(first, last, rows, low, high):
    """(begin, end, rows): every run of low, low + 1, ... high neighbouring words of a text, as a span of its chars.

    first, last, rows: as `tokenize` returns them | 1 <= low <= high
    Order: by text, then by number of words, then by place.
    """
    spans = [
        [(first[j], last[j + k - 1]) for k in range(low, high + 1) for j in range(a, b - k + 1)]
        for a, b in ranges(rows)
    ]
    return (*pairs([span for row in spans for span in row]), offsets([len(row) for row in spans]))


def char_grams(first, last, rows, low, high, short):
    """(begin, end, rows): every run of low, low + 1, ... high neighbouring characters of a piece, as a span.

    Piece p is first[p] : last[p]; those of text i are the pieces rows[i] : rows[i + 1] | 1 <= low <= high
    short: a piece of fewer than `low` characters counts once, as it is; else it has no run
    Order: by piece, then by number of characters, then by place.
    """
    spans = []
    for start, stop in ranges(rows):
        row = []
        for a, b in zip(first[start:stop].tolist(), last[start:stop].tolist(), strict=True):
            row += [(a, b)] if short and b - a < low else []
            row += [(j, j + k) for k in range(low, high + 1) for j in range(a, b - k + 1)]
        spans.append(row)
    return (*pairs([span for row in spans for span in row]), offsets([len(row) for row in spans]))


def pairs(spans):
    begin, end = np.array(spans, np.int64).reshape(-1, 2).T
    return np.ascontiguousarray(begin), np.ascontiguousarray(end)


def count_marked(chars, starts, marks, mark):
    """(n,) int64: how many characters of each text are marked."""
    return np.array([sum(bool(marks[c] & mark) for c in text) for text in each_text(chars, starts)], np.int64)


def count_text(chars, starts, wanted):
    """(n,) int64: how often `wanted` stands in each text, counted from the left, none overlapping one before it.

    wanted (length,) uint32, at least one character
    """
    needle = "".join(map(chr, wanted.tolist()))
    return np.array(["".join(map(chr, text)).count(needle) for text in each_text(chars, starts)], np.int64)


def count_spans(chars, begin, end, rows, values, table, grow):
    """(codes, sums, rows, table): the different spans of each row, numbered by a vocabulary.

    chars (total,) uint32 | span s is chars[begin[s] : end[s]], those of row i are the spans rows[i] : rows[i + 1]
    values (n_spans,) float64 are added up over the equal spans of a row, in their order; empty: each counts 1
    table: the vocabulary (chars, starts, slots): word c is chars[starts[c] : starts[c + 1]]; slots (a power of two,)
        uint64 are an index of the words that only the kernel reads and makes, zeros for no words
    grow: a span that is no word yet becomes the next one, in order of appearance, in the table that is returned;
        else it is left out, and the table is returned as it was
    Entries of a row in order of first appearance. The same numbers come out whatever the slots hold.
    """
    words = ["".join(map(chr, text)) for text in each_text(table[0], table[1])]
    text = "".join(map(chr, chars.tolist()))
    codes, sums, counts = [], [], []
    for start, stop in ranges(rows):
        row: dict[int, float] = {}
        for s in range(start, stop):
            word = text[begin[s] : end[s]]
            if grow and word not in words:
                words.append(word)
            if word in words:
                code = words.index(word)
                row[code] = row.get(code, 0.0) + (values[s] if len(values) else 1.0)
        codes += list(row)
        sums += list(row.values())
        counts.append(len(row))
    known = (*pack(words), table[2]) if grow else table
    return np.array(codes, np.int64), np.array(sums, np.float64), offsets(counts), known


def order_words(chars, starts):
    """(n_words,) int64: the numbers of the words in ascending order of their characters, as Python orders strings.

    chars, starts: the words, packed | equal words keep their order
    """
    words = each_text(chars, starts)
    return np.array(sorted(range(len(words)), key=lambda i: words[i]), np.int64)


def cross(rows, codes, values, other_rows, other_codes, other_values):
    """(keys, values, rows): of each row every pair of an entry and an entry of the other's same row.

    keys (n_pairs, 2) int64: the two codes | values: the product of the two
    Order: by row, by the first's entry, by the other's.
    """
    keys, products, counts = [], [], []
    for i in range(len(rows) - 1):
        found = [(j, k) for j in range(rows[i], rows[i + 1]) for k in range(other_rows[i], other_rows[i + 1])]
        keys += [(codes[j], other_codes[k]) for j, k in found]
        products += [values[j] * other_values[k] for j, k in found]
        counts.append(len(found))
    return np.array(keys, np.int64).reshape(-1, 2), np.array(products, np.float64), offsets(counts)


def hash_names(names, n_columns):
    """(columns, signs): |h| modulo n_columns and the sign of h, where h is the signed MurmurHash3_x86_32 of a name.

    names: list of str, hashed as UTF-8 (lone surrogates as the three bytes of their number) with seed 0
    columns (n,) int64 | signs (n,) float64: -1.0 where h is negative, else 1.0
    A. Appleby, MurmurHash3, 2011; signed: K. Weinberger et al., Feature hashing for multitask learning, 2009.
    """
    hashes = [murmur3(name.encode("utf-8", "surrogatepass")) for name in names]
    columns = [abs(h) % n_columns for h in hashes]
    return np.array(columns, np.int64), np.array([math.copysign(1.0, h) for h in hashes])


def murmur3(data):
    """MurmurHash3_x86_32 of bytes with seed 0, from -2**31 to 2**31 - 1."""

    def rotated(x, by):
        return (x << by | x >> (32 - by)) % 2**32

    def scrambled(block):
        return rotated(int.from_bytes(block, "little") * 0xCC9E2D51 % 2**32, 15) * 0x1B873593 % 2**32

    h, whole = 0, len(data) // 4 * 4
    for at in range(0, whole, 4):
        h = (rotated(h ^ scrambled(data[at : at + 4]), 13) * 5 + 0xE6546B64) % 2**32
    h ^= scrambled(data[whole:]) ^ len(data)
    h = (h ^ h >> 16) * 0x85EBCA6B % 2**32
    h = (h ^ h >> 13) * 0xC2B2AE35 % 2**32
    h ^= h >> 16
    return h - 2**32 if h >= 2**31 else h


def code_records(records, names, known, separator, grow):
    """(codes, values, rows): the entries of each record, in the order of its items.

    records: list of n dicts or other mappings
    names: dict of each feature's name to its code; where `grow`, names that are new are added with the next codes, else
        their entries are left out
    known: dict that the kernel fills to find "key=value" again: {} at first, then always the same one with `names`
    A number or a bool under a key is the feature `key` with that value, None is NaN; a string is the feature
    "{key}{separator}{string}" with the value 1; a list or other iterable of strings is a feature for each of them.
    TypeError, which says X[i] and the key: the record is no mapping, or a value is none of these (bytes, a mapping).
    """
    codes, values, counts = [], [], []
    for i, record in enumerate(records):
        before = len(codes)
        if not hasattr(record, "items"):
            raise TypeError(f"X[{i}] is {record!r}, no mapping")
        for key, value in record.items():
            for name, number in features(i, key, value, separator):
                if grow:
                    names.setdefault(name, len(names))
                if name in names:
                    codes.append(names[name])
                    values.append(number)
        counts.append(len(codes) - before)
    return np.array(codes, np.int64), np.array(values, np.float64), offsets(counts)


def features(i, key, value, separator):
    """(name, value) of each feature that one item of record i stands for."""
    if value is None or isinstance(value, (int, float, np.number, np.bool_)):
        return [(key, math.nan if value is None else float(value))]
    if isinstance(value, str):
        return [(f"{key}{separator}{value}", 1.0)]
    if hasattr(value, "__iter__") and not hasattr(value, "items") and not isinstance(value, bytes):
        parts = list(value)
        if all(isinstance(part, str) for part in parts):
            return [(f"{key}{separator}{part}", 1.0) for part in parts]
    raise TypeError(f"X[{i}][{key!r}] is {value!r}")


def assemble(n, blocks):
    """(indptr, indices, data) of the CSR matrix of n rows that holds the entries of all blocks.

    blocks: list of (rows, columns, values), columns in place of codes; entries of a negative column are left out
    indptr (n + 1,), indices int64 | data float64 | columns ascend within a row and none is there twice: entries of
    one row and column are added up, in order of the blocks and of the entries in them
    """
    indices, data, counts = [], [], []
    for i in range(n):
        row: dict[int, float] = {}
        for rows, columns, values in blocks:
            for j in range(rows[i], rows[i + 1]):
                if columns[j] >= 0:
                    column = int(columns[j])
                    row[column] = row[column] + values[j] if column in row else values[j]
        indices += sorted(row)
        data += [row[column] for column in sorted(row)]
        counts.append(len(row))
    return offsets(counts), np.array(indices, np.int64), np.array(data, np.float64)
