"""Maps of a trade-off: who wins by weight and activation density, and by network and board."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from cosim.figures.drawing import NARROW_BELOW_PX, Canvas, Picture
from cosim.figures.palette import DIVERGING, GREY, INK, MUTED, SURFACE, on_diverging
from cosim.quantities import percent_text, three_digits

Entry = Mapping[str, Any]
"""A map of `cosim.density_map`."""

STEPS = (1.05, 1.5, 3.0, 10.0)
"""Ratios from which a side is ahead by 1, 2, 3 or 4 levels; below the first, sides are even."""

NUMBER_PX = 34
"""Width from which a cell has its number in it."""

TICK_PX = 38
MOST_TICKS = 14


def level(ratio: float) -> int:
    """Index into `DIVERGING` of dense time over sparse time."""
    middle = len(DIVERGING) // 2
    ahead = max(ratio, 1 / ratio)
    distance = sum(ahead >= bound for bound in STEPS)
    return middle + distance if ratio > 1 else middle - distance


def density_maps(entries: Sequence[Entry], name: str) -> Picture:
    """A panel a width, of one layer, board and scope: ratios, and where both take the same."""

    def draw(canvas: Canvas) -> None:
        shape = (len(entries), 1) if canvas.narrow else (1, len(entries))
        panels = canvas.figure.subplots(*shape, sharex=True, sharey=True, squeeze=False).flat
        across = 1 if canvas.narrow else len(entries)
        numbered = True
        for index, (axes, entry) in enumerate(zip(panels, entries, strict=True)):
            numbered = _draw_cells(axes, entry, canvas, canvas.width_px / across - 60)
            _draw_crossover(axes, entry)
            axes.set_title(f"{entry['bits']} bits, against {entry['dense_units']} dense units")
            if not canvas.narrow or index == len(entries) - 1:
                axes.set_xlabel("activations that are not zero")
            if canvas.narrow or index == 0:
                axes.set_ylabel("weights that are not zero")
        if not numbered:
            _add_scale(canvas)

    first = entries[0]
    scope = "accelerator alone" if first["scope"] == "accelerator" else "whole system"
    sparse = " or ".join(first["sparse"])
    return Picture(
        name,
        f"{sparse} against dense: {first['layer']}, {first['board']}, {scope}",
        "Time of dense over time of sparse: above 1 (blue) sparse wins, below (orange) dense. "
        "The line is where both take the same."
        + (" Grey: no sparse design fits." if any(map(_has_gaps, entries)) else ""),
        draw,
        lambda width_px: 70 + 290 * (len(entries) if width_px < NARROW_BELOW_PX else 1),
    )


def _draw_cells(axes: Any, entry: Entry, canvas: Canvas, room_px: float) -> bool:
    """Whether there was room for each cell's number."""
    weights, activations = entry["weight_density"], entry["activation_density"]
    cell_px = room_px / len(activations)
    numbered = cell_px >= NUMBER_PX
    for row, line in enumerate(entry["ratio"]):
        for column, value in enumerate(line):
            fits = value > 0
            colour = (DIVERGING[level(value)] if fits else GREY).light
            cell = axes.bar(
                column, 1, 1, bottom=row - 0.5, color=colour, edgecolor=SURFACE.light, linewidth=0.5
            )[0]
            where = f"weights {percent_text(weights[row])}, activations "
            canvas.note(cell, f"{where}{percent_text(activations[column])}: {_ratio_text(value)}")
            if numbered:
                text = three_digits(value) if fits else "-"
                look = {"color": (on_diverging(level(value)) if fits else INK).light, "size": 10}
                axes.text(column, row, text, ha="center", va="center", **look)
    every = max(1, math.ceil(TICK_PX / cell_px))
    axes.set_xticks(
        range(0, len(activations), every), [percent_text(a) for a in activations[::every]]
    )
    every = max(1, math.ceil(len(weights) / MOST_TICKS))
    axes.set_yticks(range(0, len(weights), every), [percent_text(w) for w in weights[::every]])
    axes.set_xlim(-0.5, len(activations) - 0.5)
    axes.set_ylim(-0.5, len(weights) - 0.5)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return numbered


def _add_scale(canvas: Canvas) -> None:
    """What the colours stand for."""
    from matplotlib.patches import Patch

    steps = [f"{step:g}x" for step in STEPS]
    labels = [*reversed(steps), "even", *steps]
    labels[0], labels[-1] = f"dense {labels[0]}", f"sparse {labels[-1]}"
    canvas.legend([Patch(color=colour.light) for colour in DIVERGING], labels, 8)


