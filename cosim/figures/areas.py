"""Figure of the area an accelerator takes of a device."""

from collections.abc import Mapping

from cosim.figures.drawing import Canvas, Picture
from cosim.figures.palette import BLUE, GREY, MUTED
from cosim.quantities import percent_text

NAMES = {
    "lut": "look-up tables",
    "ff": "registers",
    "block_ram": "block RAMs",
    "dsp": "multipliers",
}
"""Resources, as a reader calls them; block RAMs of 18 Kbit."""


def area_shares(used: Mapping[str, float], reserved: Mapping[str, float], part: str) -> Picture:
    """A bar a resource: parts of the device for the accelerator, and for what surrounds it."""
    names = [name for name in NAMES if name in used]

    def draw(canvas: Canvas) -> None:
        axes = canvas.figure.subplots()
        rows = range(len(names))
        own = [100 * used[name] for name in names]
        other = [100 * reserved[name] for name in names]
        first = axes.barh(rows, own, 0.62, color=BLUE.light)
        second = axes.barh(rows, other, 0.62, left=own, color=GREY.light)
        for row, name in enumerate(names):
            text = percent_text(used[name])
            canvas.note(first[row], f"accelerator: {text} of the {NAMES[name]}")
            canvas.note(second[row], f"the rest: {percent_text(reserved[name])}")
            axes.annotate(
                text, (own[row] + other[row], row), (4, 0), textcoords="offset points", va="center"
            )
        axes.axvline(100, color=MUTED.light, linewidth=1, linestyle=(0, (3, 3)))
        axes.set_yticks(rows, [NAMES[name] for name in names])
        axes.set_ylim(len(names) - 0.4, -0.6)
        axes.set_xlim(0, max(112, *(1.15 * (a + b) for a, b in zip(own, other, strict=True))))
        axes.set_xlabel("part of the device, %")
        axes.tick_params(axis="y", length=0)
        canvas.legend([first, second], ["accelerator", "bus, DMA, soft host"], 20)

    return Picture(
        "area",
        f"Area on the {part}",
        "Percentages are the accelerator's; the dashed line is the whole device.",
        draw,
        lambda _: 90 + 26 * len(names),
    )
