"""When it pays to reload the FPGA with the accelerator that fits a network, or a layer, best."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from cosim import cli
from cosim.campaign import Phase, reload_document
from cosim.errors import ScenarioError
from cosim.outputs import OutputFile
from cosim.scenario import load_scenario

PS_PER_MS = 1_000_000_000
PS_PER_US = 1_000_000


def _phase(text: str) -> Phase:
    network, colon, images = text.rpartition(":")
    if not colon or not network or not images.isdigit() or int(images) < 1:
        raise ScenarioError(f"--phase must be NETWORK:IMAGES, not '{text}'")
    return Phase(network, int(images))


def _costs(stages: Sequence[Mapping[str, Any]], title: str) -> Table:
    names = list(stages[0]["image_ps"])
    table = Table("stage", *names, "reloading pays from", title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    for stage in stages:
        pays = [
            images for images in stage["reload_pays_from_images"].values() if images is not None
        ]
        cells = [f"{stage['image_ps'][name] / PS_PER_US:.1f}" for name in names]
        table.add_row(stage["name"], *cells, f"{min(pays):,} images" if pays else "")
    return table


def _plans(plans: Sequence[Mapping[str, Any]], title: str) -> Table:
    table = Table("policy", "loads", "total, ms", "accelerators", title=title)
    for column in table.columns[1:3]:
        column.justify = "right"
    for plan in plans:
        used = " > ".join(dict.fromkeys(plan["accelerators"]))
        total_ms = plan["total_ps"] / PS_PER_MS
        table.add_row(plan["policy"], str(plan["loads"]), f"{total_ms:,.2f}", used)
    return table


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("scenario", type=click.Path(path_type=Path))
@click.option(
    "--phase",
    "phases",
    multiple=True,
    metavar="NETWORK:IMAGES",
    help="In order; as many as wanted.",
)
@click.option("--layers", is_flag=True, help="Also layer by layer, each for all images.")
@click.option("--set", "settings", multiple=True, metavar="KEY.PATH=VALUE", help="Any key.")
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures here.")
@click.option("--quiet", is_flag=True, help="No tables.")
def reload(
    scenario: Path,
    phases: tuple[str, ...],
    layers: bool,
    settings: tuple[str, ...],
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Compare policies for networks that follow each other on the board of SCENARIO."""
    output = None if json_path is None else OutputFile(json_path)
    base = load_scenario(scenario, settings=settings)
    work_list = [_phase(text) for text in phases] or [Phase("lenet300", 1000), Phase("lenet5", 100)]
    document = reload_document(base, work_list, layers=layers)
    if not quiet:
        _show(document)
    if output is not None:
        output.write(json.dumps(document, indent=1) + "\n")
        output.commit()


def _show(document: Mapping[str, Any]) -> None:
    console = cli.console()
    console.print(f"one load of the FPGA: {document['load_ms']:.2f} ms")
    console.print(_costs(document["stages"], "us an image, by accelerator"))
    console.print(_plans(document["plans"], "Policies"))
    for network, found in document.get("layers", {}).items():
        console.print(_costs(found["stages"], f"{network} layer by layer: us an image"))
        images = found["pays_from_images"]
        text = "never pays" if images is None else f"pays from {images:,} images a batch"
        console.print(f"{network}: a load between layers {text}")


if __name__ == "__main__":
    sys.exit(cli.main(reload))
