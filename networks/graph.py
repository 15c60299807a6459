"""The layer graph: a `networkx.DiGraph` of frozen layers, checked on construction."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import networkx as nx
import numpy as np
from numpy.typing import ArrayLike, NDArray

from networks.errors import NetworkError
from networks.formats import Format
from networks.layers import Clip, Compute, Concat, Input, Layer, Pad, Quantise, Relu, Rounded, Shape

_SCALE_TOLERANCE = 1e-5
"""Relative error of a bias scale: files hold products of scales in single precision."""


@dataclass(frozen=True, eq=False)
class LayerGraph:
    """Layers in topological order with the shape of each result.

    `digraph` has one node a layer (its name, attribute `layer`) and one edge from producer to
    consumer; it is frozen. Raises NetworkError unless names are unique, producers exist, there is
    no cycle, exactly one input and one output, all shapes fit and every layer reads the format it
    expects.
    """

    layers: tuple[Layer, ...]
    digraph: nx.DiGraph = field(init=False, repr=False)
    shapes: Mapping[str, Shape] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        digraph = _connect(self.layers)
        order = {layer.name: index for index, layer in enumerate(self.layers)}
        names = list(nx.lexicographical_topological_sort(digraph, key=order.__getitem__))
        layers = tuple(digraph.nodes[name]["layer"] for name in names)
        shapes: dict[str, Shape] = {}
        for layer in layers:
            shapes[layer.name] = layer.output_shape(*(shapes[name] for name in layer.inputs))
        object.__setattr__(self, "digraph", nx.freeze(digraph))
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "shapes", shapes)
        _check_ends(self)
        _check_formats(self)

    @property
    def input(self) -> Input:
        """The input layer."""
        first = self.layers[0]
        assert isinstance(first, Input)
        return first

    @property
    def output(self) -> Layer:
        """The layer whose result is the network's."""
        return self.layers[-1]

    @property
    def compute_layers(self) -> tuple[Compute, ...]:
        """Layers with weights, in order."""
        return tuple(layer for layer in self.layers if isinstance(layer, Compute))

    @property
    def is_integer(self) -> bool:
        """Whether input and all layers have number formats."""
        return self.input.format is not None and all(layer.is_integer for layer in self.layers)

    def quantise_input(self, real: ArrayLike) -> NDArray[np.int64]:
        """Stored integers for real inputs; raises NetworkError if the graph is not quantised."""
        if self.input.format is None:
            raise self.input.error("network must be quantised first")
        return self.input.format.quantise(real)

    def layer(self, name: str) -> Layer:
        """The layer of that name; raises KeyError."""
        found: Layer = self.digraph.nodes[name]["layer"]
        return found

    def producer(self, layer: Layer) -> Layer:
        """The layer that the layer of this name reads (first) in this graph."""
        return self.layer(self.layer(layer.name).inputs[0])

    def consumers(self, name: str) -> tuple[Layer, ...]:
        """The layers that read `name`."""
        return tuple(self.layer(consumer) for consumer in self.digraph.successors(name))

    def input_shape(self, layer: Layer) -> Shape:
        """Shape of what the layer of this name reads (first) in this graph."""
        return self.shapes[self.producer(layer).name]

    def format_of(self, name: str) -> Format | None:
        """Number format of a layer's result, None while it is a real number."""
        layer = self.layer(name)
        if isinstance(layer, Input | Quantise):
            return layer.format
        if isinstance(layer, Rounded):
            return layer.output_format
        return self.format_of(layer.inputs[0])

    def range_of(self, name: str) -> tuple[int, int]:
        """Smallest and largest stored integer that the result of `name` can hold."""
        layer, number_format = self.layer(name), self.format_of(name)
        if number_format is None:
            raise layer.error("must be quantised first")
        match layer:
            case Concat(output_format=target) if set(layer.input_formats) == {target}:
                ranges = [self.range_of(source) for source in layer.inputs]
                low, high = min(r[0] for r in ranges), max(r[1] for r in ranges)
            case Rounded():
                return layer.bounds
            case Input() | Quantise():
                return number_format.min, number_format.max
            case _:
                low, high = self.range_of(layer.inputs[0])
        match layer:
            case Relu():
                return max(low, 0), max(high, 0)
            case Clip(limits=(least, most)):
                return min(max(low, least), most), min(max(high, least), most)
            case Pad(stored_value=value):
                return min(low, value), max(high, value)
        return low, high

    def substitute(self, layer: Layer) -> "LayerGraph":
        """A new graph with the layer of the same name replaced by `layer`."""
        return LayerGraph(tuple(layer if old.name == layer.name else old for old in self.layers))

    def other_readers(self, layer: Layer) -> tuple[Layer, ...]:
        """The layers that read what the layer of this name reads (first), but for itself."""
        readers = self.consumers(self.producer(layer).name)
        return tuple(reader for reader in readers if reader.name != layer.name)

    def bypass(self, name: str, *, fused: Layer | None = None) -> "LayerGraph":
        """A new graph without layer `name`: its consumers read its producer instead.

        `fused` replaces the layer of its own name at the same time.
        """
        source = self.layer(name).inputs[0]
        layers = []
        for layer in self.layers:
            if layer.name == name:
                continue
            kept = fused if fused is not None and fused.name == layer.name else layer
            inputs = tuple(source if item == name else item for item in kept.inputs)
            layers.append(kept if inputs == kept.inputs else replace(kept, inputs=inputs))
        return LayerGraph(tuple(layers))


