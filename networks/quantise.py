"""Quantisation of float graphs: symmetric per layer, power-of-two scales, calibrated on inputs.

A format's fraction bits are those of the smallest mean squared error on the calibration data, among
the largest that saturates nothing and the next `_CANDIDATES - 1`, which saturate outliers for finer
steps. Weights are quantised by the same rule on themselves, biases to the scale of a product. Words
of 32 bits are Q15.16 throughout: full-scale products of them would need more than 64 bits.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from networks.errors import NetworkError
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Compute, Concat, Input, Layer
from networks.reference import run_float_all

_CANDIDATES = 4
_Q15_16 = Format(32, 16)
_HEADROOM_BITS = {16: 1}
"""Spare bits of an activation, for images with larger ones than those of the calibration: of eight
bits none can be spared, of sixteen one is not missed."""
_BIAS_BITS = {16: 40, 32: 62}
"""Width of a bias by the width of an operand, 32 if not named: as wide as an accumulator, or as
64-bit integers hold."""


def choose_format(real: NDArray, bits: int, *, headroom_bits: int = 0) -> Format:
    """The signed format of `bits` with the least mean squared error on the numbers `real`.

    With `headroom_bits` it saturates nothing, nor numbers that many powers of two larger.
    """
    if bits == _Q15_16.bits:
        return _Q15_16
    peak = float(np.abs(real).max(initial=0))
    if peak == 0:
        return Format(bits, bits - 1)
    finest_unsaturated = bits - 1 - int(np.frexp(peak)[1])
    if headroom_bits:
        return Format(bits, finest_unsaturated - headroom_bits)
    candidates = [Format(bits, finest_unsaturated + more) for more in range(_CANDIDATES)]

    def squared_error(candidate: Format) -> float:
        return float(np.square(candidate.dequantise(candidate.quantise(real)) - real).mean())

    return min(candidates, key=squared_error)


def quantise(graph: LayerGraph, calibration: NDArray, *, bits: int = 8) -> LayerGraph:
    """The integer graph of a float graph.

    `calibration` holds real inputs, `(images, channels, height, width)`; a few dozen are enough.
    Zero weights stay zero. Raises NetworkError if there are no inputs, the graph is integer
    already, or a bias does not fit its word.
    """
    if graph.is_integer:
        raise NetworkError("network must be a float network, it is quantised already")
    if len(calibration) == 0:
        raise NetworkError("calibration must have at least one input, not 0")
    results = run_float_all(graph, calibration)
    formats: dict[str, Format] = {}
    layers: list[Layer] = []
    for layer in graph.layers:
        sources = tuple(formats[name] for name in layer.inputs)
        target = None
        if isinstance(layer, Input) or not layer.keeps_numbers:
            headroom_bits = _HEADROOM_BITS.get(bits, 0)
            result = results[_counted_as(graph, layer)]
            target = choose_format(result, bits, headroom_bits=headroom_bits)
        if isinstance(layer, Input):
            layers.append(replace(layer, format=target))
        elif isinstance(layer, Compute):
            assert target is not None
            layers.append(_quantise_layer(layer, sources[0], target))
        else:
            layers.append(layer.with_formats(sources, target))
        formats[layer.name] = sources[0] if target is None else target
    return LayerGraph(tuple(layers))


def _counted_as(graph: LayerGraph, layer: Layer) -> str:
    """The result whose format a layer's result gets: the concatenation's, if only one reads it.

    Then the concatenation needs no rounding of its own.
    """
    readers = graph.consumers(layer.name)
    if len(readers) == 1 and isinstance(readers[0], Concat):
        return _counted_as(graph, readers[0])
    if len(readers) == 1 and readers[0].keeps_numbers:
        counted = _counted_as(graph, readers[0])
        return layer.name if counted == readers[0].name else counted
    return layer.name


def _quantise_layer(layer: Compute, source: Format, target: Format) -> Compute:
    weight_format = choose_format(layer.weights, target.bits)
    bias, bias_format = layer.bias, None
    if bias is not None:
        bias_bits = _BIAS_BITS.get(target.bits, 32)
        bias_format = Format(bias_bits, source.frac_bits + weight_format.frac_bits)
        peak = float(np.abs(bias).max(initial=0)) * 2.0**bias_format.frac_bits
        if peak > bias_format.max:
            raise layer.error(f"bias must fit {bias_format}, not {peak:.0f}")
        bias = bias_format.quantise(bias)
    return replace(
        layer,
        weights=weight_format.quantise(layer.weights),
        bias=bias,
        input_format=source,
        weight_format=weight_format,
        bias_format=bias_format,
        output_format=target,
    )
