"""Files that commands write: whole or not at all."""

import contextlib
import os

from fastml import writing
from fastml.cli.terminal import InputError

__all__ = ["check_output", "write_text"]


def check_output(path, *inputs):
    """Refuse a file that cannot be written, before the work and not after it, or one that is read; None is no file."""
    if path is None:
        return
    try:
        folder = os.path.dirname(os.path.realpath(path))
        if not os.path.isdir(folder):
            raise InputError(f"there is no folder {os.path.dirname(path)!r} to write {path!r} into")
        if os.path.isdir(path):
            raise InputError(f"{path!r} is a folder: name a file to write")
        writing.check_target(path)
        if not os.access(folder, os.W_OK):
            raise InputError(f"the folder {folder!r} cannot be written: name another file with -o")
    except (OSError, ValueError) as error:
        raise InputError(f"{path!r} cannot be written: {getattr(error, 'strerror', None) or error}") from None
    for given in inputs:
        with contextlib.suppress(OSError, ValueError):
            if os.path.samefile(path, given):
                raise InputError(f"{path!r} is the file that is read: name another one to write")


def write_text(path, text):
    """A text file in UTF-8, line ends as they are."""
    try:
        with writing.replacing(path, "w", encoding="utf-8", newline="") as file:
            file.write(text)
    except (OSError, ValueError) as error:
        raise InputError(f"{path!r} cannot be written: {getattr(error, 'strerror', None) or error}") from None
