"""Which class of scikit-learn is served in which way."""

import importlib

from fastml.accel import faces

__all__ = ["class_of", "register_all"]

# Classes of which fastml's are subclasses with the same state.
THIN = {
    "model_selection": (
        *("GroupKFold", "KFold", "LeaveOneOut", "RepeatedKFold", "RepeatedStratifiedKFold", "StratifiedGroupKFold"),
        *("StratifiedKFold", "StratifiedShuffleSplit"),
    ),
    "compose": ("make_column_selector",),
}


def class_of(family, name, original):
    """What a reader outside gets for a class of scikit-learn; the class itself where fastml has none."""
    from fastml.exchange.families import own_class, row_of

    row = row_of(original, "sklearn")
    if row is None:
        return of_no_model(family, name, original)
    own = own_class(original)
    if row.how == "searches":
        from fastml.accel.searches import search_of

        return search_of(own, original)
    if row.how == "compositions":
        from fastml.accel.compositions import composition_of

        return composition_of(own, original)
    from fastml.accel.shells import shell_of

    return shell_of(own, original)


def register_all(family, module):
    """Tell pickle of the classes of a family before anybody has asked for them: its insides may have instances."""
    from fastml.accel import trees
    from fastml.exchange.families import FAMILIES

    known = {name for row in FAMILIES if row.family == family for name in row.names} | {*THIN.get(family, ())}
    for name in known & vars(module).keys():
        faces.register(vars(module)[name], faces.reduced)
    if family == "neighbors":
        faces.register(vars(module)["KDTree"], trees.reduced)


def of_no_model(family, name, original):
    if name in THIN.get(family, ()):
        from fastml.accel.faces import thin

        return thin(own_name(family, name), original)
    if (family, name) == ("neighbors", "KDTree"):
        from fastml.accel.trees import tree_of

        return tree_of(own_name(family, name), original)
    return original


def own_name(family, name):
    return getattr(importlib.import_module(f"fastml.{family}"), name)
