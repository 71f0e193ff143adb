"""The command ``limit``: where gradient descent is heading, and how far it has come after n steps."""

from __future__ import annotations

import contextlib
import math
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from marginscope.cli.class_numbers import ClassMargins, ClassScales, by_label
from marginscope.cli.lab_options import LabOptions, read_matrix
from marginscope.cli.option_bundles import with_bundles
from marginscope.cli.reader_options import FileArgument, ReaderOptions, TargetOption
from marginscope.exceptions import NotSolvedError, UsageError

if TYPE_CHECKING:
    from rich.text import Text

__all__ = ["limit"]

_MOST_LINES = 12
# seconds without a word
_PATIENCE = 10.0


@with_bundles
def limit(
    file: FileArgument,
    target: TargetOption,
    lab: LabOptions,
    reader: ReaderOptions,
    loss: Annotated[str, typer.Option("--loss", metavar="NAME", help="The loss that is minimised.")] = "cross_entropy",
    steps: Annotated[str, typer.Option("--steps", metavar="N", help="The last step, which may be 1e1000.")] = "1e100",
    step_size: Annotated[
        str, typer.Option("--step-size", metavar="ETA", help="For the sum of the losses, or theory.")
    ] = "theory",
    class_weight: Annotated[
        str | None, typer.Option("--class-weight", metavar="balanced", help="Weigh the classes alike.")
    ] = None,
    class_margin: ClassMargins = None,
    class_scale: ClassScales = None,
) -> int:
    """Follow gradient descent on the table to any step, and foretell its limit.

    On separable data the direction of descent turns to the largest margin, whatever the
    class weights; the norm grows like the logarithm of the step. On other data some
    parameters are finite and some may grow. The path is recorded with a certified bracket of
    the largest margin; steps beyond the first thousand are followed in logarithmic time.

    For example:

      marginscope limit data.csv -t label --standardise

      marginscope limit data.csv -t label --class-weight balanced --steps 1e1000 -o limit.html
    """
    from marginscope.cli.output import print_lines, screen_width, write_json
    from marginscope.limits.fast_forward import fast_forward
    from marginscope.limits.mixed import mixed_limit

    if lab.exact:
        raise UsageError("--exact is for certificates of one point, but limit follows a path; use margin --exact")
    lab.validate(file)
    margins, scales = by_label("--class-margin", class_margin), by_label("--class-scale", class_scale)
    data = read_matrix(file, target, reader, lab)
    begun = time.perf_counter()
    with _said_once(lab.quiet, len(data.y)):
        path = fast_forward(
            data.X,
            data.y,
            loss=loss,
            n_steps=steps,
            step_size=_step_size(step_size),
            fit_intercept=not lab.no_intercept,
            class_weight=class_weight,
            class_margins=margins,
            class_scales=scales,
        )
    _check_end(path, steps, lab.standardise)
    law, verified = path.law, bool(path.verify(data.X, data.y))
    parts = None
    if law is None and loss == "cross_entropy" and not (class_weight or margins or scales):
        parts = mixed_limit(data.X, data.y, fit_intercept=not lab.no_intercept)
    seconds = time.perf_counter() - begun
    if lab.output is not None:
        path.save_html(lab.output)
    if lab.json:
        import json

        document = {
            **path.to_dict(),
            "forecast": None if law is None else law.to_dict(),
            "finite_and_growing_part": None if parts is None else parts.to_dict(),
            "data": data.described(),
            "verified": verified,
        }
        write_json(json.dumps(document, indent=2, allow_nan=False, ensure_ascii=False))
    else:
        print_lines(_lines(path, parts if law is None else law, verified, seconds, screen_width()))
    return 0