def _draw_crossover(axes: Any, entry: Entry) -> None:
    line = [
        (_place(entry["activation_density"], activations), _place(entry["weight_density"], weights))
        for weights, activations in entry["crossover"]
        if weights is not None
    ]
    if line:
        x, y = zip(*line, strict=True)
        axes.plot(x, y, color=SURFACE.light, linewidth=5, zorder=4)
        axes.plot(x, y, color=INK.light, linewidth=2.5, zorder=5, marker="o", markersize=4)


def winner_map(rows: Sequence[Mapping[str, Any]]) -> Picture:
    """A cell a network, width and board: the winner, and how far the other side is behind."""
    boards = list(dict.fromkeys(row["board"] for row in rows))
    cases = list(dict.fromkeys((row["network"], row["bits"]) for row in rows))
    winners = {(row["network"], row["bits"], row["board"]): row for row in rows if row["winner"]}

    def draw(canvas: Canvas) -> None:
        axes = canvas.figure.subplots()
        for row, case in enumerate(cases):
            for column, board in enumerate(boards):
                won = winners.get((*case, board))
                ratio = 1.0 if won is None else _signed(won)
                cell = axes.bar(
                    column, 1, 1, bottom=row - 0.5, color=DIVERGING[level(ratio)].light,
                    edgecolor=SURFACE.light, linewidth=1,
                )[0]  # fmt: skip
                text = "-" if won is None else _cell_text(won, canvas)
                canvas.note(cell, f"{case[0]}, {case[1]} bits, {board}: {_won_text(won)}")
                colour = MUTED.light if won is None else on_diverging(level(ratio)).light
                size = 9 if canvas.narrow else 11
                axes.text(column, row, text, ha="center", va="center", color=colour, size=size)
        axes.set_xticks(range(len(boards)), boards)
        axes.set_yticks(range(len(cases)), [_case_text(case, canvas) for case in cases])
        axes.xaxis.tick_top()
        if canvas.narrow:
            axes.tick_params(axis="x", labelrotation=35, labelsize=10)
            axes.tick_params(axis="y", labelsize=10)
        axes.set_xlim(-0.5, len(boards) - 0.5)
        axes.set_ylim(len(cases) - 0.5, -0.5)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)

    return Picture(
        "winners",
        "Who wins",
        "The fastest design that fits, and how many times longer the other side's best one takes. "
        "Blue: sparse wins, orange: dense.",
        draw,
        lambda width_px: (
            70 + 36 * len(cases) if width_px < NARROW_BELOW_PX else 50 + 34 * len(cases)
        ),
    )


def is_dense(row: Mapping[str, Any]) -> bool:
    """Whether a row of a trade-off is of a dense accelerator."""
    return str(row["accelerator"]).startswith("dense")


def _signed(won: Mapping[str, Any]) -> float:
    """Dense time over sparse time, from a winner's row."""
    margin = won["margin"] or STEPS[-1]
    return 1 / margin if is_dense(won) else margin


def _cell_text(won: Mapping[str, Any], canvas: Canvas) -> str:
    margin = "alone" if won["margin"] is None else f"{three_digits(won['margin'])}x"
    name = str(won["accelerator"]).replace("bitmap as published", "published")
    return f"{name.split()[0]}\n{margin}" if canvas.narrow else f"{name} {margin}"


def _won_text(won: Mapping[str, Any] | None) -> str:
    if won is None:
        return "no design fits"
    margin = (
        "no other fits" if won["margin"] is None else f"{three_digits(won['margin'])} times faster"
    )
    by = f", decided by {won['decided_by']}" if won["decided_by"] else ""
    return f"{won['accelerator']}, {won['units']} units at {won['clock_mhz']} MHz, {margin}{by}"


def _case_text(case: tuple[str, int], canvas: Canvas) -> str:
    gap = "\n" if canvas.narrow else ", "
    return f"{case[0]}{gap}{case[1]} bits"


def _has_gaps(entry: Entry) -> bool:
    return any(value <= 0 for line in entry["ratio"] for value in line)


def _ratio_text(ratio: float) -> str:
    if ratio <= 0:
        return "no sparse design fits"
    side = "sparse" if ratio >= 1 else "dense"
    return f"{side} {three_digits(max(ratio, 1 / ratio))} times faster"


def _place(ticks: Sequence[float], value: float) -> float:
    """Where a value lies between ticks that are one apart, logarithmically."""
    for index in range(len(ticks) - 1):
        low, high = ticks[index], ticks[index + 1]
        if low <= value <= high:
            return index + math.log(value / low) / math.log(high / low)
    return 0.0 if value < ticks[0] else len(ticks) - 1.0
