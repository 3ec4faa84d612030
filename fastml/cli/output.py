"""Files that commands write."""

import os
from pathlib import Path

from fastml.cli.terminal import InputError

__all__ = ["check_output"]


def check_output(path):
    """Refuse a file that cannot be written, before the work and not after it; None is no file."""
    if path is None:
        return
    folder = Path(path).parent
    if not folder.is_dir():
        raise InputError(f"there is no folder {str(folder)!r} to write {path!r} into")
    if Path(path).is_dir():
        raise InputError(f"{path!r} is a folder: name a file to write")
    if not os.access(folder, os.W_OK):
        raise InputError(f"the folder {str(folder)!r} cannot be written: name another file with -o")