@contextlib.contextmanager
def _said_once(quiet: bool, n_rows: int) -> Iterator[None]:
    """Say once, after some seconds, that the path takes long."""
    from marginscope.cli.output import write_error

    said = f"{n_rows:,} rows are followed in log time; large or badly scaled tables take minutes, Ctrl-C stops"
    timer = threading.Timer(_PATIENCE, write_error, (said,), {"kind": "working"})
    timer.daemon = True
    if not quiet:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _check_end(path: Any, steps: str, standardised: bool) -> None:
    """Refuse a path that never came near its end."""
    from marginscope.limits.log_steps import log_of_steps

    # an inaccurate path that is there to its end says how far it is right
    if path.status not in ("diverged", "inaccurate") or (
        path.status == "inaccurate" and path.log_steps[-1] >= log_of_steps("--steps", steps)
    ):
        return
    from marginscope.descent.trajectory_text import power_text, step_text

    size, reached = path.step_size, step_text(path.log_steps[-1])
    if path.status == "diverged":
        limit = "" if size.limit is None else f" below {size.limit:.4g}, where the risk is proved not to rise"
        raise NotSolvedError(
            f"a path to step {steps} was wanted, but with the step size {size.scale:g} descent diverged by step "
            f"{reached} (loss {power_text(path.log_loss[-1])}); choose a --step-size{limit}",
            path,
        )
    remedy = "ask for fewer --steps" if standardised else "rescale the columns with --standardise"
    raise NotSolvedError(
        f"a path to step {steps} was wanted, but the flow lost its tolerance after step {reached}; {remedy}",
        path,
    )


def _step_size(word: str) -> Any:
    if word == "theory":
        return word
    try:
        return float(word)
    except ValueError as error:
        raise UsageError(f"--step-size needs a positive number or theory, but got {word!r}; leave it out") from error


def _lines(path: Any, goal: Any, verified: bool, seconds: float, width: int) -> list[Text]:
    from rich.text import Text

    from marginscope.cli.table import paragraph

    headline, *rest = str(path).splitlines()
    lines = paragraph(headline, width, style="bold")
    for one in rest:
        lines += paragraph(one, width)
    lines += [Text(), *_record_lines(path), Text()]
    if goal is None:
        lines += [*paragraph(_why_nothing_is_foretold(path), width), Text()]
    else:
        for place, one in enumerate(str(goal).splitlines()):
            lines += paragraph(one, width, style="bold" if place == 0 else "")
        lines.append(Text())
    said = "verified without a solver" if verified else "NOT verified"
    return [*lines, *paragraph(f"Followed in {seconds:.2g} s; the bracket is {said}.", width)]


def _why_nothing_is_foretold(path: Any) -> str:
    if path.limit.margin > 0.0:
        return (
            f"No law is known for the late path of {path.loss_name} on these rows; where it has no exponential tail, "
            "its direction need not turn to the largest margin."
        )
    return (
        "Not all pairs are separable. What stays finite and what grows is told apart for cross_entropy without class "
        "weights, margins and scales."
    )


def _record_lines(path: Any) -> list[Text]:
    """Return some records, evenly spread over the logarithm of the step, the last among them."""
    from rich.text import Text

    from marginscope.descent.trajectory_text import power_text, step_text

    logs = path.log_steps
    shown = [i for i in range(len(logs)) if math.isfinite(logs[i])]
    every = max(1, -(-len(shown) // _MOST_LINES))
    columns = {"margin": path.bracket.lower, "proved at most": path.bracket.upper}
    columns |= {"norm ratio": path.norm_ratio, "direction error": path.direction_error}
    # without a hard margin there is nothing to compare with
    columns = {name: values for name, values in columns.items() if any(math.isfinite(one) for one in values)}
    lines = [Text("  ".join(f"{name:>15}" for name in ("step", "loss", *columns)), style="bold")]
    for i in shown[::-1][::every][::-1]:
        cells = [step_text(logs[i]), power_text(path.log_loss[i])]
        cells += [_number(values[i]) for values in columns.values()]
        lines.append(Text("  ".join(f"{cell:>15}" for cell in cells)))
    return lines


def _number(value: float) -> str:
    return f"{value:.5g}" if math.isfinite(value) else "-"
