"""What kind of file the bytes are, whatever the name claims."""

from __future__ import annotations

import re
import zipfile

from marginscope.exceptions import DataError
from marginscope.tables.source import Source, Stream

__all__ = ["format_of_text", "format_of_whole"]

_CLAIMS = {
    ".csv": "delimited",
    ".tsv": "delimited",
    ".tab": "delimited",
    ".psv": "delimited",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".arff": "arff",
    ".npz": "npz",
    ".svm": "svmlight",
    ".svmlight": "svmlight",
    ".libsvm": "svmlight",
}
_NAMES = {
    "delimited": "text in rows and columns",
    "parquet": "Parquet",
    "arff": "ARFF",
    "npz": "NPZ",
    "svmlight": "svmlight",
    "gzip": "gzip",
}
_REFUSED = (
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an Excel workbook (.xls)", "save it as CSV"),
    (b"BZh", "compressed with bzip2", "unpack it first; only gzip is read directly"),
    (b"\xfd7zXZ\x00", "compressed with xz", "unpack it first; only gzip is read directly"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard", "unpack it first; only gzip is read directly"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it first"),
    (b"Rar!", "a RAR archive", "unpack it first"),
    (b"\x93NUMPY", "a single NumPy array", "save X and y together with numpy.savez"),
    (b"\x89HDF", "an HDF5 file", "export the table as CSV or Parquet"),
    (b"ARROW1", "an Arrow or Feather file", "save it as Parquet"),
    (b"Obj\x01", "an Avro file", "save it as Parquet"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"%PDF", "a PDF document", "give the table itself"),
    (b"\x89PNG", "an image", "give the table itself"),
    (b"{\\rtf", "a word-processor document", "give the table itself"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_IDX = re.compile(rb"\x00\x00[\x08-\x0e][\x01-\x04]")
_MARKUP = re.compile(rb"\s*<(!doctype|html|\?xml|head|body|table|svg|!--)", re.IGNORECASE)
_JSON = re.compile(rb"\s*(\{\s*[\"}]|\[\s*[\[{])")
_ARFF = re.compile(rb"^\s*@relation\b", re.IGNORECASE | re.MULTILINE)
_SVMLIGHT = re.compile(rb"[^\s:#,;]+(?:,[^\s:#,;]+)*(\s+qid:\d+)?(\s+\d+:[^\s:,;]+)+\s*(#.*)?")


def format_of_whole(source: Source) -> str | None:
    """Return ``"parquet"`` or ``"npz"``, or None for what is read as a stream of text."""
    head = source.head
    if not head:
        raise DataError(f"a table is needed, but {source.name} is empty (0 bytes): file is empty")
    claim, says_gzip = _claim(source)
    if source.is_gzip != says_gzip and not source.is_stream:
        _mismatch(source, "gzip" if says_gzip else claim, "gzip" if source.is_gzip else None)
    if source.is_gzip:
        return None
    found = "parquet" if head.startswith(b"PAR1") else _zip_format(source) if head.startswith(b"PK") else None
    if found is None:
        _refuse_foreign(source.name, head)
    if (found is not None or claim in ("parquet", "npz")) and claim not in (None, found):
        _mismatch(source, claim, found)
    return found


def format_of_text(source: Source, stream: Stream) -> str:
    """Return ``"arff"``, ``"svmlight"`` or ``"delimited"`` for the (unpacked) bytes."""
    head = stream.peek(1 << 16)
    if not head:
        raise DataError(f"a table is needed, but {source.name} is empty (0 bytes when unpacked): file is empty")
    if source.is_gzip:
        _refuse_foreign(source.name, head)
        if head.startswith((b"PAR1", b"PK\x03\x04", b"\x1f\x8b")):
            raise DataError(f"text is expected inside {source.name}, but it holds a packed file; unpack it first")
    text = head.removeprefix(b"\xef\xbb\xbf")
    if _MARKUP.match(text):
        raise DataError(f"a table is needed, but {source.name} is an HTML or XML page; download the data file itself")
    if _JSON.match(text):
        raise DataError(f"a table is needed, but {source.name} is JSON; convert it to CSV or Parquet")
    claim, _ = _claim(source)
    found = _text_format(text)
    if claim == "svmlight" and found == "delimited":
        return claim  # a first row without any feature is legal, and the reader says what is wrong otherwise
    if claim is not None and claim != found and not source.is_stream:
        _mismatch(source, claim, found)
    return found


def _text_format(text: bytes) -> str:
    if _ARFF.search(text) and re.match(rb"\s*[%@]", text):
        return "arff"
    for line in text.splitlines()[:50]:
        if line.strip() and not line.lstrip().startswith(b"#"):
            return "svmlight" if _SVMLIGHT.fullmatch(line.strip()) else "delimited"
    return "delimited"


def _claim(source: Source) -> tuple[str | None, bool]:
    """What the suffixes say: the format if they name one, and whether it is gzipped."""
    suffixes = [suffix.lower() for suffix in source.path.suffixes]
    says_gzip = bool(suffixes) and suffixes[-1] in (".gz", ".gzip")
    inner = suffixes[:-1] if says_gzip else suffixes
    return (_CLAIMS.get(inner[-1]) if inner else None), says_gzip


def _zip_format(source: Source) -> str:
    try:
        with zipfile.ZipFile(source.random_access()) as archive:
            members = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise DataError(f"{source.name} is damaged: its zip directory cannot be read; fetch it again") from error
    if any(name.endswith(".npy") for name in members):
        return "npz"
    if any(name.startswith("xl/") or name == "[Content_Types].xml" for name in members):
        raise DataError(f"a table is needed, but {source.name} is an Excel workbook; save the sheet as CSV")
    if "content.xml" in members:
        raise DataError(f"a table is needed, but {source.name} is an OpenDocument file; save the sheet as CSV")
    raise DataError(f"a table is needed, but {source.name} is a zip archive; unpack it and name the file inside")


def _refuse_foreign(name: str, head: bytes) -> None:
    for magic, what, advice in _REFUSED:
        if head.startswith(magic):
            raise DataError(f"a table is needed, but {name} is {what}; {advice}")
    if _PICKLE.match(head):
        raise DataError(f"a table is needed, but {name} is a Python pickle, which is never opened; save it as Parquet")
    if _IDX.match(head):
        raise DataError(f"a table is needed, but {name} is an IDX file (as MNIST's); save images and labels as NPZ")


def _mismatch(source: Source, claim: str | None, found: str | None) -> None:
    says = f"a {_NAMES[claim]} file" if claim else "a plain file"
    holds = _NAMES[found] if found else "something else"
    raise DataError(
        f"{source.name} is named as {says}, but its bytes are {holds}; "
        "give it the name that fits, or fetch the right file"
    )
