"""The state of FeatureTemplates, as fastml.schema reads it: t templates, each with the codes that it has met."""

import numpy as np

from fastml.preprocessing.templates.fields import KEY, Both, Cell, Fields, Value
from fastml.preprocessing.templates.numbers import Pixel, Threshold
from fastml.preprocessing.templates.template import Template, Words
from fastml.preprocessing.templates.texts import Vocabulary
from fastml.schema import anything, array, each, may_lack, names, one_of, size, struct, whole

__all__ = ["TEMPLATES", "also_templates"]

CODE_BITS = 40  # of a slot, as in fastml_ext/features/vocabulary.pyx


def template(value, sizes):
    if not isinstance(value, Template):
        raise ValueError(f"{value!r:.60} instead of a template")


TEMPLATES: dict = {
    "templates_": each(template, "t"),
    "kind_": one_of("texts", "dicts", "frame", "table", "images"),
    "n_columns_": whole(),
    "learnt_": each(
        struct("Learnt", state=anything, columns=array("i8", "*", low=-1), rows=array("i8", "*", low=0)), "t"
    ),
    "n_features_in_": may_lack(size("d")),
    "feature_names_in_": may_lack(names),
}


def also_templates(state, sizes):
    """Each code has one column of its own, or none."""
    hashed, columns = state.get("n_features"), []
    for i, (one, learnt) in enumerate(zip(state["templates_"], state["learnt_"], strict=True)):
        try:
            check_learnt(one, learnt.state)
            codes = one.size(learnt.state)
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            raise ValueError(f"learnt_[{i}].state: {error}") from None
        if (hashed is None and len(learnt.columns) != codes) or len(learnt.rows) not in (0, codes):
            raise ValueError(f"learnt_[{i}].columns: {len(learnt.columns)} for {codes} codes")
        columns.append(learnt.columns[learnt.columns >= 0])
    if hashed is not None:
        if state["n_columns_"] != hashed:
            raise ValueError(f"n_columns_: {state['n_columns_']} for n_features={hashed}")
        return
    taken = np.sort(np.concatenate([np.empty(0, np.int64), *columns]))
    if len(taken) != state["n_columns_"] or (taken != np.arange(len(taken))).any():
        raise ValueError(f"n_columns_: {state['n_columns_']}, but each of them must belong to one code")


def check_learnt(one, state):
    """What a template has learnt is what it learns."""
    if isinstance(one, Value):
        one = Value._template(one, state)
    if isinstance(one, Both):
        if type(state) is not tuple or len(state) != 3:
            raise ValueError("no states of two templates and their pairs")
        check_learnt(one.left, state[0])
        check_learnt(one.right, state[1])
        check_pairs(state[2])
        pairs = state[2].chars.view(np.int64).reshape(-1, 2)
        if (pairs < 0).any() or (pairs >= [one.left.size(state[0]), one.right.size(state[1])]).any():
            raise ValueError("pairs of codes that there are none of")
    elif isinstance(one, Cell):
        check_pairs(state)
    elif isinstance(one, Vocabulary):
        check_words(state)
    elif isinstance(one, Fields):
        if type(state) is not dict or list(state.values()) != list(range(len(state))):
            raise ValueError("names that are not numbered from 0")
    elif isinstance(one, Threshold):
        array("f8", "*")(state, {})
    elif isinstance(one, Pixel):
        if type(state) is not tuple or not all(type(n) is int and 0 < n < 2**31 for n in state) or len(state) > 3:
            raise ValueError("no shape of images")
    elif state != ():
        raise ValueError("something learnt where nothing is")


def check_pairs(words):
    check_words(words)
    if (np.diff(words.starts) != KEY).any():
        raise ValueError("words that are no pairs")


def check_words(words):
    """A vocabulary that the kernels can search: half of its slots are free, the others point at words."""
    if type(words) is not Words:
        raise ValueError(f"{words!r:.60} instead of words")
    chars, starts, slots = words
    array("u4", "*")(chars, {})
    array("i8", "*", low=0)(starts, {})
    array("u8", "*")(slots, {})
    if not len(starts) or starts[0] or starts[-1] != len(chars) or (np.diff(starts) < 0).any():
        raise ValueError("starts of words that are no ranges of chars")
    codes = slots[slots != 0] & np.uint64((1 << CODE_BITS) - 1)
    size, n = len(slots), len(starts) - 1
    if size < 2 or size & (size - 1) or 2 * len(codes) > size or len(codes) != n:
        raise ValueError(f"{size} slots of which {len(codes)} are in use for {n} words")
    if len(codes) and (codes.min() < 1 or codes.max() > n):
        raise ValueError("slots that point at no word")
