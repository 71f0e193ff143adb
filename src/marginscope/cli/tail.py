"""The command ``tail``: the exponential-tail certificate of a loss."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from marginscope.cli.run_options import JsonOption
from marginscope.exceptions import UsageError

__all__ = ["tail"]


def tail(
    loss: Annotated[str, typer.Argument(metavar="LOSS", help="Name of a loss, such as cross_entropy.")],
    param: Annotated[
        list[str], typer.Option("--param", metavar="KEY=VALUE", help="Parameter of the loss, such as gamma=2.")
    ] = [],  # noqa: B006
    classes: Annotated[
        str, typer.Option("--classes", metavar="K,K,...", help="Numbers of classes to decide for.")
    ] = "2,3,4",
    json: JsonOption = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> int:
    """Prove or refute the exponential tail of a loss.

    With the tail, gradient descent on separable data turns to the hard-margin direction.
    Without it the direction is another question, which is answered apart. A refuted tail
    is a result: the exit code is 0. Needs python-flint (pip install 'marginscope[cert]').

    For example:

      marginscope tail cross_entropy

      marginscope tail focal --param gamma=0.5 --classes 3,10
    """
    del debug  # read by main, where errors are shown
    from marginscope import losses
    from marginscope.losses.tail import certify_tail

    certificate = certify_tail(losses.get(loss, **_parameters(param)), n_classes=_numbers(classes))
    if json:
        from json import dumps

        from marginscope.cli.output import write_json

        write_json(dumps(certificate.to_dict(), indent=2, allow_nan=False))
        return 0
    from rich.text import Text

    from marginscope.cli.output import print_lines, screen_width

    print_lines(Text(line) for one in str(certificate).splitlines() for line in _wrapped(one, screen_width()))
    return 0


def _parameters(given: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        try:
            if not name or not equals:
                raise ValueError
            found[name] = float(value)
        except ValueError:
            raise UsageError(f"a parameter with a number is needed, but got {one!r}; write --param gamma=2") from None
    return found


def _numbers(classes: str) -> tuple[int, ...]:
    try:
        return tuple(int(one) for one in classes.split(","))
    except ValueError:
        raise UsageError(
            f"whole numbers with commas are needed, but got --classes {classes!r}; write --classes 2,3,4"
        ) from None


def _wrapped(line: str, width: int) -> list[str]:
    import textwrap

    indent = "  " if line.startswith("  ") else ""
    return textwrap.wrap(line, width, initial_indent="", subsequent_indent=indent + "  ") or [""]
