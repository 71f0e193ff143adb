"""Model files: skops is read, code is never run."""

import gzip
import io
import pickle
import sys
import zipfile

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.svm import SVC

from marginscope.adapters import load_model, model_files
from marginscope.exceptions import IOFault, MissingExtra, ModelError, SizeError, UntrustedModel, UsageError

X, y = load_iris(return_X_y=True)


class Bomb:
    """Leaves a marker when it is unpickled."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return (open, (str(self.marker), "w"))


def dumps(bomb, protocol):
    return pickle.dumps(bomb, protocol=protocol)


def joblib_bytes(bomb, compress):
    stream = io.BytesIO()
    joblib.dump(bomb, stream, compress=compress)
    return stream.getvalue()


def torch_like(bomb):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps(bomb))
        archive.writestr("archive/version", "3")
    return stream.getvalue()


COMPRESSIONS = ("zlib", "gzip", "bz2", "xz", "lzma")
BOMBS = {
    **{f"pickle {protocol}": lambda bomb, p=protocol: dumps(bomb, p) for protocol in range(6)},
    "joblib": lambda bomb: joblib_bytes(bomb, 0),
    **{f"joblib {how}": lambda bomb, h=how: joblib_bytes(bomb, (h, 3)) for how in COMPRESSIONS},
    "gzipped pickle": lambda bomb: gzip.compress(dumps(bomb, 4)),
    "torch": torch_like,
}  # fmt: skip


@pytest.mark.parametrize("suffix", [".pkl", ".joblib", ".pt", ".skops", ""])
@pytest.mark.parametrize("kind", BOMBS)
def test_sec001_sec003_nothing_is_executed(kind, suffix, tmp_path):
    marker = tmp_path / "marker"
    path = tmp_path / f"model{suffix}"
    path.write_bytes(BOMBS[kind](Bomb(marker)))
    with pytest.raises(UntrustedModel, match=r"convert it where you trust it: skops\.io\.dump") as raised:
        load_model(path)
    assert raised.value.exit_code == 6
    assert not marker.exists()


def test_sec001_the_bombs_are_live(tmp_path):
    marker = tmp_path / "marker"
    pickle.loads(BOMBS["pickle 4"](Bomb(marker))).close()
    assert marker.exists()


def test_sec001_the_suffix_alone_is_enough(tmp_path):
    path = tmp_path / "model.pkl"
    path.write_bytes(b"harmless text")
    with pytest.raises(UntrustedModel, match=r"is a \.pkl file"):
        load_model(path)


@pytest.mark.parametrize("model", [LogisticRegression(max_iter=300), make_pipeline(StandardScaler(), SVC())])
def test_a_skops_file_gives_the_model_back(model, tmp_path):
    model.fit(X, y)
    skops.io.dump(model, tmp_path / "model.skops")
    loaded = load_model(tmp_path / "model.skops")
    np.testing.assert_array_equal(loaded.predict(X), model.predict(X))


def shout(X):
    return X


def test_sec004_unknown_types_are_listed_and_never_trusted(tmp_path):
    model = make_pipeline(FunctionTransformer(shout), LogisticRegression(max_iter=300)).fit(X, y)
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(UntrustedModel, match=r"holds \S*shout; load it yourself") as raised:
        load_model(str(tmp_path / "model.skops"))
    assert raised.value.exit_code == 6


def test_sec004_a_call_to_the_system_is_refused(tmp_path):
    import os

    model = make_pipeline(FunctionTransformer(os.system), LogisticRegression(max_iter=300))
    skops.io.dump(model, tmp_path / "model.skops")
    with pytest.raises(UntrustedModel, match="system"):
        load_model(tmp_path / "model.skops")


def test_a_pickle_smuggled_into_a_skops_file_is_refused(tmp_path):
    skops.io.dump(LogisticRegression(max_iter=300).fit(X, y), tmp_path / "model.skops")
    with zipfile.ZipFile(tmp_path / "model.skops", "a") as archive:
        archive.writestr("inner/data.pkl", b"x")
    with pytest.raises(UntrustedModel, match=r"holds the pickle 'inner/data\.pkl'"):
        load_model(tmp_path / "model.skops")


@pytest.mark.parametrize("keep", [4, 100, 0.5, 0.99])
def test_damaged_files_are_model_errors(keep, tmp_path):
    path = tmp_path / "model.skops"
    skops.io.dump(LogisticRegression(max_iter=300).fit(X, y), path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if keep < 1 else keep])
    with pytest.raises(ModelError, match="is damaged") as raised:
        load_model(path)
    assert raised.value.exit_code == 3


@pytest.mark.parametrize(
    "schema", ["{", "[]", "{}", '{"__class__": "int", "__module__": "builtins", "__loader__": "Nope"}']
)
def test_nonsense_inside_is_a_model_error(schema, tmp_path):
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("schema.json", schema)
    with pytest.raises(ModelError, match="is damaged"):
        load_model(path)


@pytest.mark.parametrize("content", [b"", b"a,b\n1,2\n", b"\x89HDF\r\n\x1a\n", b"\x93NUMPY\x01\x00", b"{}", b"0", b"c"])
def test_other_files_are_model_errors(content, tmp_path):
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(ModelError, match=r"a skops file is needed, but .* is none"):
        load_model(tmp_path / "file")


def test_a_zip_that_is_no_model(tmp_path):
    with zipfile.ZipFile(tmp_path / "model.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(ModelError, match=r"has no schema\.json"):
        load_model(tmp_path / "model.keras")


def test_a_file_without_a_model(tmp_path):
    skops.io.dump(StandardScaler().fit(X), tmp_path / "scaler.skops")
    with pytest.raises(ModelError, match="holds a StandardScaler, which has no predict"):
        load_model(tmp_path / "scaler.skops")


def test_a_bomb_of_zeros_is_not_unpacked(tmp_path, monkeypatch):
    monkeypatch.setattr(model_files, "MAX_UNPACKED_BYTES", 10**6)
    path = tmp_path / "model.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", "{}")
        archive.writestr("array.npy", b"\0" * 10**7)
    assert path.stat().st_size < 10**5
    with pytest.raises(SizeError, match="unpacks to 10000002"):
        load_model(path)


def test_paths_that_cannot_be_read(tmp_path):
    for path, error, said, code in (
        (tmp_path / "missing.skops", UsageError, "does not exist", 2),
        (tmp_path, IOFault, "cannot be read", 5),
    ):
        with pytest.raises(error, match=said) as raised:
            load_model(path)
        assert raised.value.exit_code == code


def test_pro019_without_skops_the_extra_is_named(tmp_path, monkeypatch):
    path = tmp_path / "model.skops"
    skops.io.dump(LogisticRegression(), path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "skops"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtra, match=r"marginscope\[skops\]") as raised:
        load_model(path)
    assert raised.value.exit_code == 2
    assert isinstance(raised.value, ImportError)


def test_an_archive_whose_first_line_is_text_is_no_pickle(tmp_path):
    # a stored member whose sum of bytes and time are letters: the whole head reads as one opcode of protocol 0
    head = b"PK\x03\x04" + b"a" * 22 + b"\n"
    path = tmp_path / "model.skops"
    path.write_bytes(head + b"b" * 100)
    with pytest.raises(ModelError):
        load_model(path)
