"""How many units of an accelerator fit a device beside the rest of the system."""

from dataclasses import dataclass
from itertools import takewhile

from cosim.areas import Area, area_model
from cosim.board import FpgaConfig
from hdl.config import MOST_UNITS, AcceleratorConfig

RESOURCES = {"lut": "LUT", "ff": "FF", "block_ram": "block RAM", "dsp": "DSP"}
"""Resources of a device, with their names for readers."""

ROUTED = ("lut", "ff")
"""Resources that can only be used in part, `FpgaConfig.lut_fill`."""


@dataclass(frozen=True)
class Fit:
    """The most units that fit. `limited_by`: the resource that one more would exceed.

    `units` is 0 and `area` that of one unit if none fits. `used`: part of what is left beside the
    rest of the system. `clock_mhz`: whole MHz, no more than the board allows.
    """

    units: int
    area: Area
    used: dict[str, float]
    limited_by: str
    clock_mhz: int


def used(area: Area, fpga: FpgaConfig) -> dict[str, float]:
    """By resource, the part of what the rest of the system leaves; above 1: does not fit."""
    parts = {}
    for name in RESOURCES:
        fill = fpga.lut_fill if name in ROUTED else 1
        left = getattr(fpga.available, name) * fill - getattr(fpga.reserved, name)
        parts[name] = getattr(area, name) / left if left > 0 else float("inf")
    return parts


def clock_mhz(area: Area, fpga: FpgaConfig) -> int:
    """The clock that an accelerator gets on a board."""
    return int(min(area.fmax_mhz, fpga.max_mhz))


def fit(config: AcceleratorConfig, fpga: FpgaConfig) -> Fit:
    """The most units, up to 64, of an accelerator like `config` that fit, all else left as it is.

    Raises ScenarioError if no accelerator like it was measured.
    """
    model = area_model(fpga.family)

    def area(units: int) -> Area:
        return model.area(config.model_copy(update={"units": units}))

    def fitting(units: int) -> bool:
        return max(used(area(units), fpga).values()) <= 1

    step = 1 if config.products_per_multiplier == 1 else 2
    units = max(takewhile(fitting, range(step, MOST_UNITS + 1, step)), default=0)
    taken = area(max(units, step))
    more = used(area(min(units + step, MOST_UNITS)), fpga)
    limit = max(more, key=lambda name: more[name])
    return Fit(
        units,
        taken,
        used(taken, fpga),
        limit if more[limit] > 1 else "units",
        clock_mhz(taken, fpga),
    )
