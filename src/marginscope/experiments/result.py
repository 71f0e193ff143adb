"""The result of an experiment: settings, columns, claims and the figure, and how they are written."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from marginscope._display import make_frame, one_line
from marginscope.experiments.experiment import Claim, Columns, Experiment
from marginscope.runs import write_bytes_atomically, write_text_atomically

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ExperimentResult"]

_DPI = 200


@dataclass(frozen=True, eq=False, repr=False)
class ExperimentResult:
    """What an experiment measured, and which claims hold.

    Attributes
    ----------
    experiment : Experiment
    config : dataclass
    columns : dict of lists of equal length
    claims : tuple of Claim
    seconds : float
    """

    experiment: Experiment
    config: Any
    columns: Columns
    claims: tuple[Claim, ...]
    seconds: float

    @property
    def name(self) -> str:
        """Name of the experiment."""
        return self.experiment.name

    @property
    def holds(self) -> bool:
        """Whether every claim holds."""
        return all(claim.holds for claim in self.claims)

    def figure(self) -> Figure:
        """Draw the figure."""
        return self.experiment.figure(self.config, self.columns)

    def frame(self) -> Any:
        """Return the columns as a frame."""
        return make_frame(self.columns)

    def to_dict(self) -> dict[str, Any]:
        """Return settings and claims as plain JSON values."""
        return {
            "schema": "marginscope.experiment/1",
            "name": self.name,
            "title": self.experiment.title,
            "config": asdict(self.config),
            "holds": self.holds,
            "claims": [claim.to_dict() for claim in self.claims],
            "seconds": round(self.seconds, 3),
        }

    def save(self, folder: str | Path) -> list[Path]:
        """Write figure (svg and png), columns (CSV, and Parquet where it can be written) and claims.

        Parameters
        ----------
        folder : path
            Made if it is not there.

        Returns
        -------
        list of Path
            The files, in the folder.

        Raises
        ------
        IOFault
            If the system refuses.
        """
        folder = Path(folder)
        folder.mkdir(parents=True, exist_ok=True)
        figure = self.figure()
        files: dict[str, bytes] = {}
        for kind in ("svg", "png"):
            stream = io.BytesIO()
            metadata: Mapping[str, Any] = {"Date": None} if kind == "svg" else {"Software": None}
            figure.savefig(stream, format=kind, dpi=_DPI, metadata=dict(metadata))
            files[f"figure.{kind}"] = stream.getvalue()
        files["columns.csv"] = _as_csv(self.columns).encode()
        parquet = _as_parquet(self.columns)
        if parquet is not None:
            files["columns.parquet"] = parquet
        for name, data in files.items():
            write_bytes_atomically(folder / name, data)
        write_text_atomically(folder / "claims.json", json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n")
        return [*(folder / name for name in files), folder / "claims.json"]

    def __repr__(self) -> str:
        """Return the class and the headline: the columns are long."""
        return one_line(self)

    def __str__(self) -> str:
        lines = [f"{self.name}: {self.experiment.title} ({self.seconds:.1f} s)"]
        for claim in self.claims:
            low = "" if claim.at_least is None else f"{claim.at_least:.6g} <= "
            high = "" if claim.at_most is None else f" <= {claim.at_most:.6g}"
            mark = "holds" if claim.holds else "DOES NOT HOLD"
            lines.append(f"  {mark}: {claim.statement} [{low}{claim.value:.6g}{high}]")
        return "\n".join(lines)


def _as_csv(columns: Columns) -> str:
    """Return the columns as CSV, every number with all its digits."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return stream.getvalue()


def _as_parquet(columns: Columns) -> bytes | None:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        return None
    stream = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), stream)
    return stream.getvalue()
