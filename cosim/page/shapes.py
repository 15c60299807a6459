"""What pages need of the documents they are made of: the keys that must be there, and their types.

Other keys may be there too; values are taken from the document itself.
"""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

Category = Literal["host", "compute", "transfer", "interrupt", "idle"]
"""See `cosim.breakdown`."""


class Shape(BaseModel):
    """A table of a document, not changed by being checked."""

    model_config = ConfigDict(extra="ignore", strict=True)


class LatencyShape(Shape):
    """`latency_ns` of a run."""

    total: float
    mean: float
    min: float
    max: float


class BreakdownShape(Shape):
    """`breakdown_ns` of a run."""

    host: float
    compute: float
    transfer: float
    interrupt: float
    idle: float


class BandShape(Shape):
    """`energy_band_uj` of a run."""

    low: float
    high: float


class LayerShape(Shape):
    """A layer of a run."""

    name: str
    op: str
    runs_on: Literal["accelerator", "host"]
    cycles: float
    macs_dense: float
    macs_useful: float | None
    utilisation: float | None
    bytes_in: float
    bytes_out: float
    stall_cycles: dict[str, float]
    weights_resident: bool
    host_reason: str | None


class AreaShape(Shape):
    """`area` of a run."""

    lut: int
    ff: int
    block_ram: int
    dsp: int
    fmax_mhz: float
    source: str
    clock_source: str


class TimelineShape(Shape):
    """`timeline` of a run."""

    image: int
    duration_ns: float
    left_out: int
    spans: list[tuple[Category, str, float, float]]


class RunShape(Shape):
    """The JSON of a run (`cosim.report`)."""

    estimated: bool
    network: str
    accelerator: Literal["bitmap", "list", "dense"]
    bits: int
    units: int
    configuration: dict[str, Any]
    engine: str
    board: str
    images: int
    accuracy: float | None
    latency_ns: LatencyShape
    setup_ns: float
    breakdown_ns: BreakdownShape
    host_ns: dict[str, float]
    layers: list[LayerShape]
    energy_uj: dict[str, float]
    energy_band_uj: BandShape
    power_w: float
    accelerator_cycles: dict[str, int]
    area: AreaShape | None
    clock_mhz: float
    board_constants: dict[str, float | str | list[float]]
    wall_s: float
    timeline: TimelineShape | None = None


class RowShape(Shape):
    """A contender of a trade-off (`cosim.tradeoff`)."""

    network: str
    bits: int
    accelerator: str
    board: str
    units: int
    clock_mhz: float
    configuration: dict[str, Any]
    latency_us: float
    throughput_per_s: float
    energy_uj: float
    winner: bool
    margin: float | None
    decided_by: str | None


class MapShape(Shape):
    """A density map (`cosim.density_map`)."""

    bits: int
    board: str
    layer: str
    scope: Literal["accelerator", "system"]
    sparse: list[str]
    dense_units: int
    weight_density: list[float]
    activation_density: list[float]
    ratio: list[list[float]]
    crossover: list[tuple[float | None, float]]

    @model_validator(mode="after")
    def _check(self) -> "MapShape":
        sizes = {len(line) for line in self.ratio}
        across = len(self.activation_density)
        if len(self.ratio) != len(self.weight_density) or sizes != {across}:
            raise ValueError(f"ratio must be {len(self.weight_density)} lists of {across} numbers")
        return self


class TradeoffShape(Shape):
    """The JSON of a trade-off (`scripts/tradeoff.py`)."""

    rows: list[RowShape] = []
    density_map: list[MapShape] = []
    assumptions: list[dict[Literal["what", "value", "source"], str]] = []
