"""A board: clocks, memory, bus, DMA, host costs and energy, as frozen, validated TOML data.

The files themselves (`cosim/boards/*.toml`) give the source of every constant.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cosim.descriptors import DESCRIPTOR_USED_BYTES
from cosim.units import ClockDomain

PositiveInt = Annotated[int, Field(ge=1)]
Cycles = Annotated[int, Field(ge=0, le=1_000_000)]
Nanoseconds = Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
Mhz = Annotated[float, Field(ge=1, le=10_000, allow_inf_nan=False)]
MbytePerS = Annotated[float, Field(ge=1, le=1e6, allow_inf_nan=False)]
Efficiency = Annotated[float, Field(gt=0, le=1)]

Family = Literal["ecp5", "xilinx"]
"""Devices whose area was measured (`cosim.areas`)."""


class Section(BaseModel):
    """A table of a board or scenario file: frozen, no unknown keys, no conversions of type."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Clocks(Section):
    """Frequencies of the three clock domains in MHz."""

    host_mhz: Mhz
    bus_mhz: Mhz
    accelerator_mhz: Mhz

    @property
    def host(self) -> ClockDomain:
        """Clock of the CPU."""
        return ClockDomain("host", self.host_mhz)

    @property
    def bus(self) -> ClockDomain:
        """Clock of interconnect and DMA."""
        return ClockDomain("bus", self.bus_mhz)

    @property
    def accelerator(self) -> ClockDomain:
        """Clock of the accelerator."""
        return ClockDomain("accelerator", self.accelerator_mhz)


class PatternEfficiency(Section):
    """Part of the DRAM's peak bandwidth that is reached; `mixed` after a change of direction."""

    read: Efficiency
    write: Efficiency
    mixed: Efficiency


class MemoryEfficiency(Section):
    """`sequential`: the request begins in the open row of its bank; `random`: it does not."""

    sequential: PatternEfficiency
    random: PatternEfficiency


class MemoryConfig(Section):
    """System memory behind its controller."""

    base_bytes: Annotated[int, Field(ge=0, lt=1 << 32)]
    size_bytes: Annotated[int, Field(ge=4096, le=1 << 29)]
    """Bytes that are simulated; the device may be larger."""
    peak_mbyte_s: MbytePerS
    port_mbyte_s: MbytePerS
    """Most that the programmable logic's port passes in one direction."""
    read_latency_ns: Nanoseconds
    write_latency_ns: Nanoseconds
    access_bytes: PositiveInt
    """Smallest amount the DRAM moves."""
    row_bytes: PositiveInt
    banks: PositiveInt
    efficiency: MemoryEfficiency


class BusConfig(Section):
    """Interconnect between masters, memory and register ports."""

    data_bits: Literal[32, 64, 128]
    max_burst_beats: Annotated[int, Field(ge=1, le=256)]
    outstanding: Annotated[int, Field(ge=1, le=64)]
    """Bursts a master may have under way in each direction."""
    arbitration: Literal["round_robin", "fixed_priority"]
    address_cycles: Annotated[int, Field(ge=1, le=64)]
    """From a granted address to the earliest data beat; one address is granted in that time."""
    response_cycles: Cycles
    """From the last write beat to its response."""
    dma_base_bytes: Annotated[int, Field(ge=0, lt=1 << 32)]
    accelerator_base_bytes: Annotated[int, Field(ge=0, lt=1 << 32)]

    @property
    def beat_bytes(self) -> int:
        """Bytes of a full data beat."""
        return self.data_bits // 8


class DmaConfig(Section):
    """Scatter-gather AXI DMA; latencies are those of a memory without wait states."""

    descriptor_fetch_cycles: Cycles
    """Write of the tail descriptor to the first descriptor's read address."""
    mm2s_read_cycles: Cycles
    """Descriptor's read address to its data's read address."""
    mm2s_beat_cycles: Cycles
    """Data's read address to the first stream beat."""
    s2mm_write_cycles: Cycles
    """First stream beat of a packet to the first write address."""
    s2mm_gap_cycles: Annotated[float, Field(ge=1, le=1000, allow_inf_nan=False)]
    """Mean cycles without a data beat between two write bursts."""
    burst_beats: Annotated[int, Field(ge=1, le=256)]
    fifo_words: Annotated[int, Field(ge=16, le=65536)]
    descriptor_queue: Annotated[int, Field(ge=1, le=64)]
    """Descriptors fetched ahead."""
    stream_depth_beats: Annotated[int, Field(ge=2, le=1024)]


