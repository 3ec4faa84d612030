"""Classical machine learning with scikit-learn's interface over compiled kernels.

Modules are named as in scikit-learn, so that `from sklearn.neighbors import KNeighborsClassifier` becomes
`from fastml.neighbors import KNeighborsClassifier`. They load on first use: `import fastml` costs next to nothing.
`fastml.save(model, path)` and `fastml.load(path)` keep models in files; `fastml.to_sklearn(model)` and
`fastml.from_sklearn(model)` take them to scikit-learn and back.
"""

__version__ = "0.1.0"


def __getattr__(name):
    import importlib
    from importlib.util import find_spec

    if name in ("from_sklearn", "to_sklearn"):
        return getattr(importlib.import_module(f"{__name__}.exchange"), name)
    if name == "compare":
        return importlib.import_module(f"{__name__}.comparing").compare
    if name in ("load", "save"):
        return getattr(importlib.import_module(f"{__name__}.persistence"), name)
    if not name.startswith("_") and find_spec(f"{__name__}.{name}"):
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    import pkgutil

    functions = "compare", "from_sklearn", "load", "save", "to_sklearn"
    return sorted([*globals(), *functions, *(module.name for module in pkgutil.iter_modules(__path__))])
