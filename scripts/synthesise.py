"""Synthesises an accelerator, places and routes it, and prints area by part and clock."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.table import Table

from cosim import cli, options
from cosim.errors import ScenarioError
from cosim.outputs import OutputFile
from cosim.validation import first_error
from hdl import synthesis
from hdl.config import AcceleratorConfig
from hdl.tools import SynthesisError

COLUMNS = ("lut", "ff", "block_ram", "dsp")


def _table(report: dict[str, Any]) -> Table:
    title = f"{report['configuration']['kind']} {report['scope']} on {report['target']}"
    table = Table("part", *COLUMNS, title=title, caption=_caption(report))
    for column in table.columns[1:]:
        column.justify = "right"
    for name, taken in report["parts"].items():
        table.add_row(name, *(str(taken[column]) for column in COLUMNS))
    if report["lut"] != report["lut_yosys"]:
        table.add_row("added by packing", str(report["lut"] - report["lut_yosys"]), "", "", "")
    table.add_section()
    table.add_row("all", *(str(report[column]) for column in COLUMNS))
    return table


def _caption(report: dict[str, Any]) -> str:
    caption = f"block RAMs of {report['block_ram_kbit']} Kbit"
    if report["fmax_mhz"] is not None:
        seeds = ", ".join(map(str, report["fmax_mhz_by_seed"].values()))
        caption = f"{report['fmax_mhz']} MHz (by seed: {seeds}); {caption}"
    outside = report["memories_outside_block_ram"]
    return f"{caption}; not in block RAM: {', '.join(outside)}" if outside else caption


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--accelerator", type=click.Choice(options.ACCELERATORS), default="bitmap")
@click.option("--bits", type=int, default=8, show_default=True, help="Operand width.")
@click.option("--units", type=int, default=8, show_default=True, help="Processing units.")
@click.option(
    "--lookahead",
    type=click.Choice([str(weights) for weights in options.LOOKAHEADS]),
    default="2",
    show_default=True,
    help="K of the list accelerator.",
)
@click.option(
    "--products-per-multiplier",
    type=int,
    default=1,
    show_default=True,
    help="2: dense of 8 bits, pairs of units share a multiplier of 25 x 9 bits (xilinx).",
)
@click.option("--target", type=click.Choice(synthesis.TARGETS), default="ecp5", show_default=True)
@click.option("--place-and-route", is_flag=True, help="Also with nextpnr (ecp5 only).")
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="How often to place and route; the best clock counts.",
)
@click.option("--core-only", is_flag=True, help="Leave out the bus front end.")
@cli.partial_sums_option
@cli.memory_options
@click.option("--cache", type=click.Path(path_type=Path), default=synthesis.CACHE)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures here.")
@click.option("--quiet", is_flag=True, help="No progress, no table.")
def synthesise(
    accelerator: str,
    bits: int,
    units: int,
    lookahead: str,
    products_per_multiplier: int,
    partial_sums: bool,
    target: str,
    place_and_route: bool,
    seeds: int,
    core_only: bool,
    cache: Path,
    json_path: Path | None,
    quiet: bool,
    **memories: int | None,
) -> None:
    """Synthesise an accelerator and its core (without the bus front end): area by part, clock."""
    wanted = {
        "kind": accelerator,
        "bits": bits,
        "units": units,
        "lookahead": int(lookahead),
        "products_per_multiplier": products_per_multiplier,
        "partial_sums": partial_sums,
    }
    options.check_built(wanted)
    sizes = synthesis.comparison_memories(accelerator, bits, int(lookahead), **memories)
    output = None if json_path is None else OutputFile(json_path)
    console = cli.progress_console()
    try:
        config = AcceleratorConfig.model_validate(wanted | sizes)
        with console.status("") as status:
            report = synthesis.synthesise(
                config,
                next(item for item in synthesis.TARGETS if item == target),
                scopes=("core",) if core_only else synthesis.SCOPES,
                seeds=tuple(range(1, seeds + 1)) if place_and_route else (),
                cache=cache,
                progress=(lambda step: None) if quiet else status.update,
            )
        if output is not None:
            output.write(json.dumps(report, indent=1) + "\n")
            output.commit()
    except ValidationError as error:
        raise ScenarioError(first_error(error, AcceleratorConfig)) from error
    except SynthesisError as error:
        raise ScenarioError(str(error)) from error
    except OSError as error:
        raise ScenarioError(f"{error.filename}: {error.strerror}") from error
    finally:
        if output is not None:
            output.discard()
    if not quiet:
        common = {name: report[name] for name in ("configuration", "target")}
        for scope in dict.fromkeys((report["scope"], "core")):
            cli.console().print(_table(common | (report if scope != "core" else report["core"])))


if __name__ == "__main__":
    sys.exit(cli.main(synthesise))
