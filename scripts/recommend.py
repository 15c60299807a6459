"""Recommends an accelerator for a network on a board, and says why and how to get its VHDL."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.table import Table

from cosim import cli
from cosim.designs import Needs
from cosim.errors import ScenarioError
from cosim.evaluate import estimate, simulate
from cosim.outputs import OutputFile
from cosim.recommend import Choice, explain, measured_accuracy, meets, ranked
from cosim.run import load_network
from cosim.scenario import Scenario, load_board, load_scenario
from cosim.tradeoff import contenders, source_for

WIDTHS = (8, 16, 32)
COLUMNS = (
    "accelerator", "bits", "units", "MHz", "us an image", "uJ", "accuracy %", "LUT", "block RAM",
    "DSP",
)  # fmt: skip
SCENARIO = Path(__file__).parent / "scenarios" / "recommend.toml"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("network")
@click.option("--board", default="zynq7020", show_default=True, help="A shipped board, or a file.")
@click.option("--input", "input_file", help="Images: .npz with x, optionally x_scale and y.")
@click.option(
    "--latency-us", type=click.FloatRange(min=0, min_open=True), help="At most, an image."
)
@click.option(
    "--max-accuracy-drop",
    type=click.FloatRange(min=0, max=100),
    help="At most, in points, against the best width.",
)
@click.option("--images", type=click.IntRange(min=1), default=4, show_default=True)
@click.option(
    "--accuracy-images",
    type=click.IntRange(min=1),
    default=128,
    show_default=True,
    help="How many labelled images accuracy is measured on.",
)
@click.option("--json", "json_path", type=click.Path(path_type=Path), help="Write figures here.")
@click.option("--quiet", is_flag=True, help="No tables.")
def recommend(
    network: str,
    board: str,
    input_file: str | None,
    latency_us: float | None,
    max_accuracy_drop: float | None,
    images: int,
    accuracy_images: int,
    json_path: Path | None,
    quiet: bool,
) -> None:
    """Find the accelerator, units and width for NETWORK that are fastest on a board.

    NETWORK is a built-in network or a file. All designs that fit are estimated; the best of each
    organisation and width is simulated to the cycle.
    """
    output = None if json_path is None else OutputFile(json_path)
    changes: dict[str, Any] = {"network.source": network, "input.images": images}
    if input_file is not None:
        changes["input.file"] = input_file
    base = load_scenario(SCENARIO, changes=changes)
    device = load_board(board)
    choices: list[Choice] = []
    for bits in WIDTHS:
        wanted = _at_width(base, network, bits)
        loaded = load_network(wanted)
        needs = Needs.of(loaded.graph)
        found = contenders(device, bits, needs, wanted, estimate=estimate, run=simulate)
        accuracy = measured_accuracy(wanted, accuracy_images)
        choices += [Choice(contender, accuracy) for contender in found]
    if not choices:
        raise ScenarioError(f"no accelerator for {network} fits {device.name}")
    ordered = ranked(choices)
    fitting = [
        choice
        for choice in ordered
        if meets(choice, ordered, latency_us=latency_us, max_accuracy_drop=max_accuracy_drop)
    ]
    if not fitting:
        best = ordered[0]
        raise ScenarioError(
            f"no accelerator on {device.name} meets the wishes: the fastest takes "
            f"{best.latency_us:.1f} us{best.accuracy_text}"
        )
    text = explain(network, device, fitting)
    if output is not None:
        document = {
            "schema": 1,
            "kind": "recommendation",
            "network": network,
            "board": device.name,
            "choices": [choice.report() for choice in fitting],
            "why": text,
        }
        output.write(json.dumps(document, indent=1) + "\n")
        output.commit()
    if not quiet:
        console = cli.console()
        console.print(_table(fitting))
        for line in text:
            console.print(line, soft_wrap=True, highlight=False)


def _at_width(base: Scenario, network: str, bits: int) -> Scenario:
    source = base.network.model_copy(update={"source": source_for(network, bits)})
    accelerator = base.accelerator.model_copy(update={"bits": bits})
    return base.model_copy(update={"network": source, "accelerator": accelerator})


def _table(choices: Sequence[Choice]) -> Table:
    table = Table(*COLUMNS, title="What fits and meets the wishes, fastest first")
    for column in table.columns[1:]:
        column.justify = "right"
    for choice in choices[:8]:
        design, area = choice.contender.design, choice.contender.design.area
        table.add_row(
            design.variant.name,
            str(design.config.bits),
            str(design.config.units),
            str(design.clock_mhz),
            f"{choice.latency_us:,.1f}",
            f"{choice.contender.energy_uj:,.1f}",
            "" if choice.accuracy is None else f"{100 * choice.accuracy:.1f}",
            f"{area.lut:,}",
            str(area.block_ram),
            str(area.dsp),
        )
    return table


if __name__ == "__main__":
    sys.exit(cli.main(recommend))
