"""Who wins, sparse or dense: networks, widths and boards, with the designs that fit each board."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from cosim import cli
from cosim.evaluate import estimate, simulate
from cosim.outputs import OutputFile
from cosim.scenario import load_board, load_scenario
from cosim.tradeoff import assumptions, compete

NETWORKS = ("lenet300", "lenet5", "fire2-expand3x3")
RUNS = {"fast": simulate, "estimate": estimate}
BOARDS = ("zynq7020", "ecp5-25", "ecp5-45", "ecp5-85", "xc7s6")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option("--network", "networks", multiple=True, help="Built-in network or file; repeat.")
@click.option("--board", "boards", multiple=True, help="Board; repeat. By default all.")
@click.option("--bits", "widths", multiple=True, type=click.Choice(["8", "16", "32"]))
@click.option("--engine", type=click.Choice(list(RUNS)), default="fast", show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures here.")
@click.option("--quiet", is_flag=True, help="No progress, no table.")
def tradeoff(
    scenario: Path,
    networks: tuple[str, ...],
    boards: tuple[str, ...],
    widths: tuple[str, ...],
    engine: str,
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Let accelerators compete; SCENARIO gives images, host and other masters.

    The fastest design of each organisation is found with estimates, then run with --engine.
    """
    output = None if json_path is None else OutputFile(json_path)
    base = load_scenario(scenario)
    chosen = [load_board(name) for name in boards or BOARDS]
    bits = [int(width) for width in widths or ("8", "16", "32")]
    names = networks or NETWORKS
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    found: list[dict[str, Any]] = []
    with Progress(*columns, console=cli.progress_console(), disable=quiet) as bar:
        task = bar.add_task("", total=len(names) * len(bits) * len(chosen))
        for name in names:
            for width in bits:
                for board in chosen:
                    bar.update(task, description=f"{name}, {width} bits, {board.name}")
                    found += compete(base, name, width, board, run=RUNS[engine])
                    bar.advance(task)
    document = {
        "schema": 1,
        "kind": "tradeoff",
        "rows": found,
        "assumptions": assumptions(chosen),
    }
    if output is not None:
        output.write(json.dumps(document, indent=1) + "\n")
        output.commit()
    if not quiet:
        cli.console().print(_table(found))


def _table(found: Sequence[dict[str, Any]]) -> Table:
    table = Table(
        "network", "bits", "board", "accelerator", "units", "MHz", "us an image", "uJ", "ahead of",
        "by", "decided by",
    )  # fmt: skip
    for column in (table.columns[i] for i in (1, 4, 5, 6, 7, 9)):
        column.justify = "right"
    for row in found:
        if row["winner"]:
            margin = "" if row["margin"] is None else f"{row['margin']:.2f}x"
            table.add_row(
                row["network"],
                str(row["bits"]),
                row["board"],
                row["accelerator"],
                str(row["units"]),
                str(row["clock_mhz"]),
                f"{row['latency_us']:,.1f}",
                f"{row['energy_uj']:,.1f}",
                row.get("rival") or "",
                margin,
                row["decided_by"] or "",
            )
    return table


if __name__ == "__main__":
    sys.exit(cli.main(tradeoff))
