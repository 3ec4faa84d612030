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

names.py      who gets which names            classes.py    which class has which of the following
faces.py      scikit-learn's face; pickles    shells.py     estimators that hand work to fastml's
searches.py  compositions.py  trees.py        searches; pipelines and the like; KDTree
functions.py  functions                       ledger.py     what ran where
start.py      programs that one does not start oneself            running.py    scripts, modules, texts
children.py   processes that a program starts
"""

import functools
import sys
from typing import Any

from fastml.accel import children, names

__all__ = ["install", "report", "uninstall"]


def install() -> None:
    """Give all code but scikit-learn's own fastml's answers under scikit-learn's names.

    What was imported by `from ... import` before keeps the class that it got.
    """
    names.swap(find, ready=ready, others=dict.fromkeys(children.PREPARING, children.prepare))


def uninstall() -> None:
    """Give everybody scikit-learn's names again. Models made in between go on as they are."""
    names.restore()
    children.let_be()
    if "fastml.accel.faces" in sys.modules:
        sys.modules["fastml.accel.faces"].forget()


def report() -> Any:
    """What has run where so far, and why not here: prints as a table."""
    from fastml.accel import ledger

    return ledger.report()


def ready(family, module):
    from fastml.accel.classes import register_all

    register_all(family, module)


def find(family, name, original):
    """What a reader outside gets for a public name of scikit-learn: one thing, whichever module it is read from."""
    return served(names.family_of(original.__module__ or "") or family, name, original)


@functools.cache
def served(family, name, original):
    if isinstance(original, type):
        from fastml.accel.classes import class_of

        return class_of(family, name, original)
    from fastml.accel.functions import function_of

    return function_of(family, name, original)


def load_ipython_extension(shell):
    install()


def unload_ipython_extension(shell):
    uninstall()
