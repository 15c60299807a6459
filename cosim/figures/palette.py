"""Colours of figures and page, for light and dark backgrounds, told apart by colour-blind readers.

Figures are drawn in the light colours. Each has a name and a hexadecimal value of its own, so that
the page can put a variable in its place (`cosim.figures.drawing.inline_svg`). Hues are those of
Paul Tol's bright scheme, some darker, so that they stand out on white.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Colour:
    """`light` and `dark` are for the background they are shown on."""

    name: str
    light: str
    dark: str


INK = Colour("ink", "#1b1e23", "#e8eaed")
MUTED = Colour("muted", "#5f6670", "#a3abb5")
GRID = Colour("grid", "#d9dde2", "#3a4048")
SURFACE = Colour("surface", "#ffffff", "#16191d")

BLUE = Colour("blue", "#4477aa", "#6f9fd0")
GREEN = Colour("green", "#228833", "#57b368")
YELLOW = Colour("yellow", "#b8a52e", "#d9cb66")
RED = Colour("red", "#ee6677", "#f08795")
PURPLE = Colour("purple", "#aa3377", "#cf6fa3")
CYAN = Colour("cyan", "#36a7cc", "#7fd4f0")
GREY = Colour("grey", "#a5abb2", "#6c727a")
ORANGE = Colour("orange", "#a34a00", "#c0702a")
SLATE = Colour("slate", "#4a515b", "#c3c9d1")

CATEGORY = {"host": BLUE, "compute": GREEN, "transfer": YELLOW, "interrupt": RED, "idle": GREY}
"""Where the time of an image goes (`cosim.breakdown`)."""

UNIT_CYCLE = {
    "useful": GREEN,
    "unit_waiting": YELLOW,
    "no_pair": CYAN,
    "zero_operand": ORANGE,
    "result_blocked": PURPLE,
    "unit_finished": GREY,
    "storing": BLUE,
    "not_told_apart": SLATE,
}
"""What a unit does in a cycle: useful work, or what it stalls for (`cosim.monitor`)."""

KIND = {"list": GREEN, "bitmap": BLUE, "dense": ORANGE}
"""Accelerators."""

MARKER = {"list": "o", "bitmap": "s", "dense": "^"}
"""Their shape in a scatter plot, for those who see no colours."""

DIVERGING = (
    Colour("dense-4", "#b35806", "#f0a35a"),
    Colour("dense-3", "#e08214", "#c97a2b"),
    Colour("dense-2", "#fdb863", "#93561a"),
    Colour("dense-1", "#fee0b6", "#5c3a1b"),
    Colour("even", "#f7f7f7", "#2a2e34"),
    Colour("sparse-1", "#d1e5f0", "#1f3d55"),
    Colour("sparse-2", "#92c5de", "#27597f"),
    Colour("sparse-3", "#4393c3", "#4186bd"),
    Colour("sparse-4", "#2166ac", "#74b2e2"),
)
"""From "dense is far ahead" over "even" to "sparse is far ahead"."""

ON_FAR = Colour("on-far", "#fefefe", "#10131a")
ON_AHEAD = Colour("on-ahead", "#1b1e22", "#10131b")
ON_NEAR = Colour("on-near", "#1b1e21", "#e8eaec")


def on_diverging(level: int) -> Colour:
    """The colour of text on `DIVERGING[level]`."""
    distance = abs(level - len(DIVERGING) // 2)
    return (ON_NEAR, ON_NEAR, ON_NEAR, ON_AHEAD, ON_FAR)[distance]


COLOURS = (
    INK, MUTED, GRID, SURFACE, BLUE, GREEN, YELLOW, RED, PURPLE, CYAN, GREY, ORANGE, SLATE,
    *DIVERGING, ON_FAR, ON_AHEAD, ON_NEAR,
)  # fmt: skip
