"""The state of the vectorizers, as fastml.schema reads it: f columns."""

from fastml.schema import COMMON, FLOAT, agree, anything, array, each, flag, may_lack, model

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
    "TfidfTransformer": {**COMMON, "idf_": may_lack(array(FLOAT, "d"))},
    "TfidfVectorizer": {"vocabulary_": words, "fixed_vocabulary_": may_lack(flag), "_tfidf": model},
    "HashingVectorizer": {},  # learns nothing
    "DictVectorizer": {"feature_names_": each(anything, "f"), "vocabulary_": places},
}


def also_weights(state, sizes):
    """A weight for each word."""
    tfidf = state["_tfidf"]
    if type(tfidf).__name__ != "TfidfTransformer" or len(vars(tfidf).get("idf_", ())) not in (0, sizes["f"]):
        raise ValueError("_tfidf: no weights of these words")


ALSO: dict = {"TfidfVectorizer": also_weights}
