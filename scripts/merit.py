"""Prints what accelerators are worth: speed for the clock and area they take."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.box import MARKDOWN
from rich.table import Table

from cosim import cli
from cosim.errors import ScenarioError
from cosim.merit import Merit, merits
from cosim.outputs import OutputFile

COLUMNS = (
    "network", "accelerator", "bits", "cycles", "speed-up", "units' use %", "clock", "LUT",
    "block RAM", "merit", "merit by block RAM",
)  # fmt: skip


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--run", "runs", multiple=True, type=click.Path(path_type=Path), required=True)
@click.option("--area", "areas", multiple=True, type=click.Path(path_type=Path), required=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures here.")
@click.option("--markdown", is_flag=True, help="Print the table in Markdown.")
def merit(
    runs: tuple[Path, ...], areas: tuple[Path, ...], json_path: Path | None, markdown: bool
) -> None:
    """Merit of runs (JSON of run_scenario.py) with areas (JSON of synthesise.py, placed)."""
    output = None if json_path is None else OutputFile(json_path)
    found = merits([_load(path, "layers") for path in runs], [_load(p, "lut") for p in areas])
    if output is not None:
        figures = [asdict(item) | {"merit": item.merit} for item in found]
        output.write(json.dumps(figures, indent=1) + "\n")
        output.commit()
    table, console = _table(found), cli.console()
    if markdown:
        # as wide as it is: a line that is folded would not be one row
        table.title, table.box, console.width = None, MARKDOWN, 1000
    console.print(table)


def _table(found: list[Merit]) -> Table:
    title = "Speed-up over ideal dense multipliers; clock and area relative to dense"
    table = Table(*COLUMNS, title=title)
    for column in table.columns[2:]:
        column.justify = "right"
    for item in found:
        ratios = (item.clock_ratio, item.lut_ratio, item.block_ram_ratio)
        worth = (item.merit, item.block_ram_merit)
        table.add_row(
            item.network,
            item.accelerator,
            str(item.bits),
            f"{item.cycles:,.0f}",
            f"{item.speedup:.2f}",
            f"{100 * item.utilisation:.1f}",
            *(f"{value:.2f}" for value in (*ratios, *worth)),
        )
    return table


def _load(path: Path, key: str) -> dict[str, Any]:
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ScenarioError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise ScenarioError(f"{path}: must be JSON ({error})") from error
    if not isinstance(report, dict) or key not in report or "configuration" not in report:
        raise ScenarioError(f"{path}: must be a report with configuration and {key}")
    return report


if __name__ == "__main__":
    sys.exit(cli.main(merit))
