"""A checkpoint is what was written, or it is refused; the one before is at hand."""

from __future__ import annotations

import io
import json
import os
import pickle
import subprocess
import sys
import textwrap
import warnings
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from marginscope.exceptions import CheckpointError, IOFault, RunWarning
from marginscope.runs.checkpoint import FORMAT, Checkpoints, arrays_sha256, pack_arrays, unpack_arrays

STATE = {"W": np.arange(6.0).reshape(2, 3), "step": np.array(7), "order": np.array([2, 0, 1])}


def same(one, other):
    return one.keys() == other.keys() and all(
        one[k].dtype == other[k].dtype
        and one[k].shape == other[k].shape
        and one[k].tobytes() == other[k].tobytes()
        and one[k].flags.f_contiguous == other[k].flags.f_contiguous
        for k in one
    )


def with_header(**changes):
    """A whole file whose header says something else."""
    stream = io.BytesIO()
    header = {"format": FORMAT, "byte_order": sys.byteorder, "sha256": arrays_sha256(STATE), **changes}
    with zipfile.ZipFile(stream, "w") as file:
        for name, array in {"header": np.frombuffer(json.dumps(header).encode(), np.uint8), **STATE}.items():
            with file.open(f"{name}.npy", "w") as member:
                np.lib.format.write_array(member, array)
    return stream.getvalue()


@given(
    hnp.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(min_dims=0, max_dims=3, min_side=0),
    )
)
def test_arrays_come_back_bit_by_bit(array):
    for one in (array, np.asfortranarray(array)):
        packed = pack_arrays({"a": one})
        assert same({"a": one}, unpack_arrays(packed, "x"))
        assert packed == pack_arrays({"a": one.copy(order="K")})


def test_the_hash_tells_names_types_shapes_and_orders_apart():
    a = np.zeros((2, 3))
    different = [{"a": a}, {"b": a}, {"a": a.astype("f4")}, {"a": a.reshape(3, 2)}, {"a": np.asfortranarray(a)}, {}]
    assert len({arrays_sha256(one) for one in different}) == len(different)


def test_pro012_no_flipped_bit_passes():
    packed = bytearray(pack_arrays(STATE))
    harmless = 0
    for i in range(len(packed)):
        packed[i] ^= 1 << (i % 8)
        try:
            # dates and the like are no part of the state
            assert same(unpack_arrays(bytes(packed), "x"), STATE)
            harmless += 1
        except CheckpointError:
            pass
        packed[i] ^= 1 << (i % 8)
    assert harmless < len(packed) / 3


def test_pro012_no_truncation_passes():
    packed = pack_arrays(STATE)
    for length in range(0, len(packed), 7):
        with pytest.raises(CheckpointError):
            unpack_arrays(packed[:length], "x")


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format": FORMAT + 1}, "format 2"),
        ({"byte_order": "big" if sys.byteorder == "little" else "little"}, "endian"),
        ({"sha256": "0" * 64}, "SHA-256"),
    ],
)
def test_pro012_newer_formats_and_other_machines_are_refused(changes, match):
    assert same(unpack_arrays(with_header(), "x"), STATE)
    with pytest.raises(CheckpointError, match=match):
        unpack_arrays(with_header(**changes), "x")


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_sec002_a_pickle_is_neither_written_nor_read(tmp_path):
    with pytest.raises(ValueError, match="pickle"):
        pack_arrays({"a": np.array([{}])})
    marker = str(tmp_path / "ran")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file, file.open("a.npy", "w") as member:
        np.lib.format.write_array(member, np.array([Payload(marker)]), allow_pickle=True)
    with pytest.raises(CheckpointError):
        unpack_arrays(stream.getvalue(), "x")
    assert not os.path.exists(marker)
    # the payload does act where pickles are allowed
    pickle.loads(pickle.dumps(Payload(marker)))
    assert os.path.exists(marker)


def test_a_compressed_member_is_no_checkpoint():
    stream = io.BytesIO()
    np.savez_compressed(stream, W=np.zeros(10_000_000))
    with pytest.raises(CheckpointError, match="stored"):
        unpack_arrays(stream.getvalue(), "x")


def numbered(i):
    return {"i": np.array(i)}


def test_two_generations_are_kept(tmp_path):
    checkpoints = Checkpoints(tmp_path / "run")
    assert checkpoints.load() is None
    for i in range(5):
        checkpoints.save(numbered(i))
    assert sorted(os.listdir(tmp_path / "run")) == ["checkpoint-00000004.npz", "checkpoint-00000005.npz"]
    assert Checkpoints(tmp_path / "run").load()["i"] == 4


def test_pro012_a_damaged_one_falls_back_to_the_one_before_and_says_so(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    paths = [checkpoints.save(numbered(i)) for i in range(2)]
    paths[1].write_bytes(paths[1].read_bytes()[:100])
    with pytest.warns(RunWarning, match=r"damaged.*resumed from checkpoint-00000001.npz"):
        assert checkpoints.load()["i"] == 0
    # the next one does not take the name of the damaged one
    checkpoints.save(numbered(9))
    assert checkpoints.load()["i"] == 9
    for path in tmp_path.iterdir():
        path.write_bytes(b"")
    with pytest.raises(CheckpointError) as caught:
        checkpoints.load()
    assert caught.value.exit_code == 3


class Killed(BaseException):
    """Stands for SIGKILL."""


def killed_at(patch, n):
    """Kill the n-th system call from now on."""
    calls = []
    for name in ("open", "fsync", "chmod", "replace", "unlink", "close"):
        real = getattr(os, name)

        def call(*words, real=real, **more):
            calls.append(words)
            if len(calls) == n:
                raise Killed
            return real(*words, **more)

        patch.setattr(os, name, call)


def test_pro004_killed_at_any_call_the_state_is_the_old_or_the_new(tmp_path, monkeypatch):
    n, states = 0, []
    while True:
        n += 1
        folder = tmp_path / str(n)
        checkpoints = Checkpoints(folder)
        checkpoints.save(numbered(1))
        checkpoints.save(numbered(2))
        with monkeypatch.context() as patch:
            killed_at(patch, n)
            try:
                checkpoints.save(numbered(3))
                break
            except Killed:
                pass
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            states.append(int(Checkpoints(folder).load()["i"]))
        assert all(one.startswith("checkpoint-") for one in os.listdir(folder))
    assert len(states) >= 6
    assert set(states) == {2, 3}
    assert states == sorted(states)


def test_pro006_a_full_disk_keeps_the_checkpoint_before(tmp_path):
    Checkpoints(tmp_path).save(numbered(1))
    code = textwrap.dedent(
        f"""
        import pathlib, resource, signal
        import numpy as np
        from marginscope.exceptions import IOFault
        from marginscope.runs.checkpoint import Checkpoints
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
        try:
            Checkpoints(pathlib.Path({str(tmp_path)!r})).save({{"W": np.zeros(100_000)}})
        except IOFault as fault:
            print(fault.exit_code, "checkpoint-00000002.npz" in str(fault), "bytes had to be written" in str(fault))
        """
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["5", "True", "True"]
    assert os.listdir(tmp_path) == ["checkpoint-00000001.npz"]
    assert Checkpoints(tmp_path).load()["i"] == 1


def test_pro008_a_file_where_the_folder_should_be(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(IOFault):
        Checkpoints(tmp_path / "file")
