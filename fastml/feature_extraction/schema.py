"""The state of the vectorizers, as fastml.schema reads it: f columns."""

from fastml.schema import agree, anything, each, flag, may_lack

__all__ = ["ALSO", "SCHEMAS", "places"]


def places(value, sizes):
    """A dict that gives each of f names a column of its own."""
    if type(value) is not dict or any(type(place) is not int for place in value.values()):
        raise ValueError("no dict of names and their columns")
    agree("f", len(value), sizes)
    if sorted(value.values()) != list(range(len(value))):
        raise ValueError("columns that are not 0, 1, 2, ...")


def words(value, sizes):
    if type(value) is not dict or not all(type(word) is str for word in value):
        raise ValueError("no dict of words")
    places({word: int(place) for word, place in value.items()}, sizes)


SCHEMAS: dict = {
    "CountVectorizer": {"vocabulary_": words, "fixed_vocabulary_": may_lack(flag)},
    "DictVectorizer": {"feature_names_": each(anything, "f"), "vocabulary_": places},
}
ALSO: dict = {}
