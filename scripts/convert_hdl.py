"""Emits VHDL or Verilog of an accelerator and prints the files in compile order."""

import sys
from pathlib import Path
from typing import get_args

import click
from pydantic import ValidationError

from cosim import cli, options
from cosim.errors import ScenarioError
from cosim.validation import first_error
from hdl.config import AcceleratorConfig
from hdl.convert import Language, convert


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--accelerator", type=click.Choice(options.ACCELERATORS), default="bitmap")
@click.option("--bits", type=int, default=8, show_default=True, help="Operand width.")
@click.option("--units", type=int, default=8, show_default=True, help="Processing units.")
@click.option("--lookahead", type=int, default=2, show_default=True, help="K of `list`.")
@click.option("--language", type=click.Choice(get_args(Language)), default="vhdl")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write to.")
def convert_hdl(
    accelerator: str, bits: int, units: int, lookahead: int, language: Language, out: Path
) -> None:
    """Emit VHDL or Verilog of an accelerator; print the files in compile order."""
    wanted = {"kind": accelerator, "bits": bits, "units": units, "lookahead": lookahead}
    options.check_built(wanted)
    try:
        config = AcceleratorConfig.model_validate(wanted)
        out.mkdir(parents=True, exist_ok=True)
        files = convert(config, language, out)
    except ValidationError as error:
        raise ScenarioError(first_error(error, AcceleratorConfig)) from error
    except OSError as error:
        raise ScenarioError(f"{error.filename}: {error.strerror}") from error
    for file in files:
        click.echo(file)


if __name__ == "__main__":
    sys.exit(cli.main(convert_hdl))
