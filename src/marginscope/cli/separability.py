"""The command ``separability``: what linear scores can separate, with a certificate."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

from marginscope.cli.lab_options import LabOptions, Matrix, command_line, deliver, read_matrix
from marginscope.cli.option_bundles import with_bundles
from marginscope.cli.reader_options import FileArgument, ReaderOptions, TargetOption

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["separability"]

_MOST_INFINITE = 12


@with_bundles
def separability(file: FileArgument, target: TargetOption, lab: LabOptions, reader: ReaderOptions) -> int:
    """Certify whether linear scores can separate the classes.

    The verdict is complete separation, quasi-complete separation or overlap. It comes
    with the parameters that have no finite estimate without a penalty, and with a
    certificate that is verified without a solver. Overlap is a result, not an error.

    For example:

      marginscope separability data.csv -t label

      marginscope separability data.csv -t label --exact --json
    """
    from marginscope.cli.output import screen_width
    from marginscope.solvers.separability import separability as certify

    lab.validate(file)
    data = read_matrix(file, target, reader, lab)
    begun = time.perf_counter()
    certificate = certify(data.X, data.y, fit_intercept=not lab.no_intercept)
    seconds = time.perf_counter() - begun
    command = command_line("separability", file, target, reader, lab)
    deliver(certificate, data, lab, command, lambda proof: _lines(certificate, data, proof, seconds, screen_width()))
    return 4 if certificate.status == "undecided" else 0


def _lines(certificate: Any, data: Matrix, proof: str, seconds: float, width: int) -> list[Text]:
    from rich.text import Text

    from marginscope.cli.table import paragraph

    headline, *rest = str(certificate).splitlines()
    lines = paragraph(headline, width, style="bold")
    # the last line of the text form is advice for Python; here it is done
    for one in rest[:-1] if certificate.status != "undecided" else rest:
        lines += paragraph(one.replace(": see .infinite.", "."), width)
    lines += _infinite_lines(certificate, data, width)
    said = (
        f"Decided by {certificate.method} in {seconds:.2g} s; the certificate is {proof}. "
        f"Data: {data.file}, target {data.target}."
    )
    return [*lines, Text(), *paragraph(said, width)]


def _infinite_lines(certificate: Any, data: Matrix, width: int) -> list[Text]:
    """Name the class-by-feature parameters without a finite estimate; many are counted by class."""
    from marginscope._display import display_order
    from marginscope.cli.output import show_label
    from marginscope.cli.table import paragraph

    signs = certificate.infinite
    if signs is None and certificate.status != "undecided":
        advice = "" if certificate.max_margin.status == "too_large" else " With --standardise they may show."
        return paragraph(certificate.infinite_reason + advice, width)
    if signs is None or not signs.any():
        return []
    classes = [show_label(str(label)) for label in certificate.classes]
    rows, columns = signs.nonzero()
    head = f"{len(rows):,} of {signs.size:,} coefficients have no finite estimate"
    if len(rows) <= _MOST_INFINITE:
        ends = (
            f"{classes[k]}, {show_label(data.names[j])} ({signs[k, j] * math.inf:+})"
            for k, j in zip(rows, columns, strict=True)
        )
        return paragraph(f"{head}: {'; '.join(ends)}.", width)
    order = [k for k in display_order(certificate.classes.tolist()) if signs[k].any()]
    ends = (f"{classes[k]}: {(signs[k] > 0).sum():,}/{(signs[k] < 0).sum():,}" for k in order)
    return paragraph(f"{head}; to +inf/-inf by class: {', '.join(ends)} (each with --json).", width)
