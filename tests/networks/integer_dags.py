"""Random integer graphs with branches: every kind of layer, several readers and several inputs."""

import numpy as np
from hypothesis import strategies as st

from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import (
    Add,
    AveragePool,
    Clip,
    Compute,
    Concat,
    Gemm,
    Input,
    Layer,
    MaxPool,
    Pad,
    Pool,
    Relu,
    Reshape,
    Rounded,
    Shape,
    Transpose,
    elements,
)
from tests.networks.graphs import integer_layer

KINDS = ("conv", "conv", "conv", "depthwise", "add", "concat", "avgpool", "movement")


class Builder:
    """Layers so far, the shape and format of each result, and which are read already."""

    def __init__(self, shape: Shape, number_format: Format) -> None:
        self.layers: list[Layer] = []
        self.shapes: dict[str, Shape] = {}
        self.formats: dict[str, Format] = {}
        self.read: set[str] = set()
        self.append(Input(name="input", shape=shape, format=number_format), number_format)

    def append(self, layer: Layer, number_format: Format) -> str:
        self.layers.append(layer)
        self.shapes[layer.name] = layer.output_shape(*(self.shapes[n] for n in layer.inputs))
        self.formats[layer.name] = number_format
        self.read.update(layer.inputs)
        return layer.name

    def add(self, layer: Layer, target: Format) -> str:
        """Appends a layer after giving it the formats of its inputs."""
        sources = tuple(self.formats[name] for name in layer.inputs)
        result = target if isinstance(layer, Rounded) else sources[0]
        return self.append(layer.with_formats(sources, result), result)

    @property
    def leaves(self) -> list[str]:
        return [name for name in self.shapes if name not in self.read]


@st.composite
def integer_dags(draw: st.DrawFn, bits: int = 8) -> LayerGraph:
    """Graphs that end in a fully connected layer over the means of all branches."""
    random = np.random.default_rng(draw(st.integers(0, 1 << 32)))
    shape = (draw(st.integers(1, 6)), draw(st.integers(2, 7)), draw(st.integers(2, 7)))
    builder = Builder(shape, Format(bits, draw(st.integers(-1, 1))))
    for index in range(draw(st.integers(1, 7))):
        target = Format(bits, draw(st.integers(-1, 1)), mantissa=draw(st.sampled_from([1, 1, 1.3])))
        source = draw(st.sampled_from(sorted(builder.shapes)))
        layer = draw(_layers(builder, random, f"layer{index}", source))
        if isinstance(layer, Compute):
            builder.append(layer, layer.known_output_format)
        else:
            builder.add(layer, target)
    target = Format(bits, 0)
    vectors = []
    for leaf in builder.leaves:
        pool = Pool(builder.shapes[leaf][1:], (1, 1))
        mean = AveragePool(name=f"mean of {leaf}", inputs=(leaf,), pool=pool)
        vectors.append(builder.add(mean, target))
    joined = builder.add(Concat(name="all", inputs=tuple(vectors)), target)
    outputs, inputs = draw(st.integers(1, 9)), builder.shapes[joined][0]
    last = integer_layer(
        random, "last", joined, (outputs, inputs, 1, 1), fully_connected=True, input_format=target
    )
    assert isinstance(last, Gemm)
    builder.append(last, last.known_output_format)
    return LayerGraph(tuple(builder.layers))


@st.composite
def _layers(
    draw: st.DrawFn, builder: Builder, random: np.random.Generator, name: str, source: str
) -> Layer:
    shape, number_format = builder.shapes[source], builder.formats[source]
    kind = draw(st.sampled_from(KINDS))
    limits = {"relu": draw(st.booleans()), "limit": draw(st.sampled_from([None, None, 60.0]))}
    kernel = (draw(st.integers(1, min(3, shape[1]))), draw(st.integers(1, min(3, shape[2]))))
    inputs = (source,)
    match kind:
        case "conv" | "depthwise" if number_format.is_fixed_point:
            groups = shape[0] if kind == "depthwise" else 1
            outputs = groups * draw(st.integers(1, 2)) if groups > 1 else draw(st.integers(1, 9))
            same = draw(st.booleans())
            pads = (0, kernel[1] - 1, kernel[0] - 1, 0) if same else (0, 0, 0, 0)
            return integer_layer(
                random,
                name,
                source,
                (outputs, shape[0] // groups, *kernel),
                input_format=number_format,
                groups=groups,
                pads=pads,
                **limits,
            )
        case "add":
            others = [other for other in builder.shapes if builder.shapes[other] == shape]
            return Add(name=name, inputs=(source, draw(st.sampled_from(sorted(others)))), **limits)
        case "concat":
            others = [other for other in builder.shapes if builder.shapes[other][1:] == shape[1:]]
            more = draw(st.lists(st.sampled_from(sorted(others)), max_size=2))
            return Concat(name=name, inputs=(source, *more), **limits)
        case "avgpool":
            pads = (kernel[0] - 1, 0, 0, kernel[1] - 1)
            pool = Pool(kernel, (draw(st.integers(1, 2)), 1), pads)
            counts_pads = draw(st.booleans())
            return AveragePool(name=name, inputs=inputs, pool=pool, counts_pads=counts_pads)
    return draw(
        st.sampled_from(
            [
                Relu(name=name, inputs=inputs),
                Clip(name=name, inputs=inputs, low=-20.0, high=50.0),
                MaxPool(name=name, inputs=inputs, pool=Pool(kernel, (1, 2), (0, 0, 0, 0))),
                Pad(name=name, inputs=inputs, before=(0, 1, 0), after=(1, 0, 1), value=3.0),
                Reshape(name=name, inputs=inputs, shape=(elements(shape), 1, 1)),
                Transpose(name=name, inputs=inputs, axes=(1, 2, 0)),
            ]
        )
    )
