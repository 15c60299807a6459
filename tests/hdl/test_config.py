"""The accelerator's configuration: what it derives and what it refuses."""

from typing import Any

import pytest
from pydantic import ValidationError

from hdl.config import AcceleratorConfig


@pytest.mark.parametrize(
    ("bits", "lanes", "accumulator_bits", "bias_words"),
    [(8, 4, 24, 1), (16, 2, 40, 2), (32, 1, 72, 3)],
)
@pytest.mark.parametrize("channel_scales", [False, True])
def test_derived_values(
    bits: Any, lanes: int, accumulator_bits: int, bias_words: int, channel_scales: bool
) -> None:
    config = AcceleratorConfig(bits=bits, channel_scales=channel_scales)
    assert config.lanes == lanes
    assert config.accumulator_bits == accumulator_bits
    assert config.bias_words == bias_words + channel_scales
    assert config.element_address_bits == 13
    assert config.weight_elements == 2048 * lanes


@pytest.mark.parametrize(
    ("kind", "lookahead", "independent"),
    [("bitmap", 1, True), ("dense", 2, False), ("list", 1, False), ("list", 2, True)],
)
def test_which_units_walk_alone(kind: Any, lookahead: Any, independent: bool) -> None:
    assert AcceleratorConfig(kind=kind, lookahead=lookahead).independent_units is independent


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"activation_elements": 300}, "activation_elements must be a power of two, not 300"),
        ({"weight_words": 48}, "weight_words must be a power of two, not 48"),
        ({"bitmap_words": 17}, "bitmap_words must be a power of two, not 17"),
        ({"list_words": 33}, "list_words must be a power of two, not 33"),
        ({"lookahead": 3}, "lookahead\n  Input should be 1, 2 or 4"),
        ({"bias_entries": 20}, "bias_entries must be a power of two, not 20"),
        ({"units": 0}, "units\n  Input should be greater than or equal to 1"),
        ({"units": 65}, "units\n  Input should be less than or equal to 64"),
        ({"units": 17, "bias_entries": 16}, "bias_entries must be 17 (units) at least"),
        ({"results": 4}, "results\n  Input should be 1, 2 or 16"),
        ({"activation_elements": 128}, "activation_elements\n  Input should be greater than"),
        ({"activation_elements": 131072}, "activation_elements\n  Input should be less than"),
        ({"kind": "sparse"}, "kind\n  Input should be 'bitmap'"),
        ({"bits": 12}, "bits\n  Input should be 8, 16 or 32"),
        (
            {"products_per_multiplier": 2},
            "products_per_multiplier must be 1, or 2 in dense of 8 bits, not 2 in bitmap of 8",
        ),
        (
            {"products_per_multiplier": 2, "kind": "dense", "bits": 16},
            "products_per_multiplier must be 1, or 2 in dense of 8 bits, not 2 in dense of 16",
        ),
        (
            {"products_per_multiplier": 2, "kind": "dense", "units": 5},
            "units must be even with two products a multiplier, not 5",
        ),
        (
            {"partial_sums": True, "kind": "list", "lookahead": 1},
            "partial_sums must be false, or true in list with a lookahead above 1, "
            "not in list with 1",
        ),
        ({"partial_sums": True}, "a lookahead above 1, not in bitmap"),
        (
            {"partial_sums": True, "kind": "list", "units": 5},
            "units must be even with partial_sums, not 5",
        ),
        (
            {"partial_sums": True, "kind": "list", "results": 2},
            "results must be 1 or 16 with partial_sums, not 2",
        ),
        ({"products_per_multiplier": 3}, "products_per_multiplier\n  Input should be 1 or 2"),
        ({"lanes": 4}, "lanes\n  Extra inputs are not permitted"),
    ],
)
def test_values_out_of_range(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError) as raised:
        AcceleratorConfig.model_validate(values)
    assert message in str(raised.value)


def test_is_frozen() -> None:
    with pytest.raises(ValidationError, match="Instance is frozen"):
        AcceleratorConfig().units = 4
