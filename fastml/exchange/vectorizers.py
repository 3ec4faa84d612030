"""Vectorizers: fastml's are scikit-learn's with another way of counting."""

from fastml.exchange.common import new

__all__ = ["read", "say"]

ATTRIBUTES = ("vocabulary_", "fixed_vocabulary_", "feature_names_", "_stop_words_id")


def say(model, cls):
    other, fitted = new(model, cls)
    for name in ATTRIBUTES if fitted else ():
        if name in vars(model):
            setattr(other, name, vars(model)[name])
    if fitted and "_tfidf" in vars(model):
        from fastml.exchange import families

        inner = vars(model)["_tfidf"]
        other._tfidf = families.say(inner) if families.is_own(type(inner)) else families.read(inner)
    return other


read = say
