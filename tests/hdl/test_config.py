"""The accelerator's configuration: what it derives and what it refuses."""

from typing import Any

import pytest
from pydantic import ValidationError

from hdl.config import AcceleratorConfig


@pytest.mark.parametrize(
    ("units", "banks"),
    [
        (1, 4),
        (3, 8),
        (8, 16),
        (16, 32),
    ],
)
def test_banks_are_two_a_unit_and_one_a_lane(units: int, banks: int) -> None:
    config = AcceleratorConfig(kind="bitmap", units=units)
    assert config.banks == banks


@pytest.mark.parametrize(("kind", "step"), [("bitmap", 32), ("list", 0), ("dense", 1)])
def test_derived_values(kind: Any, step: int) -> None:
    config = AcceleratorConfig(kind=kind)
    assert config.step_elements == step
    assert config.lanes == 4
    assert config.accumulator_bits == 24
    assert config.element_address_bits == 13
    assert config.weight_elements == 8192


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
        ({"units": 17}, "units\n  Input should be less than or equal to 16"),
        ({"activation_elements": 128}, "activation_elements\n  Input should be greater than"),
        ({"activation_elements": 131072}, "activation_elements\n  Input should be less than"),
        ({"kind": "sparse"}, "kind\n  Input should be 'bitmap'"),
        ({"bits": 16}, "bits\n  Input should be 8"),
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
