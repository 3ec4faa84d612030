"""Small inputs for the kernels of texts and records, taken in by cases.py."""

import numpy as np

LETTERS = "ab é\t_𝄞"
MARKS = np.zeros(0x110000, np.uint16)
MARKS[list(map(ord, "abé_𝄞"))] = 1
MARKS[list(map(ord, " \t"))] = 2


def pack(family, random):
    return family.pack([*texts(random), *([None] if random.integers(5) == 0 else [])])


def pages(family, random):
    return family.pages(packed(family, random)[0])


def tokenize(family, random):
    return family.tokenize(*packed(family, random), MARKS, 1, int(random.integers(1, 3)))


def squeeze(family, random):
    return family.squeeze(*packed(family, random), MARKS, 2)


def word_grams(family, random):
    low, high = bounds(random)
    return family.word_grams(*tokenize(family, random)[1:], low, high)


def char_grams(family, random):
    low, high = bounds(random)
    _, starts = packed(family, random)
    return family.char_grams(starts[:-1], starts[1:], np.arange(len(starts)), low, high, bool(random.integers(2)))


def count_marked(family, random):
    return family.count_marked(*packed(family, random), MARKS, int(random.integers(1, 4)))


def count_text(family, random):
    wanted = random.choice(list(map(ord, LETTERS)), random.integers(1, 3)).astype(np.uint32)
    return family.count_text(*packed(family, random), wanted)


def count_spans(family, random):
    """Twice: into a new vocabulary, and into that one; its index is the kernel's own."""
    table, results = (np.empty(0, np.uint32), np.zeros(1, np.int64), np.zeros(64, np.uint64)), []
    for grow in (True, bool(random.integers(2))):
        chars, starts = packed(family, random)
        rows = np.arange(len(starts))
        spans = family.char_grams(starts[:-1], starts[1:], rows, 1, 2, False)
        values = random.integers(0, 9, len(spans[0])) / 4 if random.integers(2) else np.empty(0)
        *found, table = family.count_spans(chars, *spans, values, table, grow)
        results.append((*found, *table[:2]))
    return results


def order_words(family, random):
    return family.order_words(*packed(family, random))


def cross(family, random):
    n = int(random.integers(1, 6))
    return family.cross(*entries(random, n), *entries(random, n))


def hash_names(family, random):
    return family.hash_names(texts(random), int(random.integers(1, 2**40)))


def code_records(family, random):
    names: dict[str, int] = {}
    records = [{str(key): some_value(random) for key in random.choice(list("abcd"), 3)} for _ in range(5)]
    found = family.code_records(records, names, {}, "=", True)
    return *found, list(names), *family.code_records(records[::-1], names, {}, "=", False)


def assemble(family, random):
    n = int(random.integers(0, 6))
    return family.assemble(n, [entries(random, n) for _ in range(random.integers(0, 4))])


def texts(random):
    return ["".join(random.choice(list(LETTERS), random.integers(0, 9))) for _ in range(random.integers(1, 6))]


def packed(family, random):
    return family.pack(texts(random))


def bounds(random):
    low = int(random.integers(1, 4))
    return low, low + int(random.integers(0, 3))


def entries(random, n):
    """(rows, codes, values)"""
    rows = np.concatenate([[0], np.cumsum(random.integers(0, 4, n))])
    return rows, random.integers(-1, 5, rows[-1]), random.integers(-3, 4, rows[-1]) / 2


def some_value(random):
    return [1.5, 3, True, None, "x", "y", ["x", "z"], np.float32(0.5)][random.integers(8)]
