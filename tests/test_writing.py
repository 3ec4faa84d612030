"""Files appear whole or not at all, where they were asked for and nowhere else."""

import os
import signal
import socket
import stat
import subprocess
import sys
import threading

import pytest

from fastml.writing import check_target, part_prefix, replacing

posix = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="POSIX")


def write(path, text="new"):
    with replacing(path, "w", encoding="utf-8") as file:
        file.write(text)


@pytest.mark.parametrize("as_path", [str, os.fsencode, lambda path: path])
def test_a_new_file_and_its_replacement(tmp_path, as_path):
    path = as_path(tmp_path / "näme")
    for text in ("first", "second"):
        write(path, text)
        assert (tmp_path / "näme").read_text() == text
    assert os.listdir(tmp_path) == ["näme"]


def test_names_as_long_as_the_system_takes(tmp_path):
    path = tmp_path / ("n" * 255)
    write(path)
    assert path.read_text() == "new"


def test_relative_names(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write("here")
    assert (tmp_path / "here").read_text() == "new"


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
def test_after_an_error_the_old_file_stands(tmp_path, error):
    path = tmp_path / "a"
    write(path, "old")
    for name in ("a", "b"):
        with pytest.raises(error), replacing(tmp_path / name) as file:
            raise error(file.write(b"half"))
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["a"]


@posix
def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    path = tmp_path / "a"
    write(path, "old")
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(path)
    assert (path.read_text(), os.listdir(tmp_path)) == ("old", ["a"])


@posix
def test_what_is_no_file_is_refused_and_left_alone(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as listening:
        monkeypatch.chdir(tmp_path)  # the name of a socket must be short
        listening.bind("socket")
    os.symlink(tmp_path / "pipe", tmp_path / "to_pipe")
    os.symlink(tmp_path / "folder", tmp_path / "to_folder")
    os.symlink("loop", tmp_path / "loop")
    before = {name: os.lstat(tmp_path / name) for name in os.listdir(tmp_path)}
    names = [*before, "none/model", "new/", "", os.curdir]
    for path in [*(os.path.join(tmp_path, name) for name in names), "/dev/null", "/dev/full"]:
        for call in (write, check_target):
            with pytest.raises(OSError, match=r"folder|pipe|device|socket|symbolic links"):
                call(path)
    assert {name: os.lstat(tmp_path / name).st_ino for name in os.listdir(tmp_path)} == {
        name: was.st_ino for name, was in before.items()
    }
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@posix
def test_symbolic_links_are_written_through(tmp_path):
    (tmp_path / "other").mkdir()
    os.symlink("other/real", tmp_path / "link")  # relative, and of no file yet
    os.symlink("link", tmp_path / "link_to_link")
    for path in (tmp_path / "link", tmp_path / "link_to_link"):
        write(path, path.name)
        assert (tmp_path / "other" / "real").read_text() == path.name
    assert os.readlink(tmp_path / "link") == "other/real"
    assert sorted(os.listdir(tmp_path)) == ["link", "link_to_link", "other"]
    assert os.listdir(tmp_path / "other") == ["real"]


@posix
@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
def test_permissions(tmp_path, mask):
    before = os.umask(mask)
    try:
        write(tmp_path / "new")
        assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == 0o666 & ~mask
        for mode in (0o600, 0o640, 0o664, 0o755):
            os.chmod(tmp_path / "new", mode)
            with replacing(tmp_path / "new") as file:
                assert not os.fstat(file.fileno()).st_mode & ~mode & 0o077  # nor is the part open to more people
            assert stat.S_IMODE(os.stat(tmp_path / "new").st_mode) == mode
    finally:
        os.umask(before)


@posix
def test_protected_files_stay(tmp_path):
    if os.geteuid() == 0:
        pytest.skip("root may write everything")
    write(tmp_path / "a", "old")
    os.chmod(tmp_path / "a", 0o444)
    with pytest.raises(PermissionError, match="protected"):
        write(tmp_path / "a")
    assert (tmp_path / "a").read_text() == "old"


def test_many_threads_write_one_path(tmp_path):
    path, errors = tmp_path / "a", []
    write(path, "0" * 50_000)

    def work(digit):
        for _ in range(25):
            try:
                write(path, digit * 50_000)
                assert len(set(path.read_text())) == 1
            except BaseException as error:
                errors.append(error)

    threads = [threading.Thread(target=work, args=(str(i),)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert (len(path.read_text()), os.listdir(tmp_path)) == (50_000, ["a"])


KILLED = """
import os, signal, sys
from fastml.writing import replacing
with replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


@posix
def test_what_killed_writers_left_is_removed_and_nothing_else(tmp_path):
    path = tmp_path / "a"
    started = [
        subprocess.Popen([sys.executable, "-c", KILLED, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    for process in started:
        assert process.stdout.readline() == "writing\n"
    killed, alive = started
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    others = {f"{part_prefix('b')}{'0' * 16}.part", "a.part", f"{part_prefix('a')}mine.part", f"{part_prefix('a')}x"}
    for name in others:
        (tmp_path / name).write_text("somebody's")
    assert len(os.listdir(tmp_path)) == len(others) + 2
    write(path)
    left = set(os.listdir(tmp_path)) - others - {"a"}
    assert len(left) == 1  # that of the living one
    alive.communicate("")
    assert path.read_bytes() == b"half"  # the last to finish
    assert set(os.listdir(tmp_path)) == others | {"a"}


@posix
def test_a_writer_whose_new_file_is_taken_for_a_leftover_makes_another(tmp_path, monkeypatch):
    """Between the making of a file and its locking another writer may remove it."""
    from fastml import writing

    lock, removed = writing.lock, []

    def late(descriptor):
        if not removed:
            removed.extend(tmp_path.glob(".fastml-*"))
            removed[0].unlink()
        return lock(descriptor)

    monkeypatch.setattr(writing, "lock", late)
    write(tmp_path / "a")
    assert removed
    assert os.listdir(tmp_path) == ["a"]
