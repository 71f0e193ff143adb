"""Whatever the bytes are, a file is read or refused with a sentence."""

from __future__ import annotations

import gzip
import io
import random

import numpy as np
import pytest

from marginscope.exceptions import MarginscopeError
from marginscope.tables import read_predictions, read_table

CSV = 'a,b,"c d",y\n' + "".join(
    f'{at / 7:.3f},{"red" if at % 3 else "NA"},"x, {at % 4}",{"uvw"[at % 3]}\n' for at in range(30)
)
ARFF = "@relation r\n@attribute 'a b' numeric\n@attribute c {x,'y z'}\n@attribute y {u,v}\n@data\n" + "".join(
    f"{at},{'x' if at % 2 else chr(39) + 'y z' + chr(39)},{'uv'[at % 2]}\n" for at in range(20)
)
SVMLIGHT = "".join(f"{'uv'[at % 2]} 1:{at} 3:2.5 # note\n" for at in range(20))
TOKENS = [
    *[one.encode() for one in ",;\"'\n\r\0 \t%{}?@:#|_-"],
    *[b"NA", b"nan", b"inf", b"1e999", b"9" * 25, b"1,5", b"\xff", "é".encode(), "\u2028".encode(), b"\x1f", b"\x85"],
]
OPTIONS = [
    {},
    {},
    {"header": False},
    {"strict": True},
    {"missing": ["x"]},
    {"drop_missing_target": True},
    {"delimiter": "blanks"},
    {"decimal": ","},
    {"encoding": "latin-1"},
    {"encoding": "utf-16"},
    {"text": [1]},
]


def whole_files():
    yield "csv", CSV.encode(), "y"
    yield "txt", CSV.replace(",", ";").replace(".", ",").encode(), "y"
    yield "csv.gz", gzip.compress(CSV.encode(), mtime=0), "y"
    yield "arff", ARFF.encode(), "y"
    yield "svm", SVMLIGHT.encode(), 0
    buffer = io.BytesIO()
    np.savez(buffer, X=np.arange(30.0).reshape(10, 3), y=np.arange(10) % 2)
    yield "npz", buffer.getvalue(), "y"
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        return
    buffer = io.BytesIO()
    pq.write_table(pa.table({"a": np.arange(30.0), "w": ["p", "q", "r"] * 10, "y": ["u", "v"] * 15}), buffer)
    yield "parquet", buffer.getvalue(), "y"


def damaged(content: bytes, rng: random.Random) -> bytes:
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 5])):
        place = rng.randrange(len(content) + 1)
        how = rng.randrange(4)
        if how == 0:
            content[place : place + rng.randrange(3)] = rng.choice(TOKENS)
        elif how == 1:
            content = content[: max(place, 1)]
        elif how == 2:
            content[place:place] = rng.choice(TOKENS) * rng.randrange(1, 4)
        else:
            content[min(place, len(content) - 1)] = rng.randrange(256)
    return bytes(content)


@pytest.mark.parametrize(("suffix", "content", "target"), [pytest.param(*one, id=one[0]) for one in whole_files()])
def test_damage_ends_in_a_sentence(write, suffix, content, target):
    rng = random.Random(suffix)
    assert read_table(write(content, f"t.{suffix}"), target).features.shape[0] >= 10
    refusals = []
    for _ in range(150):
        path = write(damaged(content, rng), f"t.{suffix}")
        try:
            if rng.random() < 0.15:
                read_predictions(path, ["u", "v", "w"], 30)
            else:
                read_table(path, target, **rng.choice(OPTIONS))
        except MarginscopeError as error:
            refusals.append(error)
    assert len(refusals) > 20
    assert {error.exit_code for error in refusals} <= {2, 3, 6}
    assert all(20 < len(str(error)) < 1500 for error in refusals)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_every_kind_of_line_end(write, end):
    content = end.join(["a,b,y", "1,x,u", '2,"p q",v', ""])
    data = read_table(write(content), "y")
    assert data.features.shape == (2, 2)
    assert data.features.levels == {1: ("p q", "x")}
    assert list(data.target) == ["u", "v"]