def _connect(layers: Iterable[Layer]) -> nx.DiGraph:
    digraph: nx.DiGraph = nx.DiGraph()
    for layer in layers:
        if layer.name in digraph:
            raise layer.error("name must be unique")
        digraph.add_node(layer.name, layer=layer)
    for layer in [digraph.nodes[name]["layer"] for name in digraph]:
        layer.check_inputs()
        for source in layer.inputs:
            if source not in digraph:
                raise layer.error(f"must read a layer of the graph, not '{source}'")
            digraph.add_edge(source, layer.name)
    if not nx.is_directed_acyclic_graph(digraph):
        raise NetworkError(f"layers must not form a cycle: {nx.find_cycle(digraph)}")
    return digraph


def _check_ends(graph: LayerGraph) -> None:
    inputs = [layer.name for layer in graph.layers if isinstance(layer, Input)]
    outputs = [name for name, degree in graph.digraph.out_degree() if degree == 0]
    if len(inputs) != 1 or len(outputs) != 1:
        raise NetworkError(
            f"network must have one input and one output, not {inputs} and {outputs}"
        )


def _check_formats(graph: LayerGraph) -> None:
    for layer in graph.layers:
        given = tuple(graph.format_of(name) for name in layer.inputs)
        expected = layer.source_formats
        if expected is not None and given != expected:
            name = "input format" if len(expected) == 1 else "input formats"
            raise layer.error(f"{name} must be {_listed(expected)}, not {_listed(given)}")
        if isinstance(layer, Compute) and layer.input_format and layer.weight_format:
            _check_bias(layer)


def _listed(formats: Sequence[Format | None]) -> str:
    return ", ".join(str(item) for item in formats)


def _check_bias(layer: Compute) -> None:
    if layer.bias is None or layer.bias_format is None:
        return
    scales = np.full(layer.outputs, layer.bias_format.scale)
    if layer.bias_scales is not None:
        scales = scales * layer.bias_scales
    wrong = np.abs(scales / layer.product_scales - 1) > _SCALE_TOLERANCE
    if np.any(wrong):
        expected, given = layer.product_scales[wrong][0], scales[wrong][0]
        raise layer.error(
            f"bias scale must be {_power(expected)} (input scale times weight scale), "
            f"not {_power(given)}"
        )


def _power(scale: float) -> str:
    mantissa, exponent = np.frexp(scale)
    return f"2^{exponent - 1}" if mantissa == 0.5 else f"{scale:.6g}"
