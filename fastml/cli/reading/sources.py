"""The bytes of a table as UTF-8: unpacked, decoded, in parts of bounded size."""

import codecs
import contextlib
import gzip
import io
import os
import stat
import unicodedata
import zipfile
import zlib
from pathlib import Path

from fastml.cli.reading.codepages import code_page
from fastml.cli.reading.foreign import foreign
from fastml.cli.terminal import InputError

__all__ = [
    "BROKEN",
    "Utf8",
    "check_encoding",
    "check_file",
    "detect_encoding",
    "needed",
    "opened",
    "packing",
    "unpacked",
]

PACKED = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2", b"\xfd7zXZ\x00": "xz"}
SAMPLE = 2**18  # bytes that the encoding is guessed from
WINDOWS = "cp1252"
FEW = 6  # bytes beyond ASCII, below which the library is not asked
ZIP_TABLES = (".csv", ".tsv", ".txt", ".dat", ".tab", ".jsonl", ".ndjson", ".json")
BROKEN = (OSError, EOFError, ValueError, zlib.error, zipfile.BadZipFile, RuntimeError, NotImplementedError)


def needed(module, what):
    """A library of the extra `cli`; InputError says how to get it."""
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError:
        name = module.partition(".")[0]
        raise InputError(f'{what} needs {name}, which is not installed: pip install "fastml-learn[cli]"') from None


def check_file(path, did_you_mean):
    """The first bytes of a regular file, unpacked; InputError where it cannot be read, or is empty."""
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{str(path)!r} is a folder: name the CSV file inside it")
        if not stat.S_ISREG(mode):
            raise InputError(f"{str(path)!r} is a pipe or a device, and a table is read more than once: save it first")
        with unpacked(path) as file:
            start = file.read(SAMPLE)
    except FileNotFoundError:
        folder = path.parent
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        missing = "there is no file" if folder.is_dir() else f"there is no folder {str(folder)!r} for"
        raise InputError(f"{missing} {str(path)!r}{did_you_mean(path.name, names)}") from None
    except BROKEN as error:
        raise InputError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    found = foreign(start)
    if found:
        raise InputError(f"{str(path)!r} is {found}, no table that is read here: save it as CSV or .xlsx")
    if not start.strip(b"\xef\xbb\xbf\xff\xfe \r\n\t\x1a"):
        raise InputError(f"{str(path)!r} is empty: it must hold a header and rows")
    return start


def packing(path):
    """How a file is packed, or None; a zip archive that is an Excel workbook counts as not packed."""
    with open(path, "rb") as file:
        start = file.read(8)
    if start.startswith(b"PK\x03\x04"):
        try:
            with zipfile.ZipFile(path) as archive:
                return None if "xl/workbook.xml" in archive.namelist() else "zip"
        except zipfile.BadZipFile:
            raise InputError(f"{str(path)!r} is an Excel workbook or a zip archive, and damaged") from None
    return next((name for magic, name in PACKED.items() if start.startswith(magic)), None)


def opened(path):
    """(a binary stream of the unpacked bytes, the raw file beneath it, whose place tells how far it has been read)"""
    kind, raw = packing(path), open(path, "rb")  # noqa: SIM115 - the caller closes both
    try:
        if kind == "gzip":
            return gzip.GzipFile(fileobj=raw), raw
        if kind == "zip":
            return from_zip(path, raw), raw
        if kind in ("bz2", "xz"):
            import bz2
            import lzma

            return (bz2.BZ2File if kind == "bz2" else lzma.LZMAFile)(raw), raw
        if kind == "zstd":
            stream = needed("pyarrow", "a file packed with zstd").CompressedInputStream(raw, "zstd")
            return io.BufferedReader(stream), raw
    except BaseException:
        raw.close()
        raise
    return raw, raw


@contextlib.contextmanager
def unpacked(path):
    """The binary stream of `opened`, closed with the file beneath it."""
    stream, raw = opened(path)
    with raw, stream:
        yield stream


def from_zip(path, raw):
    archive = zipfile.ZipFile(raw)
    names = [n for n in archive.namelist() if not n.endswith("/") and not n.startswith(("__MACOSX", "."))]
    tables = [n for n in names if Path(n).suffix.lower() in ZIP_TABLES] or names
    if len(tables) != 1:
        found = ", ".join(map(repr, tables[:5])) or "nothing"
        raise InputError(f"{str(path)!r} is an archive that holds {found}: pack the one table, or name it unpacked")
    return archive.open(tables[0])


