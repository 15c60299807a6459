"""One layer as operations of the accelerator, or why the host must execute it."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import (
    NO_PADS,
    Add,
    AveragePool,
    Clip,
    Compute,
    Concat,
    Layer,
    MaxPool,
    Pool,
    Relu,
)
from networks.rescale import Factor
from networks.schedule.exact_weights import exact_weights, stored_factor
from networks.schedule.mean_weights import mean_weight
from networks.schedule.operation import Operation, accumulator_bits
from networks.schedule.registers import unfit_loops

ONE = Factor(1, 0)


class LayerLowering:
    """The layer at `index` of `graph.layers[1:]`, for one accelerator."""

    def __init__(
        self, graph: LayerGraph, accelerator: AcceleratorConfig, index: int, layer: Layer
    ) -> None:
        self.graph, self.accelerator, self.index, self.layer = graph, accelerator, index, layer
        self.shapes = [graph.shapes[name] for name in layer.inputs]
        self.formats = [graph.format_of(name) for name in layer.inputs]

    def run(self) -> tuple[Operation, ...] | str:
        """Its operations, or why there are none.

        Raises NetworkError if sums of a layer with weights could overflow the accumulators.
        """
        layer = self.layer
        lowered: Operation | tuple[Operation, ...] | str
        match layer:
            case Compute():
                lowered = self._compute(layer)
            case MaxPool():
                lowered = self._max_pool(layer)
            case AveragePool():
                lowered = self._average_pool(layer)
            case Add():
                lowered = self._add(layer)
            case Concat():
                lowered = self._concat(layer)
            case Relu():
                limits = 0, self._target.max
                lowered = self._moved(limits)
            case Clip(limits=limits):
                lowered = self._moved(limits)
            case _:
                return f"{layer.op} alone is not an accelerator job"
        if isinstance(lowered, str):
            return lowered
        operations = lowered if isinstance(lowered, tuple) else (lowered,)
        for operation in operations:
            reason = self._unfit(operation)
            if reason is not None:
                return reason
        return operations

    @property
    def _target(self) -> Format:
        target = self.graph.format_of(self.layer.name)
        assert target is not None
        return target

    def _unfit(self, operation: Operation) -> str | None:
        bits = self.accelerator.bits
        formats = {item for item in (*self.formats, self._target) if item is not None}
        for item in sorted(formats, key=str):
            if item.bits != bits:
                return f"numbers must have {bits} bits, not {item}"
        if len({item.signed for item in self.formats if item is not None}) > 1:
            return "inputs must be all signed or all unsigned"
        ranges = [self.graph.range_of(name) for name in operation.sources]
        input_range = min(low for low, _ in ranges), max(high for _, high in ranges)
        width = accumulator_bits(operation, input_range)
        if width > self.accelerator.accumulator_bits:
            message = (
                f"accumulators must fit {self.accelerator.accumulator_bits} bits, "
                f"the worst case is {width}"
            )
            if isinstance(self.layer, Compute):
                raise self.layer.error(message)
            return message
        return unfit_loops(operation)

    def _compute(self, layer: Compute) -> Operation | str:
        weight_format = layer.weight_format
        assert weight_format is not None
        if weight_format.bits != self.accelerator.bits or not weight_format.signed:
            return f"weights must be int{self.accelerator.bits}, not {weight_format}"
        if layer.pool is not None and layer.pool.pads != NO_PADS:
            return f"pads of max-pooling must be 0, not {layer.pool.pads}"
        factors = [stored_factor(factor, self.accelerator) for factor in layer.factors]
        held = tuple(factor for factor in factors if factor is not None)
        if not self.accelerator.channel_scales and len({*layer.factors}) > 1:
            return "scales must be the same for all channels"
        if len(held) < len(factors):
            worst = layer.factors[factors.index(None)]
            return f"factor of a sum must fit, not {worst.multiplier} * 2^{-worst.shift}"
        bias = np.zeros(layer.outputs, dtype=np.int64) if layer.bias is None else layer.bias
        return self._operation(
            layer.weights,
            bias=bias,
            factors=held,
            low=layer.bounds[0],
            high=layer.bounds[1],
            strides=layer.strides,
            pads=layer.pads,
            dilations=layer.dilations,
            groups=layer.groups,
            pool=layer.pool,
        )

    def _max_pool(self, layer: MaxPool) -> Operation | str:
        pads = layer.pool.pads
        if pads != NO_PADS and self.graph.range_of(layer.inputs[0])[0] < 0:
            return f"pads of max-pooling of negative numbers must be 0, not {pads}"
        pool = replace(layer.pool, pads=NO_PADS)
        return self._moved((self._target.min, self._target.max), pads=pads, pool=pool)

    def _average_pool(self, layer: AveragePool) -> Operation | str:
        pool = layer.pool
        if pool.pads != NO_PADS and not layer.counts_pads:
            return f"pads that do not count must be 0, not {pool.pads}"
        (factor,) = layer.input_factors()
        limits = self.graph.range_of(layer.inputs[0])
        elements = pool.kernel[0] * pool.kernel[1]
        found = mean_weight(factor, elements, limits, self.accelerator)
        if isinstance(found, str):
            return found
        kernel = np.full(pool.kernel, found[0], dtype=np.int64)
        return self._per_channel(
            kernel, found[1], layer.bounds, pads=pool.pads, strides=pool.strides
        )

    def _add(self, layer: Add) -> Operation | str:
        found = exact_weights(layer.input_factors(), self.accelerator)
        if found is None:
            return "weights with the ratio of the scales must fit an operand"
        kernel = np.array(found[0], dtype=np.int64)[:, None]
        return self._per_channel(kernel, found[1], layer.bounds, sources=layer.inputs)

    def _concat(self, layer: Concat) -> tuple[Operation, ...] | str:
        copies = []
        first_channel = 0
        for position, factor in enumerate(layer.input_factors()):
            found = exact_weights([factor], self.accelerator)
            if found is None:
                return f"factor of a copy must fit, not {factor.multiplier} * 2^{-factor.shift}"
            kernel = np.array([found[0]], dtype=np.int64)
            shape = self.shapes[position]
            copies.append(
                self._per_channel(
                    kernel,
                    found[1],
                    layer.bounds,
                    sources=(layer.inputs[position],),
                    first_channel=first_channel,
                    input_shape=shape,
                    output_shape=shape,
                )
            )
            first_channel += shape[0]
        return tuple(copies)

    def _moved(self, limits: tuple[int, int], **fields: Any) -> Operation:
        """A copy of the input, limited."""
        return self._per_channel(np.ones((1, 1), dtype=np.int64), ONE, limits, **fields)

    def _per_channel(
        self, kernel: NDArray, factor: Factor, limits: tuple[int, int], **fields: Any
    ) -> Operation:
        """The same kernel for each channel on its own."""
        channels = fields.get("input_shape", self.shapes[0])[0]
        return self._operation(
            np.broadcast_to(kernel, (channels, 1, *kernel.shape)),
            bias=np.zeros(channels, dtype=np.int64),
            factors=(factor,) * channels,
            low=limits[0],
            high=limits[1],
            groups=channels,
            **fields,
        )

    def _operation(self, weights: NDArray, **fields: Any) -> Operation:
        source = self.formats[0]
        assert source is not None
        values: dict[str, Any] = {
            "sources": self.layer.inputs,
            "target": self.layer.name,
            "input_shape": self.shapes[0],
            "output_shape": self.graph.shapes[self.layer.name],
            "unsigned_input": not source.signed,
            "unsigned_output": not self._target.signed,
        }
        values |= fields
        values["pool"] = values.get("pool") or Pool((1, 1), (1, 1))
        return Operation(layer=self.layer, index=self.index, weights=weights, **values)
