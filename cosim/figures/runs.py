"""Figures of runs: where time and energy go, what units do, what happens when."""

from collections.abc import Mapping, Sequence
from typing import Any

from cosim.breakdown import CATEGORIES
from cosim.figures.drawing import NARROW_BELOW_PX, Canvas, Picture
from cosim.figures.palette import (
    BLUE,
    CATEGORY,
    GREEN,
    INK,
    ON_AHEAD,
    ON_FAR,
    SURFACE,
    UNIT_CYCLE,
    Colour,
)
from cosim.quantities import ENERGIES, TIMES, energy_text, percent_text, time_text, unit_for
from cosim.summary import run_label

Report = Mapping[str, Any]

MOST_LAYERS = 40
"""Rows that a figure of layers has at most; the shortest layers are left out."""

TRACKS = ("host", "interrupt", "transfer", "compute")
"""From top to bottom."""


def breakdown(reports: Sequence[Report]) -> Picture:
    """A bar a run: time an image by category."""

    def draw(canvas: Canvas) -> None:
        axes = canvas.figure.subplots()
        longest_ns = max(_image_ns(report) for report in reports)
        size, unit = unit_for(longest_ns, TIMES)
        handles: dict[str, Any] = {}
        for row, report in enumerate(reports):
            left = 0.0
            for category in CATEGORIES:
                width_ns = _image_ns(report, category)
                width = width_ns / size
                bar = axes.barh(row, width, 0.5, left=left, color=CATEGORY[category].light)
                bar[0].set(edgecolor=SURFACE.light, linewidth=0.5)
                share = percent_text(width_ns / _image_ns(report))
                canvas.note(bar[0], f"{category}: {time_text(width_ns)}, {share}")
                if width_ns * canvas.width_px > 60 * longest_ns:
                    tone = ON_AHEAD if category in ("transfer", "idle") else ON_FAR
                    place = {"color": tone.light, "va": "center", "ha": "center"}
                    axes.annotate(share, (left + width / 2, row), **place)
                handles.setdefault(category, bar)
                left += width
            total = time_text(_image_ns(report))
            label = f"{report['network']}, {run_label(report)}: {total}"
            axes.annotate(label, (0, row - 0.25), (0, 3), textcoords="offset points")
        axes.set_xlabel(f"time an image, {unit}")
        canvas.count_ticks(axes.xaxis)
        axes.set_xlim(0, longest_ns / size * 1.02)
        axes.set_ylim(len(reports) - 0.6, -0.75)
        axes.set_yticks([])
        axes.spines.left.set_visible(False)
        canvas.legend([handles[name] for name in CATEGORIES], list(CATEGORIES), 10)

    return Picture(
        "breakdown",
        "Time an image, by what it is spent on",
        "Every picosecond counts once: data that moves while a job computes is in compute.",
        draw,
        lambda width_px: 85 + 62 * len(reports) + (20 if width_px < NARROW_BELOW_PX else 0),
    )


