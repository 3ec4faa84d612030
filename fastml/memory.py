"""Requests that no memory holds are refused before they take it: the system kills a process that asks for too much."""

import functools
import os

__all__ = ["check_memory"]

GIB = 2**30


def check_memory(wanted, what, cure):
    """Refuse `what`, words that go on with "which take", where `wanted` bytes are more than a process may use."""
    there = memory()
    if wanted > there:
        raise ValueError(
            f"{what}, which take {wanted / GIB:.3g} GiB in all; this machine has {there / GIB:.3g} GiB: {cure}"
        )


@functools.cache
def memory():
    """Bytes that this process may use: the machine's, or what its control group grants."""
    limits = [
        _control_group("/sys/fs/cgroup/memory.max"),
        _control_group("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
    ]
    try:
        limits.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (AttributeError, OSError, ValueError):  # not a POSIX system
        limits.append(2**40)
    return min(limit for limit in limits if limit)


def _control_group(path):
    try:
        with open(path) as file:
            return int(file.read())
    except (OSError, ValueError):  # there is none, or it grants "max"
        return None
