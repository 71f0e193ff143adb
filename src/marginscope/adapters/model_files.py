"""Fitted models from files, without running anything that a file contains."""

from __future__ import annotations

import pickletools
import zipfile
from pathlib import Path
from typing import Any, NoReturn

from marginscope.exceptions import IOFault, MissingExtra, ModelError, SizeError, UntrustedModel, UsageError

__all__ = ["load_model"]

MAX_UNPACKED_BYTES = 2**31
_HEAD = 4096
_OWN_TYPES = (
    "marginscope.certificates.bracket.Bracket",
    "marginscope.certificates.kkt.KktResiduals",
    "marginscope.certificates.margin.MarginSolution",
    "marginscope.certificates.pair_table.PairTable",
    "marginscope.certificates.separability.SeparabilityCertificate",
    "marginscope.descent.step_size.StepSize",
    "marginscope.descent.trajectory.Trajectory",
    "marginscope.descent.trajectory_run.Run",
    "marginscope.estimators.class_threshold_classifier.ClassThresholdClassifier",
    "marginscope.estimators.cost_matrix_classifier.CostMatrixClassifier",
    "marginscope.estimators.gradient_descent_classifier.GradientDescentClassifier",
    "marginscope.estimators.hard_margin_classifier.HardMarginClassifier",
    "marginscope.estimators.margin_classifier.MarginClassifier",
    "marginscope.estimators.score_calibration.ScoreCalibration",
    "marginscope.limits.forecast.PathLaw",
    "marginscope.limits.margin_limit.MarginLimit",
    "marginscope.limits.question.Question",
    "marginscope.losses.adjust.Adjustment",
    "marginscope.objectives.LinearObjective",
    "marginscope.solvers.separability.MaxMarginOf",
    "marginscope.solvers.soft_margin.SoftMargin",
    "scipy.sparse._csr.csr_array",
)
_ZIP = b"PK\x03\x04"
_PICKLE_SUFFIXES = frozenset(
    {".pkl", ".pickle", ".joblib", ".jbl", ".sav", ".dill", ".cloudpickle", ".pt", ".pth", ".ckpt", ".bin", ".model"}
)
# Compressed files: what joblib.dump(compress=...) writes is a pickle inside.
_COMPRESSED = (
    b"\x1f\x8b",
    b"BZh",
    b"\xfd7zXZ",
    b"\x5d\x00\x00",
    b"\x04\x22\x4d\x18",
    *(bytes([0x78, level]) for level in (0x01, 0x5E, 0x9C, 0xDA)),
)


def load_model(path: str | Path) -> Any:
    """Load a fitted estimator from a skops file.

    Nothing in the file is run: types beyond those that skops itself knows and the
    classifiers of this package with what they hold are refused, and so are pickles
    in every wrapping.

    Parameters
    ----------
    path : str or Path
        A file written by ``skops.io.dump``.

    Returns
    -------
    estimator

    Raises
    ------
    UntrustedModel
        If it is a pickle, joblib or PyTorch file, or holds unknown types.
    ModelError
        If it is damaged, no skops file, or holds no model.
    UsageError
        If there is no such file.
    IOFault
        If it cannot be read.
    MissingExtra
        If skops is not installed.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except FileNotFoundError as error:
        raise UsageError(f"a model file is needed, but {str(path)!r} does not exist; check the path") from error
    except OSError as error:
        raise IOFault(
            f"a model file is needed, but {str(path)!r} cannot be read ({error.strerror or error}); check the path"
        ) from error
    _refuse_code(path, head)
    if not head.startswith(b"PK"):
        raise ModelError(
            f"a skops file is needed, but {str(path)!r} is none; write it with skops.io.dump(model, 'model.skops')"
        )
    _check_archive(path)
    try:
        import skops.io
    except ImportError as error:
        raise MissingExtra("skops", "skops", "reading a model file") from error
    try:
        held = skops.io.get_untrusted_types(file=path)
        own = own_types()
        unknown = [name for name in held if name not in own]
        model = None if unknown else skops.io.load(path, trusted=held)
    except Exception as error:
        raise _damaged(path, error) from error
    if unknown:
        raise UntrustedModel(
            f"a model of known types is needed, but {str(path)!r} holds {', '.join(map(str, unknown))}; load it "
            "yourself if you trust its author, and pass the model to marginscope.diagnose"
        )
    if not hasattr(model, "predict"):
        raise ModelError(
            f"a fitted model is needed, but {str(path)!r} holds a {type(model).__name__}, which has no predict; "
            "dump the whole pipeline"
        )
    return model


def own_types() -> frozenset[str]:
    """Return the types that fitted classifiers of this package hold: plain data, without functions."""
    from marginscope.descent import OPTIMIZERS
    from marginscope.losses import TEMPLATES

    named = (f"{type(one).__module__}.{type(one).__qualname__}" for one in (*TEMPLATES, *OPTIMIZERS))
    return frozenset((*_OWN_TYPES, *named))


def _refuse_code(path: Path, head: bytes) -> None:
    """Refuse what would run code when loaded, by its content first and its name second."""
    if head.startswith(_COMPRESSED) or _is_pickle(head):
        _refuse_pickle(path, "is a pickle" if _is_pickle(head) else "is compressed, as joblib writes pickles")
    if head.startswith(b"PK"):
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
            names = []
        inside = [name for name in names if name.lower().endswith(tuple(_PICKLE_SUFFIXES))]
        if inside:
            _refuse_pickle(path, f"holds the pickle {inside[0]!r:.80}")
    if path.suffix.lower() in _PICKLE_SUFFIXES:
        _refuse_pickle(path, f"is a {path.suffix} file")


def _refuse_pickle(path: Path, what: str) -> NoReturn:
    raise UntrustedModel(
        f"a model file that runs no code is needed, but {str(path)!r} {what}, and loading it could run anything; "
        "convert it where you trust it: skops.io.dump(model, 'model.skops')"
    )


def _is_pickle(head: bytes) -> bool:
    if head.startswith(_ZIP):
        # P is an opcode as well, which takes the rest of the line
        return False
    if len(head) > 1 and head[0] == 0x80 and head[1] <= 5:
        return True
    # Protocols 0 and 1 have no mark: two opcodes that parse, one of them making or finding an object.
    makes = {"GLOBAL", "INST", "OBJ", "REDUCE", "BUILD", "STACK_GLOBAL", "PERSID", "PUT", "BINPUT"}
    seen = 0
    try:
        for opcode, _, _ in pickletools.genops(head):
            seen += 1
            if seen == 1 and opcode.stack_before:
                return False
            if opcode.name in makes:
                return True
            if opcode.name == "STOP":
                return seen > 1
    except (ValueError, IndexError):
        return False
    return False


def _check_archive(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
        raise _damaged(path, error) from error
    if unpacked > MAX_UNPACKED_BYTES:
        raise SizeError(
            f"a model of at most {MAX_UNPACKED_BYTES} bytes is needed, but {str(path)!r} unpacks to {unpacked}; "
            "load it in Python and pass it to marginscope.diagnose"
        )
    if "schema.json" not in names:
        raise ModelError(
            f"a skops file is needed, but {str(path)!r} has no schema.json; write the model with skops.io.dump"
        )


def _damaged(path: Path, error: Exception) -> ModelError:
    told = " ".join(f"{type(error).__name__}: {error}".split())
    return ModelError(f"a whole skops file is needed, but {str(path)!r} is damaged ({told:.200}); write it again")
