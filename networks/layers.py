"""All kinds of layers: `movements` keep numbers, `arithmetic` and `weighted` make new ones."""

from networks.arithmetic import Add, AveragePool, Concat, Rounded
from networks.layer import NO_PADS, Layer, Pads, Pair, Pool, Shape, elements, window_positions
from networks.movements import (
    Clip,
    Identity,
    Input,
    MaxPool,
    Pad,
    Quantise,
    Relu,
    Reshape,
    Transpose,
)
from networks.weighted import BatchNorm, BiasAdd, Compute, Conv, Gemm

__all__ = [
    "NO_PADS",
    "Add",
    "AveragePool",
    "BatchNorm",
    "BiasAdd",
    "Clip",
    "Compute",
    "Concat",
    "Conv",
    "Gemm",
    "Identity",
    "Input",
    "Layer",
    "MaxPool",
    "Pad",
    "Pads",
    "Pair",
    "Pool",
    "Quantise",
    "Relu",
    "Reshape",
    "Rounded",
    "Shape",
    "Transpose",
    "elements",
    "window_positions",
]
