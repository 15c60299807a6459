"""The page of one run, alone or beside another."""

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.breakdown import CATEGORIES
from cosim.constants import with_sources
from cosim.figures import runs
from cosim.figures.drawing import Picture
from cosim.figures.runs import words
from cosim.merit import name_of
from cosim.page.area import area_section
from cosim.page.assumptions import assumptions_section
from cosim.page.content import Fact, Page, Section, Table, columns
from cosim.page.layers import layers_section
from cosim.quantities import energy_text, percent_text, three_digits, time_text
from cosim.summary import NOTES, check_comparable, run_label, title

Report = Mapping[str, Any]

SPENDING = {
    "host": "the host",
    "compute": "the accelerator computing",
    "transfer": "DMA while nothing computes",
    "interrupt": "learning that it is done",
    "idle": "nothing at all",
}
"""Categories, as they go on in a sentence."""

HOST_STEPS = {
    "call": "calling the driver",
    "input": "quantising the image, writing it back from the cache",
    "cache": "flushing and invalidating lines",
    "descriptors": "writing and checking DMA descriptors",
    "registers": "register accesses of accelerator and DMA",
    "layers": "layers that the host computes",
    "result": "reading the logits",
}


def run_page(report: Report, other: Report | None = None) -> Page:
    """The page of a run; raises ScenarioError if `other` is a run of another network."""
    reports = [report] if other is None else [report, other]
    if other is not None:
        check_comparable(reports)
    sections = [_time_section(reports)]
    if other is not None:
        sections.append(_comparison_section(report, other))
    timeline = runs.timeline(report)
    if timeline is None:
        sentence = "There is none: estimates simulate nothing."
        sections.append(Section("Time line", [sentence], []))
    else:
        sentence = (
            "Host, interrupt, DMA and jobs in order; what is not the host's may overlap. "
            "The trace of a run (--trace) has every burst."
        )
        sections.append(Section("Time line", [sentence], [timeline]))
    sections += [layers_section(report), _energy_section(report), area_section(report)]
    constants = report["board_constants"]
    sections.append(assumptions_section(with_sources(report["board"], constants)))
    return Page(
        title=f"{title(report)}, {report['board']}",
        answer=_answer(report, other),
        facts=_facts(report),
        sections=sections,
        footer=_footer(report),
    )


def _answer(report: Report, other: Report | None) -> str:
    takes = "is estimated to take" if report["estimated"] else "takes"
    total_ns = sum(report["breakdown_ns"].values())
    parts = sorted(report["breakdown_ns"].items(), key=lambda item: -item[1])
    (first, first_ns), (second, second_ns) = parts[:2]
    driver = "the host's driver" + (" and layers" if "layers" in report["host_ns"] else "")
    spending = SPENDING | {"host": driver}
    text = (
        f"{report['network']} on {_design(report)} at {report['bits']} bits {takes} "
        f"{time_text(report['latency_ns']['mean'])} an image on {report['board']}: "
        f"{percent_text(first_ns / total_ns)} of it is {spending[first]}"
    )
    if second_ns:
        text += f", {percent_text(second_ns / total_ns)} is {spending[second]}"
    if other is None:
        return text + "."
    ratio = other["latency_ns"]["mean"] / report["latency_ns"]["mean"]
    pace = f"{three_digits(max(ratio, 1 / ratio))} times {'faster' if ratio >= 1 else 'slower'}"
    rival = f"{_design(other)} at {other['bits']} bits"
    where = "" if other["board"] == report["board"] else f" on {other['board']}"
    return f"{text}. That is {pace} than {rival}{where}."


def _design(report: Report) -> str:
    return f"{name_of(report['configuration'])} x{report['units']}"


def _facts(report: Report) -> list[Fact]:
    images = report["images"]
    latency, spent_uj = report["latency_ns"], sum(report["energy_uj"].values())
    facts = [
        Fact(
            "latency",
            time_text(latency["mean"]),
            "each image the same"
            if latency["min"] == latency["max"]
            else f"{time_text(latency['min'])} to {time_text(latency['max'])}",
        ),
        Fact("images a second", three_digits(1e9 / latency["mean"]), "one after the other"),
        Fact("energy an image", energy_text(spent_uj / images), _band(report)),
        Fact("units' useful cycles", *_useful(report)),
    ]
    if report["accuracy"] is not None:
        facts.append(Fact("accuracy", percent_text(report["accuracy"]), f"of {_images(images)}"))
    clock = three_digits(report["clock_mhz"])
    facts.append(
        Fact("accelerator's clock", f"{clock} MHz", f"set-up {time_text(report['setup_ns'])}")
    )
    return facts


