"""The program: its commands, and what every error, signal and closed pipe ends with."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from marginscope.cli.demo import demo
from marginscope.cli.diagnose import diagnose
from marginscope.cli.experiment import experiment
from marginscope.cli.explain import explain
from marginscope.cli.fix import fix
from marginscope.cli.limit import limit
from marginscope.cli.margin import margin
from marginscope.cli.output import prepare_streams, write_error
from marginscope.cli.separability import separability
from marginscope.cli.sweep import sweep
from marginscope.cli.tail import tail
from marginscope.exceptions import IOFault, MarginscopeError

__all__ = ["app", "main"]

_EXAMPLES = """\
marginscope demo                                   a real imbalanced data set, in seconds
marginscope diagnose data.csv -t label             which classes are not learned, and why
marginscope fix data.csv -t label                  try the remedies that can act
marginscope --help                                 all commands
"""

app = typer.Typer(
    name="marginscope",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


class Stopped(BaseException):
    """A signal to stop; not an Exception, so that no check takes it for its own failure."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.exit_code = 128 + number


def _print_version(is_asked: bool) -> None:
    if is_asked:
        import marginscope

        print(f"marginscope {marginscope.__version__}")
        raise typer.Exit()


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Find out why some classes of a multiclass classifier are not learned.

    For example:

      marginscope diagnose data.csv -t label
    """
    del version
    if context.invoked_subcommand is None:
        sys.stdout.write(_EXAMPLES)


for _command in (diagnose, fix, separability, margin, limit, tail, sweep, explain, demo):
    app.command()(_command)
app.add_typer(experiment, name="experiment")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit code.

    Parameters
    ----------
    arguments : sequence of str, optional
        Words after the program's name; default those of the process.

    Returns
    -------
    int
        0 done, 1 a finding named by --fail-on or a failed cell, 2 usage or no such file, 3 data or model,
        4 numerics, 5 environment, 6 security, 7 locked, 70 internal error, 130 and 143 signals.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    prepare_streams()
    try:
        with _signals_raise(), _short_warnings("--debug" in words, bool({"-q", "--quiet"} & set(words))):
            code = _run(words)
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        # The reader (head, a pager) has what it wanted.
        _swallow_output()
        return 0
    except Stopped as stop:
        _swallow_output()
        # a command that can be resumed says how
        advice = getattr(stop, "__notes__", ["nothing is left half written; run the same command to start again"])
        write_error(advice[-1], kind="stopped")
        return stop.exit_code
    except SystemExit as end:
        # typer turns a closed pipe into an exit with 1, which here is a finding.
        if isinstance(end.__context__, BrokenPipeError):
            _swallow_output()
            return 0
        return end.code if isinstance(end.code, int) else 70
    except (Exception, KeyboardInterrupt) as error:
        return _report(error, words)


def _run(words: Sequence[str]) -> int:
    result = app(args=list(words), prog_name="marginscope", standalone_mode=False)
    return result if isinstance(result, int) else 0


def _report(error: BaseException, words: Sequence[str]) -> int:
    """Print one sentence for an error and return its exit code."""
    if "--debug" in words:
        import traceback

        with contextlib.suppress(OSError, ValueError):
            traceback.print_exception(error)
    code, sentence = _sentence(error)
    write_error(sentence)
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        _swallow_output()
    return code


def _sentence(error: BaseException) -> tuple[int, str]:
    if isinstance(error, MarginscopeError):
        return error.exit_code, str(error)
    if isinstance(error, KeyboardInterrupt):
        return 130, "stopped before the end"
    if callable(message := getattr(error, "format_message", None)):
        return 2, _usage(error, message())
    if isinstance(error, MemoryError):
        return IOFault.exit_code, "more memory was needed than there is; use fewer rows or columns, or a larger machine"
    if isinstance(error, OSError):
        return IOFault.exit_code, _environment(error)
    return 70, (
        f"a result was due, but marginscope itself failed ({type(error).__name__}: {error}); "
        "run it again with --debug and report what it prints"
    )


def _usage(error: Any, message: str) -> str:
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", "marginscope")
    sentence = " ".join(message.split()).rstrip(".")
    sentence = re.sub(r"\.? Did you mean (.+)\?$", r" (did you mean \1?)", sentence)
    return f"{sentence[:1].lower()}{sentence[1:]}; run '{command} --help' for what it takes"


def _environment(error: OSError) -> str:
    place = f" for {os.fspath(error.filename)!r}" if isinstance(error.filename, str | bytes) else ""
    return (
        f"the system had to read or write{place}, but refused ({error.strerror or error}); free space or check the path"
    )


def _swallow_output() -> None:
    """Point standard output to nowhere, so that the interpreter's last flush cannot fail."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextlib.contextmanager
def _signals_raise() -> Iterator[None]:
    """Turn the first SIGINT or SIGTERM into Stopped; the second ends the process at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        raise Stopped(number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _short_warnings(debug: bool, quiet: bool) -> Iterator[None]:
    """Print the package's own warnings as one line; those of libraries only with --debug."""
    import warnings

    from marginscope.exceptions import DataQualityWarning, RunWarning

    def show(message: Warning | str, category: type[Warning], *rest: Any, **more: Any) -> None:
        if not quiet:
            write_error(str(message), kind="warning")

    with warnings.catch_warnings():
        if not debug:
            warnings.simplefilter("ignore")
            warnings.simplefilter("always", DataQualityWarning)
            warnings.simplefilter("always", RunWarning)
            warnings.showwarning = show
        yield