def check_encoding(encoding):
    """Refuse what Python has no text encoding for."""
    try:
        "a".encode(encoding or "utf-8")
        b"".decode(encoding or "utf-8")
    except (LookupError, ValueError):  # the codec "undefined" raises UnicodeError, a NUL in the name ValueError
        raise InputError(f"--encoding {encoding!r} is not known: utf-8, cp1252 and utf-16 are") from None


def detect_encoding(path, start):
    """(the encoding of a text file, whether it is a guess): by a byte order mark, as UTF-8, or what a library finds."""
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig", False
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32", False
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", False
    halves = start[1::2].count(0), start[::2].count(0)
    if max(halves) > 8 * min(halves):  # UTF-16 without its mark: every other byte of plain letters is zero
        name = "utf-16-le" if halves[0] > halves[1] else "utf-16-be"
        if looks_like_text(start[: len(start) // 2 * 2], name):
            return name, True
    if b"\0" in start:
        raise InputError(f"{str(path)!r} is not a text table, it holds NUL bytes: save it as CSV")
    wrong = first_not_utf8(path)
    return ("utf-8-sig", False) if wrong is None else (guess(wrong), True)


def looks_like_text(part, encoding):
    """Whether bytes are lines of letters, digits and what stands between, by that encoding."""
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(part)
    except UnicodeDecodeError:
        return False
    kinds = [unicodedata.category(c) for c in text[:10_000] if c not in "\r\n\t"]
    return ("\n" in text or "\r" in text) and not any(kind in ("Cc", "Cn", "Co", "Cs") for kind in kinds)


def first_not_utf8(path):
    """The part of a file round the first byte that is not UTF-8; None where all of it is."""
    decode = codecs.getincrementaldecoder("utf-8")().decode
    with unpacked(path) as file:
        while True:
            try:
                part = file.read(2**22)
            except BROKEN:  # said by whoever reads it next
                return None
            try:
                if not part.isascii() or not part:
                    decode(part, final=not part)
            except UnicodeDecodeError as error:
                return error.object[max(0, error.start - SAMPLE // 2) : error.start + SAMPLE // 2]
            if not part:
                return None


def guess(part):
    """An encoding for bytes that are not UTF-8: Western where every letter is, else what a library finds."""
    found, western = code_page(part)
    if western:
        return found
    if sum(byte > 127 for byte in part) >= FEW:
        try:
            import chardet
        except ImportError:
            pass
        else:
            best = chardet.detect(part)["encoding"]
            if best and known(best) and not part.decode(best, "replace").count("\ufffd"):
                return best.lower()
    return found or (WINDOWS if decodes(part, WINDOWS) else "latin-1")


def known(encoding):
    try:
        codecs.lookup(encoding)
    except LookupError:
        return False
    return True


def decodes(part, encoding):
    try:
        part.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


class Utf8(io.RawIOBase):
    """A file as UTF-8 without its byte order mark, from the byte `skip` on."""

    def __init__(self, path, encoding, skip=0):
        self.stream, self.raw = opened(path)
        self.size = max(1, os.fstat(self.raw.fileno()).st_size)
        self.plain = encoding in ("utf-8", "utf-8-sig")
        self.decode = codecs.getincrementaldecoder(encoding)().decode
        self.left, self.ended = b"", False
        if self.plain:
            start = self.stream.read(3)
            self.left = b"" if start == codecs.BOM_UTF8 else start
        while skip:
            part = self.read(skip)
            if not part:
                break
            skip -= len(part)

    def readable(self):
        return True

    def read(self, size=-1):
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(2**22), b""))
        while len(self.left) < size and not self.ended:
            part = self.stream.read(max(size, 2**16))
            self.ended = not part
            self.left += part if self.plain else self.decode(part, final=self.ended).encode("utf-8", "surrogatepass")
        given, self.left = self.left[:size], self.left[size:]
        return given

    def readinto(self, buffer):
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def share(self):
        """The share of the file read so far."""
        return 1.0 if self.raw.closed else self.raw.tell() / self.size

    def close(self):
        if not self.closed:
            self.stream.close()
            self.raw.close()
        super().close()
