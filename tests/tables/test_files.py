"""The file itself: path, bytes, packing, encoding, changes while it is read."""

from __future__ import annotations

import gzip
import hashlib
import os
import threading
import zipfile
from pathlib import Path

import numpy as np
import pytest

from marginscope.exceptions import DataError, IOFault, SecurityError, SizeError, UsageError
from marginscope.tables import read_table
from marginscope.tables.source import Source

TABLE = "a,b,y\n1,2,u\n3,4,v\n5,6,u\n"


def test_fil001_empty_file(write):
    with pytest.raises(DataError, match="file is empty") as caught:
        read_table(write(""), "y")
    assert caught.value.exit_code == 3


def test_fil001_blank_lines_only(write):
    with pytest.raises(DataError, match="file is empty"):
        read_table(write("\n \n\n"), "y")


def test_fil001_empty_inside_gzip(write):
    with pytest.raises(DataError, match="file is empty"):
        read_table(write(gzip.compress(b""), "table.csv.gz"), "y")


def test_fil003_byte_order_mark_is_no_part_of_the_first_name(write):
    data = read_table(write(b"\xef\xbb\xbf" + TABLE.encode()), "y")
    assert data.features.names == ("a", "b")


def test_fil003_byte_order_mark_before_a_quote(write):
    data = read_table(write(b'\xef\xbb\xbf"a";"b";"y"\r\n1;2;u\r\n3;4;v\r\n'), "y")
    assert data.features.names == ("a", "b")
    assert list(data.target) == ["u", "v"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_fil004_utf16_is_refused_with_byte_and_advice_but_read_when_named(write, encoding):
    path = write(TABLE.encode(encoding))
    with pytest.raises(DataError, match=r"byte \d+.*--encoding"):
        read_table(path, "y")
    assert list(read_table(path, "y", encoding=encoding).target) == ["u", "v", "u"]


def test_fil004_latin1_names_the_offset_of_the_first_wrong_byte(write):
    content = ("a,b,y\n" + "1,2,u\n" * 5000 + "3,4,Größe\n").encode("latin-1")
    path = write(content)
    offset = content.index("ö".encode("latin-1"))
    with pytest.raises(DataError, match=rf"at byte {offset} .*use --encoding"):
        read_table(path, "y")
    assert read_table(path, "y", encoding="latin-1").target[-1] == "Größe"


def test_fil004_offset_counts_from_the_start_also_behind_a_byte_order_mark_and_gzip(write):
    content = b"\xef\xbb\xbfa,b,y\n" + b"1,2,u\n" * 3000 + b"3,4,\xe9\n"
    with pytest.raises(DataError, match=f"at byte {content.index(0xE9)} "):
        read_table(write(gzip.compress(content), "t.csv.gz"), "y")


def test_unknown_encoding_is_a_usage_error(write):
    with pytest.raises(UsageError, match="--encoding"):
        read_table(write(TABLE), "y", encoding="latin-99")


def test_fil010_nul_bytes(write):
    with pytest.raises(DataError, match=r"NUL byte at byte 15 \(line 3\)"):
        read_table(write(b"a,b,y\n1,2,u\n3,4\0,v\n"), "y")


def test_fil010_nul_character_in_utf16(write):
    with pytest.raises(DataError, match=r"line 3 .*NUL"):
        read_table(write("a,b,y\n1,2,u\n3,4\0,v\n".encode("utf-16")), "y", encoding="utf-16")


@pytest.mark.parametrize("keep", [0.3, 0.9, 0.999])
def test_fil016_truncated_gzip_gives_no_partial_rows(write, keep):
    rng = np.random.default_rng(0)
    rows = "".join(f"{value:.17g},{at % 3}\n" for at, value in enumerate(rng.normal(size=4000)))
    packed = gzip.compress(("x,y\n" + rows).encode())
    with pytest.raises(DataError, match="is damaged") as caught:
        read_table(write(packed[: int(len(packed) * keep)], "t.csv.gz"), "y")
    assert isinstance(caught.value.__cause__, EOFError)


def test_fil016_bad_checksum(write):
    packed = bytearray(gzip.compress(TABLE.encode()))
    packed[-6] ^= 0xFF
    with pytest.raises(DataError, match="is damaged") as caught:
        read_table(write(bytes(packed), "t.csv.gz"), "y")
    assert caught.value.__cause__ is not None


def test_fil016_damaged_zip_and_parquet(write, tmp_path):
    np.savez(tmp_path / "whole.npz", X=np.eye(4), y=np.arange(4) % 2)
    packed = (tmp_path / "whole.npz").read_bytes()
    with pytest.raises(DataError, match="is damaged"):
        read_table(write(packed[: len(packed) // 2], "cut.npz"), "y")
    flipped = bytearray(packed)
    flipped[200] ^= 0xFF
    with pytest.raises(DataError, match="damaged"):
        read_table(write(bytes(flipped), "flipped.npz"), "y")
    with pytest.raises(DataError, match="is damaged"):
        read_table(write(b"PAR1" + b"\x15\x04" * 50, "cut.parquet"), "y")


def test_fil017_gzip_bomb_stops_at_the_limit(write):
    bomb = gzip.compress(b"a,b,y\n" + b"0,0,u\n" * 2_000_000)
    assert len(bomb) < 100_000
    with pytest.raises(SizeError, match=r"more than 1,000,000 bytes.*--max-bytes") as caught:
        read_table(write(bomb, "bomb.csv.gz"), "y", max_bytes=1_000_000)
    assert caught.value.exit_code == 3


def test_fil017_npz_bomb_is_refused_before_its_array_is_made(write, tmp_path):
    path = tmp_path / "bomb.npz"
    np.savez_compressed(path, X=np.zeros((4000, 1000)), y=np.arange(4000) % 2)
    assert path.stat().st_size < 100_000
    with pytest.raises(SizeError, match="32,000,000 bytes"):
        read_table(path, "y", max_bytes=1_000_000)


def test_fil017_npz_header_that_claims_too_little_or_too_much(tmp_path):
    for shape, message in (((2, 2), "more bytes than its header says"), ((10**9, 10**9), "bytes, more than the limit")):
        path = tmp_path / f"lie{shape[0]}.npz"
        with zipfile.ZipFile(path, "w") as archive, archive.open("X.npy", "w") as member:
            header = {"descr": "<f8", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(member, header)
            member.write(np.zeros(1000).tobytes())
        with pytest.raises(DataError, match=message):
            read_table(path, "y")


def test_fil019_file_that_grows_while_it_is_read(write):
    path = write(TABLE)
    with Source(path, max_bytes=None, allow_stream=False) as source:
        source.stream().read()
        with path.open("a") as more:
            more.write("7,8,v\n")
        with pytest.raises(DataError, match="changed while it was read"):
            source.close_reading()


def test_fil019_file_replaced_while_it_is_read(write, tmp_path):
    path = write(TABLE)
    other = tmp_path / "other.csv"
    other.write_text(TABLE)
    with Source(path, max_bytes=None, allow_stream=False) as source:
        source.stream().read()
        os.replace(other, path)
        with pytest.raises(DataError, match="changed while it was read"):
            source.close_reading()


@pytest.mark.parametrize("name", ["table.csv", "table.csv.gz"])
def test_fil019_hash_is_of_the_bytes_of_the_file(write, name):
    content = gzip.compress(TABLE.encode()) if name.endswith("gz") else TABLE.encode()
    path = write(content, name)
    assert read_table(path, "y").sha256 == hashlib.sha256(content).hexdigest()


def test_fil019_hash_is_right_after_a_second_pass_over_a_long_file(write):
    # Comma and semicolon split the first thousand rows alike; a later row decides.
    content = "1,5;2;u\n" * 1500 + "1;2;v\n" * 100
    data = read_table(write(content), -1, header=False)
    assert data.features.shape == (1600, 2)
    assert data.sha256 == hashlib.sha256(content.encode()).hexdigest()


def test_fil020_missing_file_directory_and_broken_link(tmp_path):
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "nowhere.csv")
    for path, word in ((tmp_path / "no.csv", "does not exist"), (tmp_path, "directory"), (link, "link whose target")):
        with pytest.raises(UsageError, match=word) as caught:
            read_table(path, "y")
        assert caught.value.exit_code == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs FIFOs")
def test_fil020_fifo_is_refused_without_waiting_and_read_when_allowed(tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    with pytest.raises(UsageError, match="--allow-stream"):
        read_table(fifo, "y")
    writer = threading.Thread(target=fifo.write_text, args=(TABLE,))
    writer.start()
    data = read_table(fifo, "y", allow_stream=True)
    writer.join()
    assert data.features.shape == (3, 2)
    assert data.sha256 == hashlib.sha256(TABLE.encode()).hexdigest()


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="needs /dev/zero")
def test_fil020_endless_device():
    with pytest.raises(UsageError, match="--allow-stream"):
        read_table("/dev/zero", "y")
    with pytest.raises(DataError, match="NUL"):
        read_table("/dev/zero", "y", allow_stream=True)


def test_fil020_no_permission(write, monkeypatch):
    path = write(TABLE)
    path.chmod(0)
    if os.geteuid() == 0:  # root may read anything, so the refusal has to be staged

        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(IOFault, match="Permission denied") as caught:
        read_table(path, "y")
    assert caught.value.exit_code == 5


def test_fil021_content_that_is_not_what_the_suffix_says(write, tmp_path):
    np.savez(tmp_path / "arrays.npz", X=np.eye(3), y=np.arange(3))
    npz = (tmp_path / "arrays.npz").read_bytes()
    for content, name, words in (
        (b"PAR1....PAR1", "a.csv", "its bytes are Parquet"),
        (npz, "b.csv", "its bytes are NPZ"),
        (TABLE.encode(), "c.parquet", "named as a Parquet file"),
        (TABLE.encode(), "d.npz", "named as a NPZ file"),
        (TABLE.encode(), "e.arff", "its bytes are text in rows and columns"),
        (b"@relation r\n@attribute a numeric\n@data\n1\n", "f.csv", "its bytes are ARFF"),
        (gzip.compress(TABLE.encode()), "g.csv", "its bytes are gzip"),
        (TABLE.encode(), "h.csv.gz", "named as a gzip file"),
    ):
        with pytest.raises(DataError, match=words):
            read_table(write(content, name), "y")


def test_fil021_format_comes_from_the_bytes_where_the_suffix_is_silent(write):
    arff = b"% words\n@RELATION r\n@ATTRIBUTE a NUMERIC\n@ATTRIBUTE y {u,v}\n@DATA\n1,u\n2,v\n"
    assert read_table(write(arff, "data.txt"), "y").features.names == ("a",)
    assert read_table(write(b"u 1:2\nv 2:3\n", "data.txt"), 0).features.is_sparse
    assert read_table(write(TABLE, "data.unknown"), "y").features.shape == (3, 2)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"<!DOCTYPE html><html><body>404</body></html>", "HTML or XML"),
        (b"\n  <?xml version='1.0'?><a><b>1,2</b></a>", "HTML or XML"),
        (b"<table><tr><td>1</td></tr></table>", "HTML or XML"),
        (b'{"a": [1, 2], "y": ["u", "v"]}', "JSON"),
        (b'[{"a": 1}]', "JSON"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "Excel"),
        (b"%PDF-1.7", "PDF"),
        (b"\x80\x04\x95\x00\x00", "pickle"),
        (b"\x93NUMPY\x01\x00", "NumPy array"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\x00", "xz"),
        (b"\x00\x00\x08\x03\x00\x00\xea\x60", "IDX"),
        (b"SQLite format 3\x00", "SQLite"),
    ],
)
def test_sec015_other_formats_disguised_as_csv(write, content, word):
    for name, body in (("t.csv", content), ("t.csv.gz", gzip.compress(content))):
        with pytest.raises(DataError, match=word) as caught:
            read_table(write(body, name), "y")
        assert caught.value.exit_code == 3


def test_sec015_excel_and_other_zip_archives(tmp_path):
    for members, word in ((["[Content_Types].xml", "xl/workbook.xml"], "Excel"), (["data.csv"], "zip archive")):
        path = tmp_path / f"{len(members)}.csv"
        with zipfile.ZipFile(path, "w") as archive:
            for member in members:
                archive.writestr(member, "a,y\n1,u\n")
        with pytest.raises(DataError, match=word):
            read_table(path, "y")


def test_sec002_object_arrays_are_never_unpickled(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (os.system, (f"touch {tmp_path}/exploded",))

    np.savez(tmp_path / "bomb.npz", X=np.eye(2), y=np.array([Bomb(), Bomb()], dtype=object))
    with pytest.raises(DataError, match="pickled objects") as caught:
        read_table(tmp_path / "bomb.npz", "y")
    assert caught.value.exit_code == 3
    assert not (tmp_path / "exploded").exists()


@pytest.mark.parametrize("member", ["../evil.npy", "/etc/evil.npy", "a/../../evil.npy", "C:\\evil.npy", "..\\evil.npy"])
def test_sec009_members_outside_the_archive(tmp_path, member):
    path = tmp_path / "slip.npz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(zipfile.ZipInfo("X.npy"), b"")
        archive.writestr(zipfile.ZipInfo(member), b"\x93NUMPY")
    before = sorted(tmp_path.parent.rglob("*"))
    with pytest.raises(SecurityError, match="refused") as caught:
        read_table(path, "y")
    assert caught.value.exit_code == 6
    assert sorted(tmp_path.parent.rglob("*")) == before
