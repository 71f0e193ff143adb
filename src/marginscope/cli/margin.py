"""The command ``margin``: the exact largest margin in a norm, and the rows that hold it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginscope.cli.class_numbers import ClassMargins, ClassScales, by_label
from marginscope.cli.lab_options import LabOptions, Matrix, command_line, deliver, read_matrix
from marginscope.cli.option_bundles import with_bundles
from marginscope.cli.reader_options import FileArgument, ReaderOptions, TargetOption

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["margin"]

_MOST_PAIRS = 12
_TOL = 1e-8


@with_bundles
def margin(
    file: FileArgument,
    target: TargetOption,
    lab: LabOptions,
    reader: ReaderOptions,
    norm: Annotated[
        str, typer.Option("--norm", metavar="NAME", help="frobenius, max, sum, spectral or nuclear.")
    ] = "frobenius",
    class_margin: ClassMargins = None,
    class_scale: ClassScales = None,
    tol: Annotated[float, typer.Option("--tol", metavar="GAP", help="Largest relative gap of the bracket.")] = _TOL,
) -> int:
    """Compute the largest margin of linear scores in a norm.

    This is where gradient descent and its relatives end on separable data: plain descent
    in the Frobenius norm, sign descent in the max norm, spectral descent in the spectral
    one. The answer is a certified bracket, with the rows that hold the margin. Data that
    are not separable have no margin: the command says so and exits with 4.

    For example:

      marginscope margin data.csv -t label

      marginscope margin data.csv -t label --norm max --class-margin rare=2
    """
    from marginscope.cli.output import screen_width
    from marginscope.solvers.hard_margin import solve_hard_margin

    lab.validate(file)
    margins, scales = by_label("--class-margin", class_margin), by_label("--class-scale", class_scale)
    data = read_matrix(file, target, reader, lab)
    begun = time.perf_counter()
    solution = solve_hard_margin(
        data.X,
        data.y,
        norm=norm,
        fit_intercept=not lab.no_intercept,
        class_margins=margins,
        class_scales=scales,
        tol=tol,
    )
    seconds = time.perf_counter() - begun
    more = [] if norm == "frobenius" else ["--norm", norm]
    for option, given in (("--class-margin", class_margin), ("--class-scale", class_scale)):
        more += [word for one in given or () for word in (option, one)]
    more += [] if tol == _TOL else ["--tol", f"{tol:g}"]
    command = command_line("margin", file, target, reader, lab, more=more)
    deliver(solution, data, lab, command, lambda proof: _lines(solution, data, proof, seconds, screen_width()))
    return 0


def _lines(solution: Any, data: Matrix, proof: str, seconds: float, width: int) -> list[Text]:
    from rich.text import Text

    from marginscope.cli.table import paragraph

    headline, *rest = str(solution).splitlines()
    lines = paragraph(headline, width, style="bold")
    for one in rest:
        # advice for Python; here it is done
        if not one.startswith("verify("):
            lines += paragraph(one, width)
    lines += [Text(), *_pair_lines(solution, width), Text()]
    said = f"Solved in {seconds:.2g} s; the bracket is {proof}. Data: {data.file}, target {data.target}."
    return [*lines, *paragraph(said, width)]


def _pair_lines(solution: Any, width: int) -> list[Text]:
    """Return the class pairs that carry most of the dual weight, as a table."""
    from rich.text import Text

    from marginscope.cli.output import show_labels
    from marginscope.cli.table import paragraph

    pairs = sorted(solution.pairs, key=lambda one: (-one.dual_mass, one.smallest_margin))
    shown = pairs[:_MOST_PAIRS]
    own = show_labels([str(one.own) for one in shown], 20)
    rival = show_labels([str(one.rival) for one in shown], 20)
    wide = max(5, *map(len, own)), max(5, *map(len, rival))
    # Scaled so that the rows that hold the margin have 1: without the unit that reads as a margin above the largest.
    unit = "the largest margin" + ("" if solution.class_margins is None else " times the class margin")
    said = f"times the margin: the smallest margin of the rows of a class over the rival, in units of {unit}"
    head = f"{'class':<{wide[0]}}  {'rival':<{wide[1]}}  times the margin  support rows  share of force"
    lines = [*paragraph(said, width), Text(head, style="bold")]
    total = sum(one.dual_mass for one in pairs) or 1.0
    for one, a, b in zip(shown, own, rival, strict=True):
        share = f"{one.dual_mass / total:.1%}" if one.dual_mass > 0 else "-"
        lines.append(
            Text(f"{a:<{wide[0]}}  {b:<{wide[1]}}  {one.smallest_margin:>16.4g}  {one.n_support:>12,}  {share:>14}")
        )
    if len(pairs) > len(shown):
        lines.append(Text(f"... and {len(pairs) - len(shown):,} more pairs (all with --json)"))
    return lines
