"""The one configuration of an accelerator, shared by RTL, compiler and driver."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

AcceleratorKind = Literal["bitmap", "list", "dense"]

STREAM_BITS = 32
"""Width of both AXI4-Stream ports and of every word of the weight memories."""

SECTION_BITS = 32
"""Elements covered by one bitmap section (Alcolea et al., IEEE TVLSI 28(9), 2020)."""

MOST_UNITS = 64
MOST_ACTIVATION_ELEMENTS = 65536
MOST_WEIGHT_WORDS = 16384
MOST_LIST_WORDS = 65536

REST_CYCLES = 4
"""Least distance of two results of a unit: max-pooling must have written the first."""


class AcceleratorConfig(BaseModel):
    """Parameters of one accelerator instance; all are fixed when the hardware is built.

    `bitmap` skips zero weights and zero activations; `dense` is its conventional rival. Depths are
    powers of two. Raises `pydantic.ValidationError` (a `ValueError`) on any value out of range.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: AcceleratorKind = "bitmap"
    bits: Literal[8, 16, 32] = 8
    """Width of a weight, two's complement, and of an activation, signed or unsigned."""
    units: int = Field(default=8, ge=1, le=MOST_UNITS)
    """Processing units, each with its own weight memories and a multiplier, or half of one."""
    activation_elements: int = Field(default=8192, ge=256, le=MOST_ACTIVATION_ELEMENTS)
    """Capacity of the shared activation memory, in elements."""
    weight_words: int = Field(default=2048, ge=16, le=MOST_WEIGHT_WORDS)
    """Depth of each unit's weight value memory, in 32-bit words."""
    bitmap_words: int = Field(default=2048, ge=16, le=65536)
    """Depth of each unit's weight bitmap memory, in sections (`bitmap` only)."""
    list_words: int = Field(default=4096, ge=16, le=MOST_LIST_WORDS)
    """Depth of each unit's weight list, in list words (`list` only)."""
    lookahead: Literal[1, 2, 4] = 2
    """Weights fetched a cycle in each unit, K (`list` only); 1 keeps zero activations."""
    products_per_multiplier: Literal[1, 2] = 1
    """Products of each hardware multiplier; 2 (`dense` of 8 bits): pairs of units share one that
    takes 25 x 9 bits, as the DSP48E1 of the 7-series does."""
    results: Literal[1, 2, 16] | None = None
    """Finished filters that can wait in each unit that walks at its own pace. By default 2 in
    `bitmap`, where windows without a match end one after the other, and 1 in `list`."""
    partial_sums: bool = False
    """Whether two units can share a filter, each with a part of its weights, whose sums the
    collector adds (`list` with a look-ahead above 1, an even number of units)."""
    bias_entries: int = Field(default=1024, ge=16, le=65536)
    """Depth of the shared bias memory, in output channels."""
    channel_scales: bool = False
    """Whether each output channel has a multiplier and a shift of its own, next to its bias."""

    @model_validator(mode="after")
    def _check(self) -> "AcceleratorConfig":
        for name in (
            "activation_elements",
            "weight_words",
            "bitmap_words",
            "list_words",
            "bias_entries",
        ):
            depth = getattr(self, name)
            if depth & (depth - 1):
                raise ValueError(f"{name} must be a power of two, not {depth}")
        if self.bias_entries < self.units:
            raise ValueError(f"bias_entries must be {self.units} (units) at least")
        if self.products_per_multiplier == 2:
            self._check_pairs()
        if self.partial_sums:
            self._check_partial_sums()
        return self

    def _check_pairs(self) -> None:
        if (self.kind, self.bits) != ("dense", 8):
            raise ValueError(
                "products_per_multiplier must be 1, or 2 in dense of 8 bits, "
                f"not 2 in {self.kind} of {self.bits}"
            )
        if self.units % 2:
            raise ValueError(f"units must be even with two products a multiplier, not {self.units}")

    def _check_partial_sums(self) -> None:
        if self.kind != "list" or self.lookahead == 1:
            own = "list with 1" if self.kind == "list" else self.kind
            raise ValueError(
                "partial_sums must be false, or true in list with a lookahead above 1, "
                f"not in {own}"
            )
        if self.units % 2:
            raise ValueError(f"units must be even with partial_sums, not {self.units}")
        if self.results == 2:
            raise ValueError("results must be 1 or 16 with partial_sums, not 2")

    @property
    def lanes(self) -> int:
        """Elements in one 32-bit word."""
        return STREAM_BITS // self.bits

    @property
    def accumulator_bits(self) -> int:
        """Width of the accumulators and biases: a full product and 8 bits of growth.

        The compiler proves for every filter that it cannot overflow (`networks.schedule`).
        """
        return 2 * self.bits + 8

    @property
    def element_address_bits(self) -> int:
        """Width of an element address in the activation memory."""
        return (self.activation_elements - 1).bit_length()

    @property
    def weight_elements(self) -> int:
        """Weight values each unit can hold."""
        return self.weight_words * self.lanes

    @property
    def bias_words(self) -> int:
        """Stream words of an entry of the bias memory: the bias, and a channel's scales if any."""
        return -(-self.accumulator_bits // STREAM_BITS) + self.channel_scales

    @property
    def independent_units(self) -> bool:
        """Whether each unit walks at a pace of its own; otherwise all walk in lockstep."""
        return self.kind == "bitmap" or (self.kind == "list" and self.lookahead > 1)