class HostConfig(Section):
    """What the driver's steps cost the CPU."""

    call_ns: Nanoseconds
    """One call of the driver, whatever it does."""
    programmed_io_ns: Nanoseconds
    """Way of one uncached register access to the interconnect and back."""
    cache_line_bytes: PositiveInt
    flush_line_ns: Nanoseconds
    invalidate_line_ns: Nanoseconds
    interrupt_entry_cycles: Cycles
    isr_cycles: Cycles
    poll_interval_cycles: Cycles
    descriptor_cycles: Cycles
    """Writing or clearing the fields of one descriptor in the cache."""
    quantise_element_cycles: Cycles
    result_element_cycles: Cycles
    """Un-permuting one logit and comparing it."""
    layer_mac_cycles: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]
    layer_element_cycles: Annotated[float, Field(ge=0, le=1000, allow_inf_nan=False)]


class Constant(Section):
    """A constant that nobody measured on this board: its value, how far off it may be, and why."""

    value: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
    low: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
    high: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
    source: str

    @model_validator(mode="after")
    def _check(self) -> "Constant":
        if not self.low <= self.value <= self.high:
            raise ValueError(f"value must be from {self.low} to {self.high}, not {self.value}")
        return self


class EnergyConfig(Section):
    """Constants of the energy model (`cosim.energy`)."""

    static_w: Constant
    """What the board draws whatever it does."""
    host_busy_w: Constant
    """What a busy host draws more than one that waits."""
    dram_byte_pj: Constant
    bus_byte_pj: Constant
    mac_8_pj: Constant
    """One multiply-accumulate by width of its operands."""
    mac_16_pj: Constant
    mac_32_pj: Constant
    block_ram_cycle_pj: Constant
    """One block RAM of the accelerator in one clock cycle with a job running."""
    lut_cycle_pj: Constant
    """One look-up table, its register and its share of the clock tree, in such a cycle."""


class FpgaResources(Section):
    """What a design takes, or a device has; block RAMs of 18 Kbit."""

    lut: Annotated[int, Field(ge=0)]
    ff: Annotated[int, Field(ge=0)]
    block_ram: Annotated[int, Field(ge=0)]
    dsp: Annotated[int, Field(ge=0)]


class ConfigurationPort(Section):
    """The port through which the host loads the FPGA while the system runs."""

    bitstream_bytes: PositiveInt
    mbyte_s: MbytePerS
    """Rate that is reached, not the port's peak."""
    overhead_us: Annotated[float, Field(ge=0, le=1e9, allow_inf_nan=False)]
    """Driver, clearing of the fabric, isolation and reset, whatever the size."""


class FpgaConfig(Section):
    """The device: what it has, and what the rest of the system takes of it."""

    part: str
    family: Family
    available: FpgaResources
    reserved: FpgaResources
    """For what is beside the accelerator: DMA, interconnect, a soft host if there is one."""
    lut_fill: Efficiency
    """Part of the look-up tables and registers that can be used before routing fails."""
    max_mhz: Mhz
    """Most that clock generation and the rest of the system allow."""
    configuration: ConfigurationPort | None = None
    """None: cannot be reloaded while the system runs."""


class Board(Section):
    """Everything around the accelerator."""

    name: str
    description: str
    clocks: Clocks
    memory: MemoryConfig
    bus: BusConfig
    dma: DmaConfig
    host: HostConfig
    energy: EnergyConfig
    fpga: FpgaConfig | None = None
    """None: nothing is known of the device, so area and the energy that follows from it are not."""

    @model_validator(mode="after")
    def _check(self) -> "Board":
        if self.dma.burst_beats > self.bus.max_burst_beats:
            raise ValueError(
                f"dma.burst_beats must be at most bus.max_burst_beats "
                f"({self.bus.max_burst_beats}), not {self.dma.burst_beats}"
            )
        burst_words = self.dma.burst_beats * self.bus.beat_bytes // 4
        if burst_words > self.dma.fifo_words:
            raise ValueError(
                f"dma.fifo_words must hold a burst of {burst_words} words, "
                f"not {self.dma.fifo_words}"
            )
        descriptor_beats = DESCRIPTOR_USED_BYTES // self.bus.beat_bytes
        if self.bus.max_burst_beats < descriptor_beats:
            raise ValueError(
                f"bus.max_burst_beats must be at least {descriptor_beats}, for a DMA descriptor in "
                f"a burst, not {self.bus.max_burst_beats}"
            )
        for name in ("dma_base_bytes", "accelerator_base_bytes"):
            if getattr(self.bus, name) % 4096:
                raise ValueError(
                    f"bus.{name} must be a multiple of 0x1000, not 0x{getattr(self.bus, name):x}"
                )
        return self
