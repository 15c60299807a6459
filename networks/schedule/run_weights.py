"""Weights as runs of elements: compressed with bitmaps (`bitmap`) or all of them (`dense`)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.packets import Destination
from networks.compress import CompressedWeights, compress, weight_runs
from networks.layers import Compute
from networks.schedule.balance import assign, expected_work
from networks.schedule.weights import LayerWeights, Load, Room, Tile
from networks.words import pack_words


@dataclass(frozen=True, eq=False)
class RunWeights(LayerWeights):
    """Filters as runs; `runs` is `(filters, rows, elements)` in stored order.

    `compressed` is None on `dense`, which keeps all of `runs`.
    """

    bits: int
    runs: NDArray
    compressed: CompressedWeights | None

    @classmethod
    def of(
        cls,
        layer: Compute,
        accelerator: AcceleratorConfig,
        *,
        channel_order: tuple[int, ...] | None,
        merge_rows: bool,
        balance: bool,
    ) -> "RunWeights":
        """Weights of `layer`; `channel_order` is the stored order of its input channels."""
        weights = layer.weights
        if channel_order is not None:
            weights = weights[:, list(channel_order)]
        runs = weight_runs(weights, merge_rows=merge_rows)
        units, bits = accelerator.units, accelerator.bits
        order = list(range(layer.outputs))
        if accelerator.kind == "dense":
            return cls(layer, units, tuple(order), bits, runs, None)
        if balance:
            order = assign(expected_work(compress(runs)), units)
            runs = runs[order]
        return cls(layer, units, tuple(order), bits, runs, compress(runs))

    @property
    def word_values(self) -> int:
        """Values in a 32-bit word."""
        return 32 // self.bits

    @property
    def sections(self) -> int:
        """Bitmap sections of a filter; 0 on `dense`."""
        return 0 if self.compressed is None else self.compressed.bitmaps.shape[1]

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Values kept of each filter."""
        if self.compressed is not None:
            return self.compressed.counts
        return np.full(len(self.runs), self.runs[0].size, dtype=np.int64)

    def loads(self, tile: Tile, start: Room, unit: int) -> list[Load]:
        """Bitmaps, then values."""
        values = pack_words(self.unit_values(tile, unit), self.bits)
        return [
            Load(Destination.BITMAPS, start.sections, self.unit_bitmaps(tile, unit)),
            Load(Destination.VALUES, start.words, values),
        ]

    def addresses(self, start: Room) -> dict[str, int]:
        """First value and first section."""
        return {"values": start.words * self.word_values, "bitmaps": start.sections}

    def unit_values(self, tile: Tile, unit: int) -> NDArray:
        """Values that `unit` holds of a tile, filter after filter."""
        filters = range(tile.first + unit, tile.last, self.units)
        if self.compressed is None:
            return self.runs[list(filters)].reshape(-1)
        parts = [self.compressed.filter_values(index) for index in filters]
        return np.concatenate(parts) if parts else self.compressed.values[:0]

    def unit_bitmaps(self, tile: Tile, unit: int) -> NDArray[np.uint32]:
        """Bitmap sections that `unit` holds of a tile, filter after filter; none on `dense`."""
        if self.compressed is None:
            return np.zeros(0, dtype=np.uint32)
        return self.compressed.bitmaps[tile.first + unit : tile.last : self.units].reshape(-1)
