"""Reading: pieces put together to slabs that are cut at blocks, one thread ahead of the work, in bounded memory."""

import contextlib
import queue
import threading
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import numpy as np

from fastml.kinds import as_numbers
from fastml.progress import progress_bar
from fastml.scale.parts import Parts, Piece
from fastml_ext.blocks import BLOCK

__all__ = ["Slab", "ahead", "place_of", "read_slabs"]

DEPTH = 2  # slabs that wait, beside the one that is read and the one at work
PATIENCE = 0.1  # s between two looks at whether anybody still wants the rows


class Slab(NamedTuple):
    """Rows as they follow in the table; all slabs but the last have the same number of them."""

    X: np.ndarray
    y: Any
    start: int
    places: list  # (number of a row in the table, source, number of the row there), for messages
    weight: Any = None


def place_of(slab: Slab, i: int) -> str:
    """Where row i of a slab stands, in words."""
    start, source, first = next(place for place in reversed(slab.places) if place[0] <= slab.start + i)
    return f"row {first + slab.start + i - start} of {source}"


def ahead(make: Callable[[], Iterator]) -> Generator:
    """The items of an iterator that a thread makes, at most DEPTH of them ahead; closing it ends the thread."""
    waiting: queue.Queue = queue.Queue(DEPTH)
    stop = threading.Event()

    def put(item: Any) -> bool:
        while not stop.is_set():
            with contextlib.suppress(queue.Full):
                waiting.put(item, timeout=PATIENCE)
                return True
        return False

    def work() -> None:
        try:
            with contextlib.closing(make()) as items:  # type: ignore[type-var]
                for item in items:
                    if not put((item, None)):
                        return
            put((None, None))
        except BaseException as error:  # the reader's error is the caller's
            put((None, error))

    thread = threading.Thread(target=work, name="fastml-reading", daemon=True)
    thread.start()
    try:
        while True:
            item, error = waiting.get()
            if error is not None:
                raise error
            if item is None:
                return
            yield item
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def read_slabs(parts: Parts, estimator: str, rows: int = BLOCK, what: str = "reading") -> Iterator[Iterator[Slab]]:
    """The slabs of a table, as a context: at its end nothing is read any more. rows: every cut is a multiple of it."""
    size = max(rows, parts.at_once())
    slabs = ahead(lambda: put_together(parts, estimator, size))
    total = parts.n_rows or 0
    verbose = parts.verbose and total > 0
    with contextlib.closing(slabs), progress_bar(f"{what} {parts.what}", total, verbose) as show:
        yield shown(slabs, show)


def shown(slabs: Iterator[Slab], show: Callable[[int], None] | None) -> Iterator[Slab]:
    for slab in slabs:
        yield slab
        if show is not None:
            show(slab.start + len(slab.X))


def put_together(parts: Parts, estimator: str, size: int) -> Iterator[Slab]:
    """Slabs of `size` rows; the last may have fewer. A piece that is as large as a slab is not copied."""
    held: list = []
    start, count = 0, 0
    for piece in parts.pieces(most=size):
        at = 0
        while at < len(piece.X):
            taken = min(size - count, len(piece.X) - at)
            place = start + count, piece.source, piece.first + at
            held.append((place, *(each if each is None else each[at : at + taken] for each in beside(piece))))
            count, at = count + taken, at + taken
            if count == size:
                yield joined(parts, held, start, estimator)
                held, start, count = [], start + size, 0
    if count:
        yield joined(parts, held, start, estimator)


def beside(piece: Piece) -> tuple:
    return piece.X, piece.y, piece.weight


def joined(parts: Parts, held: list, start: int, estimator: str) -> Slab:
    """The slab of some (place, X, y, weight), one below the other."""
    pieces = [each[1] for each in held]
    if len(pieces) > 1 or parts.sparse:
        X = np.concatenate(pieces) if len(pieces) > 1 else pieces[0]
    else:
        X = np.ascontiguousarray(pieces[0])
    X = X if parts.dtype.kind == "O" or parts.sparse else as_numbers(X, estimator)
    if X.dtype != parts.dtype:
        X = X.astype(parts.dtype)
    y = np.concatenate([each[2] for each in held]) if parts.has_target else None
    weight = np.concatenate([each[3] for each in held]) if parts.has_weight else None
    return Slab(X, y, start, [each[0] for each in held], weight)
