"""Hands off an accelerator: VHDL or Verilog, testbench, build files, registers and datasheet."""

import sys
from pathlib import Path
from typing import Any, get_args

import click
from example_network import make_example
from pydantic import ValidationError

from cosim import cli, options
from cosim.errors import ScenarioError, SimulationError
from cosim.validation import first_error
from hdl.config import AcceleratorConfig
from hdl.convert import Language
from hdl.example_run import run_example
from hdl.handoff import write_handoff


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--accelerator", type=click.Choice(options.ACCELERATORS), default="bitmap")
@click.option("--bits", type=int, default=8, show_default=True, help="Operand width.")
@click.option("--units", type=int, default=8, show_default=True, help="Processing units.")
@click.option("--lookahead", type=int, default=2, show_default=True, help="K of `list`.")
@click.option(
    "--products-per-multiplier",
    type=int,
    default=1,
    show_default=True,
    help="2: dense of 8 bits, pairs of units share a multiplier of 25 x 9 bits.",
)
@cli.partial_sums_option
@cli.memory_options
@click.option("--language", type=click.Choice(get_args(Language)), default="vhdl")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
def convert_hdl(
    accelerator: str,
    bits: int,
    units: int,
    lookahead: int,
    products_per_multiplier: int,
    partial_sums: bool,
    language: Language,
    out: Path,
    **memories: int | None,
) -> None:
    """Emit VHDL or Verilog of an accelerator, with a testbench, build files and documents.

    Prints the HDL files in compile order; README.md in the folder says what is there.
    """
    wanted: dict[str, Any] = {
        "kind": accelerator,
        "bits": bits,
        "units": units,
        "lookahead": lookahead,
        "products_per_multiplier": products_per_multiplier,
        "partial_sums": partial_sums,
    }
    options.check_built(wanted)
    wanted |= {name: depth for name, depth in memories.items() if depth is not None}
    try:
        config = AcceleratorConfig.model_validate(wanted)
        existing = next(path for path in (out, *out.parents) if path.exists())
        if not existing.is_dir():
            raise ScenarioError(f"{existing}: must be a folder to write to")
        example = make_example(config)
        run = run_example(config, example.beats, example.result_words)
        example.check(run.results)
        files = write_handoff(run, language, out)
    except ValidationError as error:
        raise ScenarioError(first_error(error, AcceleratorConfig)) from error
    except RuntimeError as error:
        raise SimulationError(str(error)) from error
    except OSError as error:
        raise ScenarioError(f"{error.filename}: {error.strerror}") from error
    for file in files:
        click.echo(file)


if __name__ == "__main__":
    sys.exit(cli.main(convert_hdl))
