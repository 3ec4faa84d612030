"""How many examples a property test draws: a share of the profile's, so that `thorough` looks harder everywhere."""

from hypothesis import settings

__all__ = ["effort"]


def effort(share, **options):
    """Hypothesis settings with `share` times the examples of the profile in force, at least one.

    share: below 1 for tests whose examples take long, above 1 where a fault hides in few of them
    """
    return settings(max_examples=max(1, round(share * settings().max_examples)), deadline=None, **options)
