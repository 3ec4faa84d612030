"""Child processes that are not forked: they start as this one was started, accelerated.

multiprocessing and loky send each child what it needs to know before it imports the program; one thing more in it
installs accel there.
"""

import os

import fastml

__all__ = ["PREPARING", "arrive", "let_be", "prepare"]

# Modules that start processes; each has a function whose answer a child unpickles first of all.
PREPARING = ("multiprocessing.spawn", "joblib.externals.loky.backend.spawn", "loky.backend.spawn")
# What a child runs: where fastml lies is known to it by its own environment, or else from here.
ARRIVING = "import sys; sys.path.append({!r}); from fastml.accel.children import arrive; arrive()"
kept: dict = {}  # module: its function


def prepare(module):
    """Let the children of a module that starts some be accelerated."""
    if module not in kept:
        kept[module] = original = module.get_preparation_data

        def get_preparation_data(*args, **options):
            return {**original(*args, **options), "fastml_accel": Arrival()}

        module.get_preparation_data = get_preparation_data


def let_be():
    """Let children start as without accel."""
    while kept:
        module, original = kept.popitem()
        module.get_preparation_data = original


class Arrival:
    """What installs accel where it is unpickled."""

    def __reduce__(self):
        return exec, (ARRIVING.format(os.path.dirname(fastml.__path__[0])),)


def arrive():
    from fastml.accel import install, names

    if not names.asked:
        install()
