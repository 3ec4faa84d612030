"""The files that a user names, by a path, a pattern, a folder or a list."""

import glob
import os
from pathlib import Path

__all__ = ["paths_of"]


def paths_of(given, name, ending):
    """The files that a path, a pattern, a folder or a list of paths names; at least one, and all of them there."""
    if isinstance(given, str | os.PathLike):
        path = Path(given)
        if path.is_dir():
            found = sorted(each for each in path.rglob(f"*{ending}") if not each.name.startswith((".", "_")))
            if not found:
                raise FileNotFoundError(f"the folder {str(path)!r} has no file *{ending}")
            return found
        if not path.exists() and any(letter in str(path) for letter in "*?["):
            found = [Path(each) for each in sorted(glob.glob(str(path), recursive=True))]
            if not found:
                raise FileNotFoundError(f"no file is named as in {name}={str(path)!r}")
            return found
        given = [path]
    files = [Path(each) for each in given]
    if not files:
        raise ValueError(f"{name} is an empty list: name at least one file")
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f"there is no file {str(file)!r}")
    return files
