"""How many units of each accelerator fit a board, what limits them, and their clock."""

import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from rich.table import Table

from cosim import cli
from cosim.areas import area_model
from cosim.designs import fpga_of, variants
from cosim.errors import ScenarioError
from cosim.fit import RESOURCES, Fit, fit
from cosim.outputs import OutputFile
from cosim.scenario import load_board
from cosim.validation import first_error
from hdl.config import AcceleratorConfig
from hdl.synthesis import comparison_memories


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("board")
@click.option("--bits", "widths", multiple=True, type=click.Choice(["8", "16", "32"]))
@cli.memory_options
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures here.")
def fit_board(
    board: str, widths: tuple[str, ...], json_path: Path | None, **memories: int | None
) -> None:
    """How many units fit BOARD, a built-in board or a TOML file.

    Memories that are not given are as deep as where accelerators are compared (docs/area.md).
    """
    output = None if json_path is None else OutputFile(json_path)
    loaded = load_board(board)
    fpga = fpga_of(loaded)
    given = {name: depth for name, depth in memories.items() if depth is not None}
    rows: list[tuple[str, int, Fit]] = []
    for bits in (int(width) for width in widths or ("8", "16", "32")):
        for variant in variants(bits, fpga.family):
            sizes = comparison_memories(variant.kind, bits, variant.lookahead)
            wanted: dict[str, Any] = variant.choice | sizes | given
            try:
                config = AcceleratorConfig.model_validate(wanted | {"units": variant.products})
            except ValidationError as error:
                raise ScenarioError(first_error(error, AcceleratorConfig)) from error
            if area_model(fpga.family).knows(config):
                rows.append((replace(variant, published=False).name, bits, fit(config, fpga)))
    if output is not None:
        found = [{"accelerator": name, "bits": bits} | asdict(row) for name, bits, row in rows]
        document = {"schema": 1, "kind": "fit", "board": loaded.name, "rows": found}
        output.write(json.dumps(document, indent=1) + "\n")
        output.commit()
    cli.console().print(_table(f"{loaded.name}: the most units that fit", rows))


def _table(title: str, rows: list[tuple[str, int, Fit]]) -> Table:
    used = [f"{name} %" for name in RESOURCES.values()]
    table = Table("accelerator", "bits", "units", "limited by", "MHz", *used, title=title)
    for name, bits, found in rows:
        table.add_row(
            name,
            str(bits),
            str(found.units),
            RESOURCES.get(found.limited_by, "64 units at most"),
            str(found.clock_mhz) if found.units else "",
            *(f"{found.used[key]:.0%}".rstrip("%") if found.units else "" for key in RESOURCES),
        )
    return table


if __name__ == "__main__":
    sys.exit(cli.main(fit_board))