def _useful(report: Report) -> tuple[str, str]:
    layers = [layer for layer in report["layers"] if layer["runs_on"] == "accelerator"]
    cycles = sum(layer["cycles"] for layer in layers) * report["units"]
    useful = sum(layer["macs_useful"] for layer in layers)
    dense = sum(layer["macs_dense"] for layer in layers)
    if not cycles:
        return "-", "nothing ran on the accelerator"
    return percent_text(useful / cycles), f"{percent_text(useful / dense)} of dense products needed"


def _band(report: Report) -> str:
    band, images = report["energy_band_uj"], report["images"]
    low, high = (energy_text(band[end] / images) for end in ("low", "high"))
    return f"{low} to {high}"


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


def _time_section(reports: Sequence[Report]) -> Section:
    report = reports[0]
    images, total_ns = report["images"], sum(report["breakdown_ns"].values())
    rows = [
        [
            name,
            f"{report['breakdown_ns'][name] / images / 1000:,.2f}",
            percent_text(report["breakdown_ns"][name] / total_ns),
            NOTES[name],
        ]
        for name in CATEGORIES
    ]
    total = ["total", f"{total_ns / images / 1000:,.2f}", "100 %", ""]
    host = report["host_ns"]
    steps = [
        [step, f"{value / images / 1000:,.2f}", HOST_STEPS.get(step, "")]
        for step, value in host.items()
    ]
    sentence = f"Mean of {_images(images)}."
    head = columns("time goes to", "#µs", "#share", "~that is")
    tables = [
        Table("Categories", head, rows, total=total),
        Table("The host's steps", columns("step", "#µs", "~that is"), steps, folded=True),
    ]
    return Section("Where the time goes", [sentence], [runs.breakdown(reports), *tables])


def _comparison_section(report: Report, other: Report) -> Section:
    rows = []
    for name in CATEGORIES:
        pair = [each["breakdown_ns"][name] / each["images"] / 1000 for each in (report, other)]
        rows.append([f"{name}, µs", *_pair(*pair)])
    latency = [each["latency_ns"]["mean"] / 1000 for each in (report, other)]
    rows.append(["latency, µs", *_pair(*latency)])
    energy = [sum(each["energy_uj"].values()) / each["images"] for each in (report, other)]
    rows.append(["energy, µJ", *_pair(*energy)])
    for mine, theirs in zip(report["layers"], other["layers"], strict=True):
        cycles = (mine["cycles"] / report["images"], theirs["cycles"] / other["images"])
        rows.append([f"{mine['name']}, cycles", *_pair(*cycles, decimals=0)])
    head = columns("an image", f"#{run_label(report)}", f"#{run_label(other)}", "#times")
    sentence = "The last column says how many times the second run's value is the first's."
    return Section("Side by side", [sentence], [Table("Two runs", head, rows)])


def _pair(mine: float, theirs: float, decimals: int = 2) -> list[str]:
    times = three_digits(theirs / mine) if mine else "-"
    return [f"{mine:,.{decimals}f}", f"{theirs:,.{decimals}f}", times]


def _energy_section(report: Report) -> Section:
    images, parts = report["images"], report["energy_uj"]
    spent_uj = sum(parts.values())
    rows = [
        [words(name), three_digits(value / images), percent_text(value / spent_uj)]
        for name, value in parts.items()
    ]
    items: list[Picture | Table] = [runs.energy_parts(report)]
    by_layer = runs.energy_layers(report)
    if by_layer is not None:
        items.append(by_layer)
    total = ["total", three_digits(spent_uj / images), "100 %"]
    items.append(
        Table("By part", columns("part", "#µJ an image", "#share"), rows, folded=True, total=total)
    )
    sentences = [
        f"{energy_text(spent_uj / images)} an image, {_band(report)} with all constants at their "
        f"bounds; {three_digits(report['power_w'])} W on average. "
        "Constants of the board file times what was counted: no power was measured."
    ]
    if report["area"] is None:
        sentences.append("Block RAM and logic are left out, because the area is not known.")
    return Section("Energy", sentences, items)


def _footer(report: Report) -> str:
    cycles = report["accelerator_cycles"]["simulated"]
    did = "nothing simulated" if report["estimated"] else f"{cycles:,} accelerator cycles simulated"
    return f"Engine {report['engine']}: {did}, in {report['wall_s']:.3g} s."
