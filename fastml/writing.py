"""Files that are written whole or not at all: `replacing` is how everything in fastml writes a file.

What is written stands in a hidden file of a name of its own, in the folder of the target, until it is complete and on
the disk. Its writer holds a lock on it, so that the next one to write the same target can tell what a killed process
left behind, and removes that. Where files have no locks (Windows) it stays.
"""

import contextlib
import errno
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

__all__ = ["check_target", "replacing"]

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


@contextlib.contextmanager
def replacing(path: Any, mode: str = "wb", **options: Any) -> Iterator[IO[Any]]:
    """An open file whose content takes the place of the file `path` when the block ends; after an error nothing has.

    A symbolic link stays and its target is replaced. The file keeps the permissions that it had; a new one gets those
    that the umask leaves. Several may write to one path at once: the file is always one of theirs, whole.

    path : str, bytes or path-like | mode : "wb", or "w" for text | options : as for `open`

    Raises OSError if `path` is a folder, a pipe or a device, or cannot be written.

    >>> import pathlib, tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with replacing(f"{folder.name}/a.txt", "w", encoding="utf-8") as file:
    ...     _ = file.write("whole")
    >>> os.listdir(folder.name), pathlib.Path(folder.name, "a.txt").read_text()
    (['a.txt'], 'whole')
    >>> folder.cleanup()
    """
    old = check_target(path)
    target = os.path.realpath(os.fsdecode(path))
    folder, name = os.path.split(target)
    remove_leftovers(folder, name)
    file = open_part(folder, name, mode, 0o666 if old is None else 0o600, options)
    try:
        yield file
        file.flush()
        if old is not None:
            keep_owner_and_mode(file, old)
        os.fsync(file.fileno())
        if fcntl is None:
            file.close()  # Windows renames no open file
        os.replace(file.name, target)
    except BaseException:
        with contextlib.suppress(OSError):
            file.close()  # a full disk may say so once more
        with contextlib.suppress(OSError):
            os.unlink(file.name)
        raise
    file.close()  # and with it the lock
    sync_folder(folder)


def check_target(path):
    """Refuse a target that `replacing` cannot write; returns what `os.stat` says of the file there, None for no file.

    To be asked before long work, too, of which the result is to be written.
    """
    name = os.fsdecode(path)
    try:
        found = os.stat(name)
    except FileNotFoundError:
        if name.endswith((os.sep, os.altsep or os.sep)):
            raise IsADirectoryError(errno.EISDIR, "is a folder, not a file to write", name) from None
        folder = os.path.dirname(os.path.realpath(name))
        if not os.path.isdir(folder):
            raise FileNotFoundError(errno.ENOENT, "there is no such folder to write into", folder) from None
        return None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, "is a folder, not a file to write", name)
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "no file")
        raise OSError(errno.EINVAL, f"is {kind}, and only files are written", name)
    if not os.access(name, os.W_OK):
        raise PermissionError(errno.EACCES, "is protected against writing", name)
    return found


def part_prefix(name):
    """How the temporary files of the target `name` begin: short, however long the name is."""
    return f".fastml-{hashlib.sha256(os.fsencode(name)).hexdigest()[:16]}-"


def open_part(folder, name, mode, permissions, options):
    """A new file, open and locked, for what shall become `name`."""

    def create(path, flags):
        return os.open(path, flags | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0), permissions)

    while True:
        part = os.path.join(folder, f"{part_prefix(name)}{secrets.token_hex(8)}.part")
        file = open(part, mode, opener=create, **options)  # noqa: SIM115 - `replacing` closes it
        if lock(file.fileno()) is not False and still_there(file, part):
            return file
        file.close()  # taken for a leftover in the moment before it was locked


def still_there(file, part):
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(part))
    except FileNotFoundError:
        return False


def lock(descriptor):
    """True if the lock is ours now, False if somebody else has it, None where files have no locks."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def remove_leftovers(folder, name):
    """Remove what writers of this target left that were killed: their locks are free."""
    if fcntl is None:
        return
    ours = re.compile(re.escape(part_prefix(name)) + r"[0-9a-f]{16}\.part")
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if ours.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                remove_if_free(entry.path)


def remove_if_free(path):
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW)
        try:
            if lock(descriptor):
                os.unlink(path)
        finally:
            os.close(descriptor)


def keep_owner_and_mode(file, old):
    """As far as this process may."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        os.fchown(file.fileno(), old.st_uid, old.st_gid)
    with contextlib.suppress(OSError):
        os.fchmod(file.fileno(), stat.S_IMODE(old.st_mode))


def sync_folder(folder):
    """Put the new name on the disk, too, where a folder can be opened."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
