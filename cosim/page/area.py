"""The section on area: what the accelerator takes of the board's device."""

from collections.abc import Mapping
from typing import Any

from cosim.figures.areas import NAMES, area_shares
from cosim.figures.drawing import Picture
from cosim.page.content import Section, Table, columns
from cosim.quantities import percent_text, three_digits


def area_section(report: Mapping[str, Any]) -> Section:
    """Counts with their source, and parts of the device where the run knows it."""
    area = report["area"]
    if area is None:
        sentence = (
            "Not measured: no accelerator like this was synthesised for the board's device, "
            "or the board names none (scripts/measure_areas.py)."
        )
        return Section("Area", [sentence], [])
    constants = report["board_constants"]
    sentences = [
        f"Area: {area['source']}. Clock: {three_digits(area['fmax_mhz'])} MHz, "
        f"{area['clock_source']}; the run was at {three_digits(report['clock_mhz'])} MHz."
    ]
    if report["clock_mhz"] > area["fmax_mhz"]:
        sentences.append("The run's clock is faster than what was reached by place and route.")
    has_device = all(f"fpga.available.{name}" in constants for name in NAMES)
    rows, own, rest = [], {}, {}
    for name, label in NAMES.items():
        row = [label, f"{area[name]:,}"]
        if has_device:
            there = constants[f"fpga.available.{name}"]
            own[name] = area[name] / there
            rest[name] = constants[f"fpga.reserved.{name}"] / there
            row += [f"{there:,}", percent_text(own[name]), percent_text(rest[name])]
        rows.append(row)
    for name in own:
        if own[name] + rest[name] > 1:
            sentences.append(f"It does not fit: the device has too few {NAMES[name]}.")
    items: list[Picture | Table] = []
    names = ["resource", "#accelerator"]
    if has_device:
        items.append(area_shares(own, rest, constants["fpga.part"]))
        names += ["#device", "#share", "#taken by the rest"]
    items.append(Table("Resources (block RAMs of 18 Kbit)", columns(*names), rows))
    return Section("Area", sentences, items)
