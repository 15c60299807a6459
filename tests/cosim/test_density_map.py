"""The density map: ratios, and the line where both take the same."""

from pathlib import Path

import pytest

from cosim.areas import AreaModel
from cosim.density_map import CONVOLUTION, FULLY_CONNECTED, SampleLayer, crossover, density_map
from cosim.designs import Variant
from cosim.scenario import load_board, load_scenario

BASE = Path(__file__).parents[2] / "scripts" / "scenarios" / "recommend.toml"
WEIGHTS = (0.05, 0.3, 1.0)
ACTIVATIONS = (0.2, 1.0)


def test_the_line_is_where_the_ratio_is_one() -> None:
    ratio = [[4.0, 0.9], [1.0, 0.8], [0.25, 0.7]]
    line = crossover((0.1, 0.2, 0.4), (0.5, 1.0), ratio)
    assert line[0] == (pytest.approx(0.2), 0.5)
    assert line[1] == (None, 1.0)
    assert crossover((0.1, 0.4), (0.5,), [[4.0], [0.25]]) == [(pytest.approx(0.2, abs=1e-3), 0.5)]


@pytest.mark.parametrize("layer", [CONVOLUTION, FULLY_CONNECTED], ids=["conv", "fc"])
def test_fewer_weights_and_activations_favour_sparse(
    layer: SampleLayer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At one clock for all: measured ones are of single placements, which vary by a tenth."""
    monkeypatch.setattr(AreaModel, "_clock", lambda self, config: (100.0, "for the test"))
    base = load_scenario(BASE)
    maps = density_map(
        base,
        load_board("zynq7020"),
        layer,
        8,
        [Variant("list", 8, 1), Variant("list", 8, 2)],
        [Variant("dense", 8)],
        WEIGHTS,
        ACTIVATIONS,
    )
    assert [found["scope"] for found in maps] == ["accelerator", "system"]
    for found in maps:
        ratio = found["ratio"]
        assert all(more[0] >= more[1] for more in ratio)
        for column in range(len(ACTIVATIONS)):
            values = [row[column] for row in ratio]
            assert values == sorted(values, reverse=True)
        assert ratio[0][0] > 1
    accelerator, system = maps
    # What surrounds the accelerator is the same for both, so that it levels them.
    # Without zeros a list saves nothing but gaps between filters.
    assert accelerator["ratio"][-1][-1] < 1.01
    assert system["dense_units"] >= 1
