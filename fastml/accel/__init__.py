"""scikit-learn programs on fastml, without changing a line.

    python -m fastml.accel script.py arguments        a script
    python -m fastml.accel -m pytest tests            a module
    %load_ext fastml.accel                            a notebook
    fastml.accel.install()                            this process, from now on
    FASTML_ACCEL=1                                    any program, after `python -m fastml.accel --enable`

After it, whoever writes `from sklearn.X import Y` gets scikit-learn's class Y with fastml's answers: `isinstance`,
`clone`, attributes, pickles and the printed face are scikit-learn's. Its own insides keep their classes, so that a
forest grows scikit-learn's trees. Where fastml refuses a parameter or an input, scikit-learn serves; `report()` says
what ran where.

names.py    who gets which names        shells.py   classes with scikit-learn's face
ledger.py   what ran where              start.py    programs that one does not start oneself
"""

import functools
import importlib
from typing import Any

from fastml.accel import names

__all__ = ["install", "report", "uninstall"]

OTHER_FUNCTIONS = {
    "feature_selection": (
        *("chi2", "f_classif", "f_regression", "mutual_info_classif", "mutual_info_regression", "r_regression"),
    ),
    "model_selection": ("train_test_split",),
    "neighbors": ("kneighbors_graph", "radius_neighbors_graph"),
}


def install() -> None:
    """Give all code but scikit-learn's own fastml's answers under scikit-learn's names.

    What was imported by `from ... import` before keeps the class that it got.
    """
    names.swap(find)


def uninstall() -> None:
    """Give everybody scikit-learn's names again. Models made in between go on as they are."""
    names.restore()


def report() -> Any:
    """What has run where so far, and why not here: prints as a table."""
    from fastml.accel import ledger

    return ledger.report()


@functools.cache
def find(family, name, original):
    """What a reader outside gets for a public name of scikit-learn."""
    if isinstance(original, type):
        from fastml.exchange.families import own_class, row_of

        row = row_of(original, "sklearn")
        if row is None or row.how == "searches":
            return original
        from fastml.accel.shells import shell_of

        return shell_of(own_class(original), original)
    if callable(original) and (family == "metrics" or name in OTHER_FUNCTIONS.get(family, ())):
        ours = vars(importlib.import_module(f"fastml.{family}")).get(name)
        if ours is not None and not isinstance(ours, type):
            return either(ours, original, name)
    return original


def either(ours, original, name):
    """fastml's function under the name of scikit-learn's, which is called where fastml's refuses."""
    from fastml.accel import ledger

    @functools.wraps(original)
    def call(*args, **options):
        try:
            with ledger.timed(name, ledger.HERE):
                return ours(*args, **options)
        except Exception as error:
            why = f"{type(error).__name__}: {error}".split("\n")[0][:200]
        with ledger.timed(name, ledger.THERE, why):
            return original(*args, **options)

    return call


def load_ipython_extension(shell):
    install()


def unload_ipython_extension(shell):
    uninstall()
