"""What the command lines share: one-line errors with exit status 2, and tables on the terminal."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import ProgressColumn, Task
from rich.text import Text

from cosim.errors import ScenarioError, SimulationError, ToolError
from networks.errors import NetworkError

ERRORS = (ScenarioError, SimulationError, ToolError, NetworkError)
INTERRUPTED = 130

Command = TypeVar("Command", bound=Callable[..., Any])

MEMORIES = {
    "activation_elements": "Depth of the activation memory.",
    "weight_words": "Depth of each unit's weight memory (bitmap, dense).",
    "bitmap_words": "Depth of each unit's bitmap memory (bitmap).",
    "list_words": "Depth of each unit's list (list).",
    "bias_entries": "Depth of the bias memory.",
}


def main(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Runs a click command; returns its exit status.

    0, or after one line on stderr 2 if the user gave it wrong, and 130 if the user ended it.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        # not command.main, which writes a line of its own when interrupted
        with command.make_context(Path(sys.argv[0]).name, given) as context:
            command.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    except click.ClickException as error:
        return _complain(error.format_message())
    except ERRORS as error:
        return _complain(str(error))
    except KeyboardInterrupt as interrupt:
        print(f"interrupted {interrupt}".rstrip(), file=sys.stderr)
        return INTERRUPTED
    return 0


def memory_options(command: Command) -> Command:
    """Options for the depths of an accelerator's memories; None where they are not given."""
    for name in reversed(MEMORIES):
        command = click.option(f"--{name.replace('_', '-')}", type=int, help=MEMORIES[name])(
            command
        )
    return command


partial_sums_option = click.option(
    "--partial-sums",
    is_flag=True,
    help="list with a lookahead above 1: two units can share a filter.",
)


def console() -> Console:
    """The console for tables: as wide as the terminal, or 120 columns in a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=120)


def progress_console() -> Console:
    """The console for progress bars: stderr, so that tables on stdout stay clean."""
    return Console(stderr=True)


class RateColumn(ProgressColumn):
    """How many of what were done a second, lately."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        """The rate, or nothing before there is one."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.3g} {self._unit}/s")


def _complain(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 2
