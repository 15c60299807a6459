"""Tables for a reader, from the JSON documents of runs: one run, or several side by side."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from cosim.breakdown import CATEGORIES
from cosim.errors import ScenarioError

Report = Mapping[str, Any]

NOTES = {
    "host": "driver and host layers",
    "compute": "compute jobs on the accelerator",
    "transfer": "DMA, while nothing computes",
    "interrupt": "learning that it is done",
    "idle": "nothing at all",
}


def title(report: Report) -> str:
    """What a run was of: `lenet300 on bitmap, 8 units, 8 bits`."""
    return (
        f"{report['network']} on {report['accelerator']}, {report['units']} units, "
        f"{report['bits']} bits"
    )


def summarise(report: Report) -> RenderableType:
    """Where the time went, and what each layer did, an image."""
    return Group(_time_table(report), _layer_table(report), *_closing_lines(report))


def compare(reports: Sequence[Report]) -> RenderableType:
    """Runs of one network side by side: time by category, cycles a layer, speed-up.

    The last run is the one that the others are compared with. Raises ScenarioError unless there are
    two runs or more, all of one network with the same layers.
    """
    check_comparable(reports)
    return Group(_compared_time(reports), _compared_layers(reports))


def check_comparable(reports: Sequence[Report]) -> None:
    """Raises ScenarioError unless there are two runs or more, of one network and its layers."""
    if len(reports) < 2:
        raise ScenarioError(f"runs to compare must be two or more, not {len(reports)}")
    names = [[layer["name"] for layer in report["layers"]] for report in reports]
    if any(report["network"] != reports[0]["network"] for report in reports) or any(
        layers != names[0] for layers in names
    ):
        networks = ", ".join(str(report["network"]) for report in reports)
        raise ScenarioError(f"runs to compare must be of one network, not {networks}")


def run_label(report: Report) -> str:
    """A short name of the run among runs of one network."""
    kind = report["accelerator"]
    ahead = f" K={report['configuration']['lookahead']}" if kind == "list" else ""
    return f"{kind}{ahead} {report['units']}x{report['bits']}b"


def _time_table(report: Report) -> Table:
    images = report["images"]
    total_ns = report["latency_ns"]["total"]
    table = Table(title=f"{title(report)}: {total_ns / images / 1000:.2f} us an image")
    table.add_column("time goes to")
    table.add_column("us an image", justify="right")
    table.add_column("%", justify="right")
    table.add_column("")
    for name in CATEGORIES:
        part_ns = report["breakdown_ns"][name]
        share = 100 * part_ns / total_ns
        table.add_row(name, f"{part_ns / images / 1000:.2f}", f"{share:.1f}", NOTES[name])
    return table


def _layer_table(report: Report) -> Table:
    images = report["images"]
    table = Table(title="Layers, an image")
    table.add_column("layer")
    table.add_column("op")
    table.add_column("runs on")
    for name in ("cycles", "MACs", "useful", "units' use %", "bytes in", "bytes out"):
        table.add_column(name, justify="right")
    table.add_column("largest loss")
    for layer in report["layers"]:
        useful, use = layer["macs_useful"], layer["utilisation"]
        table.add_row(
            layer["name"],
            layer["op"],
            layer["runs_on"],
            f"{layer['cycles'] / images:,.0f}",
            f"{layer['macs_dense'] / images:,.0f}",
            "" if useful is None else f"{useful / images:,.0f}",
            "" if use is None else f"{100 * use:.1f}",
            f"{layer['bytes_in'] / images:,.0f}",
            f"{layer['bytes_out'] / images:,.0f}",
            largest_stall(layer),
        )
    return table


def largest_stall(layer: Mapping[str, Any]) -> str:
    """The cause that most of a layer's unit cycles were lost to, with its part of all."""
    stalls: dict[str, int] = layer["stall_cycles"]
    total = sum(stalls.values()) + (layer["macs_useful"] or 0)
    if not total or not any(stalls.values()):
        return ""
    cause = max(stalls, key=lambda name: stalls[name])
    return f"{cause.replace('_', ' ')} {100 * stalls[cause] / total:.0f} %"


def _closing_lines(report: Report) -> list[str]:
    latency, images = report["latency_ns"], report["images"]
    energy = report["energy_uj"]
    parts = ", ".join(f"{part} {value / images:.3g}" for part, value in energy.items())
    cycles = report["accelerator_cycles"]["simulated"]
    lines = [
        f"latency min {latency['min'] / 1000:.2f}, p99 {latency['p99'] / 1000:.2f}, "
        f"max {latency['max'] / 1000:.2f} us; set-up once {report['setup_ns'] / 1000:.2f} us",
        f"energy {sum(energy.values()) / images:.1f} uJ an image ({parts})",
        f"{cycles:,} accelerator cycles simulated in {report['wall_s']:.1f} s",
    ]
    if report["accuracy"] is not None:
        lines.insert(0, f"accuracy {100 * report['accuracy']:.2f} % of {images} images")
    return lines


def _compared_time(reports: Sequence[Report]) -> Table:
    table = Table(title=f"{reports[0]['network']}: us an image")
    table.add_column("time goes to")
    for report in reports:
        table.add_column(run_label(report), justify="right")
    each = [
        {name: value / report["images"] / 1000 for name, value in report["breakdown_ns"].items()}
        for report in reports
    ]
    for name in CATEGORIES:
        table.add_row(name, *(f"{parts[name]:.2f}" for parts in each))
    table.add_section()
    totals = [sum(parts.values()) for parts in each]
    table.add_row("total", *(f"{total:.2f}" for total in totals))
    table.add_row("speed-up", *(f"{totals[-1] / total:.2f}" for total in totals))
    energies = [sum(r["energy_uj"].values()) / r["images"] for r in reports]
    table.add_row("energy, uJ", *(f"{energy:.1f}" for energy in energies))
    return table


def _compared_layers(reports: Sequence[Report]) -> Table:
    table = Table(title="Cycles an image (share of units at useful work, speed-up)")
    table.add_column("layer")
    for report in reports:
        table.add_column(run_label(report), justify="right")
    for index, layer in enumerate(reports[0]["layers"]):
        rows = [report["layers"][index] for report in reports]
        cycles = [
            row["cycles"] / report["images"] for row, report in zip(rows, reports, strict=True)
        ]
        table.add_row(layer["name"], *_cycle_cells(cycles, [row["utilisation"] for row in rows]))
    table.add_section()
    totals = [
        sum(row["cycles"] for row in report["layers"] if row["runs_on"] == "accelerator")
        / report["images"]
        for report in reports
    ]
    table.add_row("accelerator", *_cycle_cells(totals, [None] * len(totals)))
    return table


def _cycle_cells(cycles: Sequence[float], uses: Sequence[float | None]) -> list[str]:
    cells = []
    for count, use in zip(cycles, uses, strict=True):
        details = [] if use is None else [f"{100 * use:.0f} %"]
        if count:
            details.append(f"{cycles[-1] / count:.2f}x")
        cells.append(f"{count:,.0f} ({', '.join(details)})")
    return cells
