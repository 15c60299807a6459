"""Measures how far the estimate engine is off the fast engine, on the networks at hand."""

import json
import sys
from pathlib import Path

import click
from rich.progress import track
from rich.table import Table

from cosim import cli
from cosim.estimate.errors import EstimateError, error_scenario, estimate_error, summary
from cosim.outputs import OutputFile

SCENARIO = Path(__file__).parent / "scenarios" / "recommend.toml"
NETWORKS = ("lenet300", "lenet5", "fire2-expand3x3")
UNITS = (1, 4, 8, 16, 32, 64)
ACCELERATORS = (("dense", 1), ("list", 1), ("list", 2), ("list", 4), ("bitmap", 1))


def _table(errors: list[EstimateError]) -> Table:
    table = Table(
        "network", "accelerator", "units", "cycles %", "worst layer %", "", "latency %", "energy %",
        "cycles % by densities alone",
    )  # fmt: skip
    for column in (table.columns[i] for i in (2, 3, 4, 6, 7, 8)):
        column.justify = "right"
    for error in errors:
        table.add_row(
            error.network,
            error.accelerator,
            str(error.units),
            f"{100 * error.cycles:+.2f}",
            f"{100 * error.worst_layer:+.2f}",
            error.worst_name,
            f"{100 * error.latency:+.2f}",
            f"{100 * error.energy:+.2f}",
            f"{100 * error.densities_cycles:+.1f}",
        )
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--network", "networks", multiple=True, help="Network; repeat. By default all.")
@click.option("--units", "unit_counts", multiple=True, type=int, help="By default 1 to 64.")
@click.option("--images", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures here.")
@click.option("--quiet", is_flag=True, help="No progress, no table.")
def main(
    networks: tuple[str, ...],
    unit_counts: tuple[int, ...],
    images: int,
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Errors of total cycles, of the worst layer, of latency and energy; positive: too long."""
    output = None if json_path is None else OutputFile(json_path)
    wanted = [
        error_scenario(SCENARIO, network, kind, lookahead, units, images=images)
        for network in networks or NETWORKS
        for kind, lookahead in ACCELERATORS
        for units in unit_counts or UNITS
    ]
    console = cli.progress_console()
    errors = [
        estimate_error(scenario) for scenario in track(wanted, console=console, disable=quiet)
    ]
    if output is not None:
        document = {"errors": [error.report() for error in errors], **summary(errors)}
        output.write(json.dumps(document, indent=1) + "\n")
        output.commit()
    if not quiet:
        cli.console().print(_table(errors))
        text = ", ".join(f"{name} {100 * value:.2f} %" for name, value in summary(errors).items())
        cli.console().print(text)


if __name__ == "__main__":
    sys.exit(cli.main(main))
