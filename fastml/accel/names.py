"""Other names for scikit-learn's, for all code but scikit-learn's own.

`swap(find, insider)` changes what `from sklearn.tree import DecisionTreeClassifier` gives, and what
`sklearn.tree.DecisionTreeClassifier` is, decided by who asks: the module whose code reads the attribute. The modules
stay what and where they are; only their class is another, whose instances look at the reader. So modules that were
imported before follow, too, and nothing but reading an attribute of such a module becomes slower.
"""

import importlib
import sys
from types import FunctionType, ModuleType
from typing import Any

__all__ = ["FAMILIES", "family_of", "found", "inside", "restore", "sees_others", "swap"]

# Modules of scikit-learn that fastml has a module for, by their names below the package.
FAMILIES = (
    "compose", "decomposition", "discriminant_analysis", "feature_extraction", "feature_extraction.text",
    "feature_selection", "impute", "linear_model", "metrics", "model_selection", "naive_bayes", "neighbors",
    "neural_network", "pipeline", "preprocessing", "svm", "tree",
)  # fmt: skip
PLAIN = ModuleType.__getattribute__
FOUND = (type, FunctionType)  # what has other names
asked = False  # whether anybody has swapped names in this process, be it that they were given back
_finder = None


def inside(module):
    """Whether code of the module of this name keeps scikit-learn's own names: its insides, and fastml.

    The machinery of `import` only asks whether a name is there, on behalf of whoever imports.
    """
    return module.partition(".")[0] in ("sklearn", "fastml", "fastml_ext") or module == "importlib._bootstrap"


def swap(find, insider=inside, ready=None, others=None):
    """Give readers the names that `find` has.

    find : callable (family, name, original) -> object
        What a reader outside gets for the public name of a family ("tree"); the original for what stays.
    insider : callable (module name) -> bool
        Who keeps scikit-learn's.
    ready : callable (family, module), default=None
        What is called when the module of a family is there.
    others : dict {module name: callable (module)}, default=None
        What is called when other modules are there.
    """
    global _finder, asked
    restore()
    asked = True
    _finder = Finder(find, insider, ready, others or {})
    sys.meta_path.insert(0, _finder)
    for name, module in list(sys.modules.items()):
        _finder.adopt(name, module)


def restore():
    """Give everybody scikit-learn's names again."""
    global _finder
    if _finder is not None:
        sys.meta_path.remove(_finder)
        for module in _finder.adopted:
            module.__class__ = ModuleType
        _finder = None


def sees_others(module):
    """Whether code of the module of this name is given other names at present."""
    return _finder is not None and not _finder.insider(module)


def found(family, name, original):
    """What readers outside find under a public name of scikit-learn."""
    return original if _finder is None else _finder.find(family, name, original)


class Finder:
    """Adopts the modules of the families as they are imported."""

    def __init__(self, find, insider, ready, others):
        self.find, self.insider, self.ready, self.others, self.adopted = find, insider, ready, others, []

    def find_spec(self, name, path=None, target=None):
        if family_of(name) is None and name not in self.others:
            return None
        specs = (finder.find_spec(name, path, target) for finder in sys.meta_path if finder is not self)
        spec = next((spec for spec in specs if spec is not None), None)
        loader: Any = spec and spec.loader
        if hasattr(loader, "__dict__") and hasattr(loader, "exec_module"):
            execute = loader.exec_module

            def exec_module(module):
                execute(module)
                self.adopt(name, module)

            loader.exec_module = exec_module  # of this loader, which loads this module only
        return spec

    def adopt(self, name, module):
        family = family_of(name)
        if name in self.others and _finder is self:
            self.others[name](module)
        if family is not None and type(module) is ModuleType and _finder is self:
            module.__class__ = self.watching(family)
            self.adopted.append(module)
            if self.ready is not None and name == f"sklearn.{family}":
                self.ready(family, module)

    def watching(self, family):
        find, insider = self.find, self.insider

        class Watched(ModuleType):
            def __getattribute__(self, name):
                found = PLAIN(self, name)
                if (
                    name[:1] == "_"
                    or not isinstance(found, FOUND)
                    or insider(sys._getframe(1).f_globals.get("__name__") or "")
                ):
                    return found
                public = sys.modules.get(f"sklearn.{family}")
                if public is None or vars(public).get(name) is not found:  # not public, or only of the same name
                    return found
                return find(family, name, found)

        return Watched


def family_of(module):
    """The family that a module of scikit-learn belongs to, such as "tree" for sklearn.tree._classes, or None."""
    package, _, rest = module.partition(".")
    if package != "sklearn" or "tests" in rest.split("."):
        return None
    if rest == "feature_extraction.text":
        return rest
    first = rest.partition(".")[0]
    return first if first in FAMILIES else None


def own(family):
    """The names that fastml has in the place of scikit-learn's in a family: {name: object}."""
    ours = importlib.import_module(f"fastml.{family}")
    theirs = vars(importlib.import_module(f"sklearn.{family}"))
    return {name: getattr(ours, name) for name in ours.__all__ if name in theirs}
