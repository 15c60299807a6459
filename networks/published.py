"""Published networks as tables: shapes of layers, and densities after pruning.

Densities are those of Han, Pool, Tran and Dally, "Learning both weights and connections for
efficient neural networks", NIPS 2015 (arXiv 1506.02626), tables 2 to 5: share of weights that are
left, and of each layer's results that are not zero. A layer's input is the result before it; the
first reads images, dense here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from networks.errors import NetworkError
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Conv, Gemm, Input, Layer, Pool, Shape
from networks.statistics import Densities, NetworkStatistics, assume_statistics


@dataclass(frozen=True)
class TableLayer:
    """One layer; `kernel` 0: fully connected. `pool`: kernel and stride of max-pooling behind it.

    `weights` and `results`: densities, 0 to 1, of its weights and of what it gives.
    """

    name: str
    outputs: int
    kernel: int
    weights: float
    results: float
    stride: int = 1
    pad: int = 0
    groups: int = 1
    pool: tuple[int, int] | None = None


@dataclass(frozen=True)
class Table:
    """A network: the shape of its input, and its layers in order, each reading the one before."""

    name: str
    shape: Shape
    layers: tuple[TableLayer, ...]


def _same(
    name: str, outputs: int, weights: float, results: float, *, pool: bool = False
) -> TableLayer:
    """A convolution of VGG: 3x3, padding 1."""
    return TableLayer(name, outputs, 3, weights, results, pad=1, pool=(2, 2) if pool else None)


TABLES: Mapping[str, Table] = {
    "alexnet": Table(
        "alexnet",
        (3, 227, 227),
        (
            TableLayer("conv1", 96, 11, 0.84, 0.88, stride=4, pool=(3, 2)),
            TableLayer("conv2", 256, 5, 0.38, 0.52, pad=2, groups=2, pool=(3, 2)),
            TableLayer("conv3", 384, 3, 0.35, 0.37, pad=1),
            TableLayer("conv4", 384, 3, 0.37, 0.40, pad=1, groups=2),
            TableLayer("conv5", 256, 3, 0.37, 0.34, pad=1, groups=2, pool=(3, 2)),
            TableLayer("fc1", 4096, 0, 0.09, 0.36),
            TableLayer("fc2", 4096, 0, 0.09, 0.40),
            TableLayer("fc3", 1000, 0, 0.25, 1.0),
        ),
    ),
    "vgg16": Table(
        "vgg16",
        (3, 224, 224),
        (
            _same("conv1_1", 64, 0.58, 0.53),
            _same("conv1_2", 64, 0.22, 0.89, pool=True),
            _same("conv2_1", 128, 0.34, 0.80),
            _same("conv2_2", 128, 0.36, 0.81, pool=True),
            _same("conv3_1", 256, 0.53, 0.68),
            _same("conv3_2", 256, 0.24, 0.70),
            _same("conv3_3", 256, 0.42, 0.64, pool=True),
            _same("conv4_1", 512, 0.32, 0.51),
            _same("conv4_2", 512, 0.27, 0.45),
            _same("conv4_3", 512, 0.34, 0.34, pool=True),
            _same("conv5_1", 512, 0.35, 0.32),
            _same("conv5_2", 512, 0.29, 0.29),
            _same("conv5_3", 512, 0.36, 0.19, pool=True),
            TableLayer("fc6", 4096, 0, 0.04, 0.38),
            TableLayer("fc7", 4096, 0, 0.04, 0.42),
            TableLayer("fc8", 1000, 0, 0.23, 1.0),
        ),
    ),
}


def names() -> tuple[str, ...]:
    """Names of all tables."""
    return tuple(TABLES)


def table(name: str) -> Table:
    """The table of that name; raises NetworkError if there is none."""
    if name not in TABLES:
        raise NetworkError(f"published network must be one of {', '.join(TABLES)}, not '{name}'")
    return TABLES[name]


@lru_cache(maxsize=8)
def shape_graph(name: str, bits: int = 8) -> LayerGraph:
    """A table's layers with weights of zeros that take no memory: only shapes count."""
    number_format = Format(bits, bits // 2)
    network = table(name)
    layers: list[Layer] = [Input(name="input", shape=network.shape, format=number_format)]
    shape = network.shape
    for item in network.layers:
        layers.append(_layer(item, layers[-1].name, shape, number_format))
        shape = layers[-1].output_shape(shape)
    return LayerGraph(tuple(layers))


def _layer(item: TableLayer, source: str, shape: Shape, number_format: Format) -> Layer:
    # A fully connected layer over a map is a convolution whose kernel is the map.
    kernel = (item.kernel, item.kernel) if item.kernel else shape[1:]
    kind = Gemm if kernel == (1, 1) else Conv
    size = (item.outputs, shape[0] // item.groups, *kernel)
    return kind(
        name=item.name,
        inputs=(source,),
        weights=np.broadcast_to(np.zeros((), np.int64), size),
        strides=(item.stride, item.stride),
        pads=(item.pad,) * 4,
        groups=item.groups,
        pool=Pool((item.pool[0],) * 2, (item.pool[1],) * 2) if item.pool else None,
        input_format=number_format,
        weight_format=number_format,
        output_format=number_format,
    )


def densities(name: str) -> dict[str, Densities]:
    """Densities of each layer's weights and inputs."""
    found = {}
    before = 1.0
    for item in table(name).layers:
        found[item.name] = Densities(item.weights, before)
        before = item.results
    return found


@lru_cache(maxsize=8)
def published_statistics(
    name: str, bits: int = 8, graph: LayerGraph | None = None
) -> NetworkStatistics:
    """Statistics of a published network: densities are all that is known.

    `graph`: its `shape_graph` with pooling apart, if that is needed.
    """
    known = dict(densities(name))
    graph = graph or shape_graph(name, bits)
    for layer in graph.layers:
        # What a layer gives before pooling is as dense as what it gives after it.
        if layer.origin in known:
            known[layer.name] = known[layer.origin]
    return assume_statistics(name, graph, bits, known)
