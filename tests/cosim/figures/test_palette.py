"""Colours can be read, and told apart with each kind of colour vision."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from cosim.figures.palette import (
    CATEGORY,
    COLOURS,
    DIVERGING,
    INK,
    KIND,
    MUTED,
    SURFACE,
    UNIT_CYCLE,
    Colour,
    on_diverging,
)

SCHEMES = ("light", "dark")

# Linear RGB as dichromats see it: Viénot, Brettel and Mollon, "Digital video colourmaps for
# checking the legibility of displays by dichromats", Color Research and Application 24(4), 1999.
VISION = {
    "all": np.eye(3),
    "protanopia": np.array(
        [[0.11238, 0.88762, 0.0], [0.11238, 0.88762, 0.0], [0.00401, -0.00401, 1.0]]
    ),
    "deuteranopia": np.array(
        [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]
    ),
}


def linear(colour: Colour, scheme: str) -> NDArray[np.float64]:
    text = getattr(colour, scheme)
    parts = np.array([int(text[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)


def luminance(colour: Colour, scheme: str) -> float:
    return float(linear(colour, scheme) @ (0.2126, 0.7152, 0.0722))


def contrast(one: Colour, other: Colour, scheme: str) -> float:
    """WCAG 2.2, 1 to 21."""
    low, high = sorted((luminance(one, scheme), luminance(other, scheme)))
    return (high + 0.05) / (low + 0.05)


def lab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIELAB of linear sRGB, white point D65."""
    matrix = np.array(
        [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    )
    xyz = matrix @ np.clip(rgb, 0, 1) / (0.9505, 1.0, 1.089)
    x, y, z = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_each_colour_has_a_name_and_value_of_its_own() -> None:
    assert len({colour.name for colour in COLOURS}) == len(COLOURS)
    assert len({colour.light for colour in COLOURS}) == len(COLOURS)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_text_can_be_read(scheme: str) -> None:
    for colour in (INK, MUTED):
        assert contrast(colour, SURFACE, scheme) >= 4.5
    for level, colour in enumerate(DIVERGING):
        assert contrast(on_diverging(level), colour, scheme) >= 4.5, colour


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("vision", list(VISION))
@pytest.mark.parametrize("colours", [CATEGORY, UNIT_CYCLE, KIND], ids=["time", "units", "kinds"])
def test_colours_of_a_figure_stay_apart(
    colours: dict[str, Colour], vision: str, scheme: str
) -> None:
    seen = {name: lab(VISION[vision] @ linear(c, scheme)) for name, c in colours.items()}
    for (one, first), (other, second) in combinations(seen.items(), 2):
        assert np.linalg.norm(first - second) > 10, (one, other)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("vision", list(VISION))
def test_the_two_sides_of_a_map_stay_apart(vision: str, scheme: str) -> None:
    middle = len(DIVERGING) // 2
    for one in DIVERGING[:middle]:
        for other in DIVERGING[middle + 1 :]:
            pair = [lab(VISION[vision] @ linear(colour, scheme)) for colour in (one, other)]
            assert np.linalg.norm(pair[0] - pair[1]) > 10, (one.name, other.name)
