"""Splits of Dask's collections by the numbers of rows: both sides, and predictions out of fold, stay lazy."""

from itertools import accumulate, pairwise
from typing import Any

import numpy as np

from fastml.dask.collections import delayed_parts, parts
from fastml.dask.engine import compute, shared, task
from fastml.kinds.lazy import is_lazy
from fastml.scale.output import asked_of_none, asking
from fastml.scale.sides import TEST, TRAIN, Sides
from fastml.scale.validation import two_sides

__all__ = ["out_of_fold", "split_collections"]


def split_collections(arrays: tuple, options: dict) -> list:
    """The training and the test rows of each collection, lazy: `train_test_split` of rows that are not here."""
    import dask.array as da

    for number, each in enumerate(arrays):
        if not is_lazy(each) or not hasattr(type(each), "to_delayed") or not hasattr(each, "ndim"):
            raise TypeError(
                f"array {number} of train_test_split is {type(each).__name__}, and others are collections of Dask: give"
                " arrays and frames of Dask alone, all of one length"
            )
    lengths = lengths_of(arrays[0])
    held = [each if number == 0 else cut_alike(each, lengths, number) for number, each in enumerate(arrays)]
    stratify, n = options["stratify"], sum(lengths)
    numbers = da.zeros((n, 1), chunks=(tuple(lengths), 1))  # a table of these parts, for the labels beside it
    sides = two_sides(parts(numbers, stratify), n, options | {"stratify": stratify is not None})
    return [one_side(each, lengths, sides, side) for each in held for side in (TRAIN, TEST)]


def lengths_of(collection: Any) -> list[int]:
    """Rows of each part; where they are unknown, by counting them."""
    chunks = getattr(collection, "chunks", None)
    if chunks is not None and not np.isnan(chunks[0]).any():
        return list(chunks[0])
    rows = collection if chunks is None or collection.ndim == 1 else collection[:, 0]
    return list(compute(*[task(len)(part) for part in delayed_parts(rows)]))


def cut_alike(collection: Any, lengths: list[int], number: int) -> Any:
    """The collection, cut into parts of these lengths where that can be done without reading it."""
    own = lengths_of(collection)
    if sum(own) != sum(lengths):
        raise ValueError(f"array {number} has {sum(own)} rows, and the first one {sum(lengths)}: one for each row")
    if own == lengths:
        return collection
    chunks = getattr(collection, "chunks", None)
    if chunks is None or np.isnan(chunks[0]).any():
        raise ValueError(
            f"array {number} is cut otherwise than the first one: cut them alike, by rechunk or repartition"
        )
    return collection.rechunk({0: tuple(lengths)})


def one_side(collection: Any, lengths: list[int], sides: Sides, side: int) -> Any:
    """The rows of one side, of as many parts as the collection has."""
    masks = [sides.flags(0, a, b) & side > 0 for a, b in pairwise([0, *accumulate(lengths)])]
    kept = tuple(int(np.count_nonzero(mask)) for mask in masks)
    if hasattr(collection, "columns") or not hasattr(collection, "chunks"):
        import dask.dataframe as dd

        taken = [task(rows_of)(part, mask) for part, mask in zip(delayed_parts(collection), masks, strict=True)]
        return dd.from_delayed(taken, meta=collection._meta, verify_meta=False)
    import dask.array as da

    numbers = np.concatenate(masks).reshape(-1, *[1] * (collection.ndim - 1))
    mask = da.from_array(numbers, chunks=(tuple(lengths), *[1] * (collection.ndim - 1)))
    options = {"dtype": collection.dtype, "meta": collection._meta, "chunks": (kept, *collection.chunks[1:])}
    return da.map_blocks(rows_of, collection, mask, **options)


def rows_of(part: Any, mask: np.ndarray) -> Any:
    """The rows of a part that a mask keeps."""
    return part[np.ravel(mask)]


def out_of_fold(validation: Any, models: list, method: str) -> Any:
    """What the model of each split says of its test rows, as a Dask array that is not computed yet."""
    import dask.array as da

    table = validation.parts
    ways = [asking(model, table, method) for model in models]
    nones = [asked_of_none(model, table, method) for model in models]
    if len({none.shape[1:] for none in nones}) > 1:
        raise ValueError(f"{method} has {' and '.join(str(none.shape[1:]) for none in nones)} columns in the folds")
    none = nones[0].astype(np.result_type(*nones), copy=False)
    if none.dtype.kind == "U":
        none = none.astype(np.result_type(*[model.classes_ for model in models]))
    work = shared((ways, type(models[0]).__name__, table.source._replace(has_target=False, has_weight=False), none))
    found = []
    for number, (a, b) in enumerate(pairwise([0, *accumulate(table.lengths)])):
        said = task(said_of_part)(work, validation.splits.sides.between(a, b), number, table.X[number], a)
        found.append(da.from_delayed(said, (b - a, *none.shape[1:]), none.dtype))
    return da.concatenate(found)


def said_of_part(work: tuple, sides: Sides, number: int, X: Any, start: int) -> np.ndarray:
    ways, who, source, none = work
    slab = source.slab(who, number, X, None, None, start)
    found = np.empty((len(slab.X), *none.shape[1:]), none.dtype)
    for split, ask in enumerate(ways):
        kept = np.flatnonzero(sides.flags(split, start, start + len(slab.X)) & TEST)
        if len(kept):
            found[kept] = ask(slab.X[kept])
    return found
