"""Random numbers of a fit: scikit-learn's, without what it costs to make their source."""

import contextlib

from numpy.random import RandomState
from sklearn.utils import check_random_state

__all__ = ["random_numbers"]

_spare: list[RandomState] = []  # sources that nobody uses: a new one asks the system for chance, which takes 50 us


@contextlib.contextmanager
def random_numbers(random_state):
    """(source, rewind) of a fit: a RandomState, as `check_random_state` makes it, and what puts it back to now.

    A source that is made from an integer serves a later fit, so that it must not be kept.

    >>> with random_numbers(3) as (source, rewind):
    ...     first = source.randint(100)
    ...     rewind()
    ...     first == source.randint(100)
    True
    """
    if type(random_state) is not int:
        source = check_random_state(random_state)
        state = source.get_state()
        yield source, lambda: source.set_state(state)
        return
    try:
        source = _spare.pop()
    except IndexError:
        source = RandomState()
    source.seed(random_state)
    try:
        yield source, lambda: source.seed(random_state)
    finally:
        _spare.append(source)
