"""Figures of the study: density maps with their crossover, and who wins where."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FORMATS = (".svg", ".png")
LARGEST_RATIO = 8.0
"""Ratios beyond it, or below its inverse, have the deepest colour."""

TICKS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0)


def draw_maps(maps: Sequence[Mapping[str, Any]], title: str, stem: Path) -> None:
    """Maps side by side, a width each: green where sparse is faster, brown where dense is.

    Writes `stem` with each suffix of `FORMATS`.
    """
    # Imported here: drawing is rare, and the import takes longer than everything else.
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    figure = Figure(figsize=(3.3 * len(maps) + 1, 3.9), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(maps), sharey=True))
    norm = LogNorm(1 / LARGEST_RATIO, LARGEST_RATIO)
    shades = ScalarMappable(norm, "BrBG")
    for axes, found in zip(panels, maps, strict=True):
        weights, activations = found["weight_density"], found["activation_density"]
        ratio = np.clip(np.array(found["ratio"]), 1e-3, None)
        axes.pcolormesh(
            activations, weights, ratio, norm=norm, cmap="BrBG", shading="gouraud", rasterized=True
        )
        line = [(place, active) for place, active in found["crossover"] if place is not None]
        if line:
            places, active = zip(*line, strict=True)
            axes.plot(active, places, color="black", linewidth=2)
            axes.annotate(
                f"equal at {places[-1]:.2f}",
                (active[-1], places[-1]),
                (-6, 6),
                textcoords="offset points",
                ha="right",
                fontsize=9,
            )
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.set_yticks(TICKS, [f"{tick:g}" for tick in TICKS])
        axes.minorticks_off()
        axes.set_xlim(min(activations), 1)
        axes.set_ylim(min(weights), 1)
        axes.set_title(f"{found['bits']} bits")
        axes.set_xlabel("density of activations")
    panels[0].set_ylabel("density of weights")
    figure.suptitle(title)
    bar = figure.colorbar(shades, ax=list(panels), ticks=[1 / 8, 1 / 4, 1 / 2, 1, 2, 4, 8])
    bar.ax.set_yticklabels(["1/8", "1/4", "1/2", "1", "2", "4", "8"])
    bar.set_label("time of dense / time of sparse")
    _save(figure, stem)


def draw_winners(rows: Sequence[Mapping[str, Any]], stem: Path) -> None:
    """Latency of sparse and dense designs at 8 bits, for each network and board."""
    from matplotlib.figure import Figure

    networks = list(dict.fromkeys(row["network"] for row in rows))
    boards = list(dict.fromkeys(row["board"] for row in rows))
    kinds = {
        "published": ("bitmap as published", "#bf812d"),
        "list": ("list", "#35978f"),
        "dense": ("dense", "#8c8c8c"),
    }
    figure = Figure(figsize=(4 * len(networks), 4), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(networks)))
    for axes, network in zip(panels, networks, strict=True):
        for offset, (label, colour) in enumerate(kinds.values()):
            heights = [_best(rows, network, board, label) for board in boards]
            places = [index + (offset - 1) * 0.27 for index in range(len(boards))]
            axes.bar(places, heights, width=0.25, color=colour, label=label)
        axes.set_yscale("log")
        axes.set_xticks(range(len(boards)), boards, rotation=30, ha="right")
        axes.set_title(network)
        axes.spines[["top", "right"]].set_visible(False)
    panels[0].set_ylabel("latency of an image, us")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=3, frameon=False)
    _save(figure, stem)


def _best(rows: Sequence[Mapping[str, Any]], network: str, board: str, label: str) -> float:
    found = [
        row["latency_us"]
        for row in rows
        if row["network"] == network
        and row["board"] == board
        and row["bits"] == 8
        and row["accelerator"].startswith(label)
    ]
    return min(found, default=float("nan"))


def _save(figure: Any, stem: Path) -> None:
    stem.parent.mkdir(parents=True, exist_ok=True)
    for suffix in FORMATS:
        # No date in the file: the same study gives the same files.
        metadata = {"Date": None} if suffix == ".svg" else None
        figure.savefig(stem.with_suffix(suffix), dpi=150, metadata=metadata)