def unit_cycles(report: Report) -> Picture | None:
    """A bar a layer: parts of the units' cycles with useful work, and lost, by cause."""
    shares = layer_shares(report)
    if not shares:
        return None
    causes = [name for name in UNIT_CYCLE if any(name in parts for parts in shares.values())]

    def draw(canvas: Canvas) -> None:
        axes = canvas.figure.subplots()
        handles: dict[str, Any] = {}
        for row, (layer, parts) in enumerate(shares.items()):
            left = 0.0
            for cause in causes:
                width = 100 * parts.get(cause, 0.0)
                bar = axes.barh(row, width, 0.72, left=left, color=UNIT_CYCLE[cause].light)
                bar[0].set(edgecolor=SURFACE.light, linewidth=0.5)
                canvas.note(bar[0], f"{layer}: {words(cause)} {width:.1f} %")
                handles.setdefault(cause, bar)
                left += width
            useful = 100 * parts.get("useful", 0.0)
            if useful > 12:
                place = {"color": ON_FAR.light, "va": "center"}
                axes.annotate(
                    f"{useful:.0f} %", (0, row), (5, 0), textcoords="offset points", **place
                )
        axes.set_yticks(range(len(shares)), [shortened(name, canvas) for name in shares])
        axes.set_ylim(len(shares) - 0.4, -0.6)
        axes.set_xlim(0, 100)
        axes.set_xlabel("part of all units' cycles, %")
        axes.tick_params(axis="y", length=0)
        axes.spines.left.set_visible(False)
        canvas.legend([handles[name] for name in causes], [words(name) for name in causes], 15)

    rows = -(-len(causes) // 2)
    return Picture(
        "unit-cycles",
        "What the units do, layer by layer",
        "Useful: a product of a non-zero weight and a non-zero activation. The rest is lost.",
        draw,
        lambda width_px: 70 + 26 * len(shares) + (20 * rows if width_px < NARROW_BELOW_PX else 40),
    )


def layer_shares(report: Report) -> dict[str, dict[str, float]]:
    """Parts of each layer's unit cycles, useful first; the longest layers if they are many."""
    layers = [layer for layer in report["layers"] if layer["runs_on"] == "accelerator"]
    kept = sorted(layers, key=lambda layer: -layer["cycles"])[:MOST_LAYERS]
    shares = {}
    for layer in (layer for layer in layers if layer in kept):
        counts = {"useful": layer["macs_useful"], **layer["stall_cycles"]}
        total = sum(counts.values())
        if total:
            shares[layer["name"]] = {name: n / total for name, n in counts.items() if n}
    return shares


def timeline(report: Report) -> Picture | None:
    """Host, interrupt, transfers and jobs over the time of one image; None without such data."""
    data = report.get("timeline")
    if not data:
        return None
    colours: dict[str, Colour] = {track: CATEGORY[track] for track in TRACKS}
    size, unit = unit_for(data["duration_ns"], TIMES)
    duration = data["duration_ns"] / size

    def draw(canvas: Canvas) -> None:
        axes = canvas.figure.subplots()
        smallest = duration * 1.5 / canvas.width_px  # a span is seen, however short
        room = duration * 8 / canvas.width_px  # a character
        for track, name, start_ns, end_ns in data["spans"]:
            row = TRACKS.index(track)
            start, length = start_ns / size, (end_ns - start_ns) / size
            bar = axes.barh(
                row, max(length, smallest), 0.62, left=start, color=colours[track].light
            )
            if length > 4 * smallest:
                bar[0].set(edgecolor=SURFACE.light, linewidth=0.5)
            canvas.note(
                bar[0], f"{name}: {time_text(end_ns - start_ns)}, from {time_text(start_ns)}"
            )
            if len(name) * room < length:
                tone = ON_AHEAD if track == "transfer" else ON_FAR
                place = {"color": tone.light, "va": "center", "ha": "center"}
                axes.annotate(name, (start + length / 2, row), **place)
        axes.set_yticks(range(len(TRACKS)), TRACKS)
        axes.set_ylim(len(TRACKS) - 0.5, -0.5)
        axes.set_xlim(0, duration)
        axes.set_xlabel(f"{unit} since the image's start")
        canvas.count_ticks(axes.xaxis)
        axes.tick_params(axis="y", length=0)
        axes.grid(axis="x", linewidth=0.6)

    merged = "" if not data["left_out"] else f" The {data['left_out']} shortest spans are left out."
    return Picture(
        "timeline",
        "One image, from call to result",
        f"Image {data['image']} of the run. Short spans are drawn wider than they are.{merged}",
        draw,
        lambda _: 190,
    )


def energy_parts(report: Report) -> Picture:
    """A bar a part: energy an image."""
    images = report["images"]
    parts = {words(name): value / images for name, value in report["energy_uj"].items()}
    return _bars(
        "energy-parts",
        "Energy an image, by part",
        "The board's static power counts for the whole time of an image.",
        parts,
        BLUE,
    )


def energy_layers(report: Report) -> Picture | None:
    """A bar a layer: energy an image, while it computes or stores."""
    images = report["images"]
    layers = [layer for layer in report["layers"] if layer.get("energy_uj")]
    longest = sorted(layers, key=lambda layer: -layer["energy_uj"])[:MOST_LAYERS]
    parts = {x["name"]: x["energy_uj"] / images for x in layers if x in longest}
    if not parts:
        return None
    return _bars(
        "energy-layers",
        "Energy an image, by layer",
        "All that the board takes while a layer computes or stores, none of what lies between.",
        parts,
        GREEN,
    )


def _bars(name: str, title: str, caption: str, parts: Mapping[str, float], tone: Colour) -> Picture:
    def draw(canvas: Canvas) -> None:
        axes = canvas.figure.subplots()
        size, unit = unit_for(max(parts.values()), ENERGIES)
        widths = [value / size for value in parts.values()]
        bars = axes.barh(range(len(parts)), widths, 0.66, color=tone.light)
        total = sum(parts.values())
        for row, (bar, (part, value)) in enumerate(zip(bars, parts.items(), strict=True)):
            share = percent_text(value / total) if total else ""
            canvas.note(bar, f"{part}: {energy_text(value)}, {share}")
            place = {"va": "center", "color": INK.light}
            text = f"{energy_text(value)}, {share}"
            axes.annotate(text, (value / size, row), (4, 0), textcoords="offset points", **place)
        axes.set_yticks(range(len(parts)), [shortened(part, canvas) for part in parts])
        axes.set_ylim(len(parts) - 0.4, -0.6)
        axes.set_xlim(0, max(widths) * (1.9 if canvas.narrow else 1.25) or 1)
        axes.set_xlabel(f"{unit} an image")
        canvas.count_ticks(axes.xaxis)
        axes.tick_params(axis="y", length=0)

    return Picture(name, title, caption, draw, lambda _: 55 + 26 * len(parts))


def _image_ns(report: Report, category: str | None = None) -> float:
    """Nanoseconds an image of a category, or of all."""
    parts = report["breakdown_ns"]
    value = sum(parts.values()) if category is None else parts[category]
    return float(value / report["images"])


def words(name: str) -> str:
    """A key as a reader would say it."""
    return name.replace("_", " ")


def shortened(name: str, canvas: Canvas) -> str:
    """A name with its middle left out where it takes too much of the figure's width."""
    most = 14 if canvas.narrow else 30
    if len(name) <= most:
        return name
    return f"{name[: most // 2 - 1]}…{name[-(most // 2) :]}"
