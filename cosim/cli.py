"""What the command lines share: one-line errors with exit status 2, and tables on the terminal."""

import sys
from collections.abc import Sequence

import click
from rich.console import Console

from cosim.errors import ScenarioError, SimulationError, ToolError
from networks.errors import NetworkError

ERRORS = (ScenarioError, SimulationError, ToolError, NetworkError)
INTERRUPTED = 130


def main(command: click.Command, arguments: Sequence[str] | None = None) -> int:
    """Runs a click command; returns 0, or 2 after one line on stderr if the user gave it wrong."""
    try:
        result = command.main(arguments, standalone_mode=False)
    except click.ClickException as error:
        return _complain(error.format_message())
    except ERRORS as error:
        return _complain(str(error))
    except (click.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    # An eager option such as --help ends with its exit status.
    return result if isinstance(result, int) else 0


def console() -> Console:
    """The console for tables: as wide as the terminal, or 120 columns in a pipe."""
    return Console() if sys.stdout.isatty() else Console(width=120)


def progress_console() -> Console:
    """The console for progress bars: stderr, so that tables on stdout stay clean."""
    return Console(stderr=True)


def _complain(message: str) -> int:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return 2
