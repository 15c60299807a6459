"""Synthesises accelerators of several sizes and keeps their area and clock for the area model."""

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.progress import MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cosim import cli, options
from cosim.areas import MEASURED, AreaPoint, load_points
from cosim.errors import ScenarioError
from cosim.outputs import OutputFile
from hdl import synthesis
from hdl.config import AcceleratorConfig
from hdl.tools import SynthesisError

ACCELERATORS: tuple[dict[str, Any], ...] = (
    {"kind": "dense"},
    {"kind": "dense", "products_per_multiplier": 2},
    {"kind": "list", "lookahead": 1},
    {"kind": "list", "lookahead": 2},
    {"kind": "list", "lookahead": 4},
    {"kind": "bitmap"},
)
UNITS = {"dense": (2, 4, 8, 16, 32), "list": (2, 4, 8, 16, 32), "bitmap": (2, 4, 8, 16)}
FIGURES = ("lut", "ff", "block_ram", "dsp", "fmax_mhz")


def planned(target: synthesis.Target) -> list[AcceleratorConfig]:
    """What is measured for a target: every accelerator, width and number of units that is built."""
    configs = []
    for choice in ACCELERATORS:
        packed = choice.get("products_per_multiplier", 1) > 1
        # The ECP5 multiplier is too narrow for two products; long look-aheads only pay at 8 bits.
        if packed and target == "ecp5":
            continue
        narrow = packed or choice.get("lookahead") == 4
        for bits in (8,) if narrow else (8, 16, 32):
            for units in UNITS[choice["kind"]]:
                sizes = synthesis.comparison_memories(
                    choice["kind"], bits, choice.get("lookahead", 2)
                )
                wanted = {**choice, "bits": bits, "units": units, **sizes}
                configs.append(AcceleratorConfig.model_validate(wanted))
    return configs


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--target", type=click.Choice(["ecp5", "xilinx"]), required=True)
@click.option("--cache", type=click.Path(path_type=Path), default=synthesis.CACHE)
@click.option("--out", type=click.Path(path_type=Path), help="By default, where the model looks.")
@click.option(
    "--kind",
    type=click.Choice(options.ACCELERATORS),
    help="Measure again what the model has of this kind, and keep the rest.",
)
@click.option("--quiet", is_flag=True, help="No progress.")
def measure_areas(
    target: synthesis.Target, cache: Path, out: Path | None, kind: str | None, quiet: bool
) -> None:
    """Measure whole accelerators of 2 to 32 units; what CACHE has is not measured again."""
    output = OutputFile(out or MEASURED / f"{target}.json")
    seeds = (1,) if target == "ecp5" else ()
    points: dict[AcceleratorConfig, AreaPoint] = {}
    wanted = planned(target)
    if kind is not None:
        points = {point.configuration: point for point in load_points(target)}
        wanted = [config for config in points if config.kind == kind]
    columns = (TextColumn("{task.description}"), MofNCompleteColumn(), TimeElapsedColumn())
    console = cli.progress_console()
    try:
        with Progress(*columns, console=console, disable=quiet) as bar:
            for config in bar.track(wanted, description=target):
                report = synthesis.synthesise(
                    config, target, scopes=("accelerator",), seeds=seeds, cache=cache
                )
                figures = {name: report[name] for name in FIGURES}
                points[config] = AreaPoint(config, **figures)
        document = {
            "tools": synthesis.tool_versions(target, seeds),
            "points": [
                {
                    "configuration": config.model_dump(exclude_defaults=True),
                    **{name: getattr(point, name) for name in FIGURES},
                }
                for config, point in points.items()
            ],
        }
        output.write(json.dumps(document, indent=1) + "\n")
        output.commit()
    except SynthesisError as error:
        raise ScenarioError(str(error)) from error
    except OSError as error:
        raise ScenarioError(f"{error.filename}: {error.strerror}") from error
    finally:
        output.discard()


if __name__ == "__main__":
    sys.exit(cli.main(measure_areas))
