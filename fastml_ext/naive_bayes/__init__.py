"""Naive Bayes: tables counted by class in one pass, and the scores of rows from them. Contract: reference.py."""

from fastml_ext.lazy import exports

__getattr__, __dir__, __all__ = exports(
    __name__,
    {
        "checks": ["first_negative", "has_repeats", "highest_codes"],
        "counting": ["count_above", "count_categories", "sum_by_class"],
        "posterior": ["log_posterior", "most_probable"],
        "scoring": ["bernoulli_scores", "category_scores", "event_scores", "gaussian_scores", "linear_scores"],
        "welford": ["merge_moments", "moments"],
    },
)
