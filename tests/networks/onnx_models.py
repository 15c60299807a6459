"""ONNX models for tests: nodes in short form, QDQ around them, and what onnx itself computes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper
from onnx.reference import ReferenceEvaluator

from tests.networks.graphs import model

Constants = dict[str, NDArray]
ZERO = np.array(np.int8(0))


def node(op: str, inputs: str, output: str, **attributes: Any) -> onnx.NodeProto:
    """A node; `inputs` are tensors separated by blanks, `-` for one that is left out."""
    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(op, names, [output], name=f"{op}_{output}", **attributes)


def saved(path: Path, network: onnx.ModelProto) -> Path:
    onnx.save(network, path / "network.onnx")
    return path / "network.onnx"


def evaluated(network: onnx.ModelProto, images: NDArray) -> NDArray:
    results = ReferenceEvaluator(network).run(None, {"x": images})
    assert isinstance(results, list)
    return np.asarray(results[0])


def real(*shape: int, seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def qdq(
    nodes: Sequence[onnx.NodeProto],
    constants: Constants,
    scales: Mapping[str, float],
    integers: Mapping[str, tuple[NDArray, float | Sequence[float]]],
    *,
    kind: type = np.int8,
    **options: Any,
) -> onnx.ModelProto:
    """The model of `nodes` with each tensor in `scales` quantised to `kind` of that scale.

    `integers` are constants that are dequantised by a scale, or by one an index of axis 0.
    """
    constants = {**constants, "zero": np.array(kind(0))}
    renamed: dict[str, str] = {}
    built: list[onnx.NodeProto] = []

    def round_tensor(tensor: str, source: str, target: str) -> None:
        constants[f"{tensor}_s"] = np.array(scales[tensor], dtype=np.float32)
        built.append(node("QuantizeLinear", f"{source} {tensor}_s zero", f"{tensor}_q"))
        built.append(node("DequantizeLinear", f"{tensor}_q {tensor}_s zero", target))
        renamed[tensor] = target

    for name, (array, scale) in integers.items():
        constants[name], constants[f"{name}_s"] = array, np.array(scale, dtype=np.float32)
        built.append(node("DequantizeLinear", f"{name} {name}_s", f"{name}_d", axis=0))
        renamed[name] = f"{name}_d"
    if "x" in scales:
        round_tensor("x", "x", "x_d")
    for item in nodes:
        copy = onnx.NodeProto()
        copy.CopyFrom(item)
        copy.input[:] = [renamed.get(name, name) for name in item.input]
        (output,) = item.output
        if output in scales:
            copy.output[:] = [f"{output}_r"]
        built.append(copy)
        if output in scales:
            round_tensor(output, f"{output}_r", "y" if output == "y" else f"{output}_d")
    return model(built, constants, **options)
