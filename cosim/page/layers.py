"""The section on layers: useful and wasted cycles, and why."""

from collections.abc import Mapping
from typing import Any

from cosim.figures.drawing import Picture
from cosim.figures.runs import unit_cycles, words
from cosim.page.content import Section, Table, columns
from cosim.quantities import percent_text
from cosim.summary import largest_stall

CAUSES = {
    "unit_waiting": "nothing had come yet: the job's start, or the next window",
    "no_pair": "a section or list word had no product worth making",
    "zero_operand": "it multiplied a zero",
    "result_blocked": "a finished filter waited for the collector",
    "unit_finished": "its filters were done before the job was: work is uneven",
    "storing": "the job only sends results out",
    "not_told_apart": "estimated: lost, whatever the cause",
}


def layers_section(report: Mapping[str, Any]) -> Section:
    """A figure of the units' cycles, the table of layers, and what the causes mean."""
    images, units = report["images"], report["units"]
    rows = [_row(layer, images, units) for layer in report["layers"]]
    head = columns(
        "layer", "op", "weights", "#cycles", "#useful", "#wasted", "#use", "largest loss",
        "#dense MACs", "#needed", "#kB in", "#kB out",
    )  # fmt: skip
    items: list[Picture | Table] = []
    picture = unit_cycles(report)
    if picture is not None:
        items.append(picture)
    items.append(Table("Layers, an image", head, rows))
    seen = {cause for layer in report["layers"] for cause, n in layer["stall_cycles"].items() if n}
    items.append(
        Table(
            "Causes of lost cycles",
            columns("cause", "~a unit made no useful product because"),
            [[words(cause), meaning] for cause, meaning in CAUSES.items() if cause in seen],
            folded=True,
        )
    )
    sentences = [
        "A cycle is useful as far as the units make products of non-zero weights and non-zero "
        "activations in it, wasted otherwise. Dense MACs are all products, needed are those."
    ]
    reasons: dict[str, list[str]] = {}
    for layer in report["layers"]:
        if layer["host_reason"]:
            reasons.setdefault(layer["host_reason"], []).append(layer["name"])
    for reason, names in reasons.items():
        sentences.append(f"On the host: {', '.join(names)} ({reason}).")
    return Section("Layers", sentences, [item for item in items if _is_filled(item)])


def _row(layer: Mapping[str, Any], images: int, units: int) -> list[str]:
    cycles, useful = layer["cycles"] / images, layer["macs_useful"]
    on_host = layer["runs_on"] == "host"
    used = 0.0 if useful is None else useful / units / images
    weights = "host" if on_host else "on chip" if layer["weights_resident"] else "streamed"
    return [
        layer["name"],
        layer["op"],
        weights,
        f"{cycles:,.0f}",
        "" if on_host else f"{used:,.0f}",
        "" if on_host else f"{cycles - used:,.0f}",
        "" if layer["utilisation"] is None else percent_text(layer["utilisation"]),
        largest_stall(layer),
        f"{layer['macs_dense'] / images:,.0f}",
        "" if useful is None else f"{useful / images:,.0f}",
        f"{layer['bytes_in'] / images / 1000:,.1f}",
        f"{layer['bytes_out'] / images / 1000:,.1f}",
    ]


def _is_filled(item: Picture | Table) -> bool:
    return isinstance(item, Picture) or bool(item.rows)
