"""A residual network: a layer with two inputs runs on the accelerator too, in the one visit."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from networks import importers, reference
from tests.system.conftest import RunToJson


@pytest.mark.parametrize("accelerator", [pytest.param("bitmap", marks=pytest.mark.slow), "list"])
def test_adds_two_tensors(run_to_json: RunToJson, tmp_path: Path, accelerator: str) -> None:
    random = np.random.default_rng(3)

    def sparse(*shape: int) -> np.ndarray:
        return (random.normal(0, 0.4, shape) * (random.random(shape) < 0.5)).astype(np.float32)

    tensors = {"w1": sparse(4, 1, 3, 3), "b1": sparse(4), "w2": sparse(4, 4, 1, 1)}
    tensors |= {"b2": sparse(4), "w3": sparse(5, 64), "b3": sparse(5)}
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"]),
        helper.make_node("Relu", ["c1"], ["r1"]),
        helper.make_node("Conv", ["r1", "w2", "b2"], ["c2"]),
        helper.make_node("Add", ["c2", "r1"], ["s"]),
        helper.make_node("Relu", ["s"], ["r2"]),
        helper.make_node("Flatten", ["r2"], ["f"]),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "residual",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 6, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 5])],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    file = tmp_path / "residual.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]), file)
    images = np.maximum(random.normal(0, 0.6, (2, 1, 6, 6)), 0).astype(np.float32)
    np.savez(tmp_path / "images.npz", x=images)
    scenario = tmp_path / "residual.toml"
    scenario.write_text(
        '[network]\nsource = "residual.onnx"\n[input]\nfile = "images.npz"\nimages = 2\n'
        f'[accelerator]\nkind = "{accelerator}"\nunits = 2\n[board]\nfile = "zynq7020"\n'
    )
    report = run_to_json(scenario)
    loaded = importers.load(file, calibration=images)
    wanted = reference.run(loaded, loaded.quantise_input(images))
    assert report["outputs"] == [[int(value) for value in row] for row in wanted]
    assert {layer["runs_on"] for layer in report["layers"]} == {"accelerator"}
    (add,) = [layer for layer in report["layers"] if layer["op"] == "add"]
    assert add["cycles"] > 0
    assert add["macs_dense"] == 0, "a sum has no multiplications of its own"
    # each element of a sum is two useful products at most, 4 x 4 x 4 elements an image
    assert 0 < add["macs_useful"] <= 2 * 2 * 64
