"""A tiny network of one layer, and sweeps of it that take milliseconds a point."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from cosim.sweep.plan import Plan, load_plan

WritePlan = Callable[..., Plan]
WriteSweep = Callable[[str], Path]

UNITS = '[[axes]]\nkey = "accelerator.units"\nvalues = [1, 2, 4]\n'
LATENCIES = '[[axes]]\nkey = "board.memory.read_latency_ns"\nlow = 100.0\nhigh = 200.0\nsteps = 4\n'


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    """A scenario file and the two files it names."""
    random = np.random.default_rng(3)
    weights = (random.normal(0, 0.5, (6, 16)) * (random.random((6, 16)) < 0.5)).astype(np.float32)
    graph = helper.make_graph(
        [
            helper.make_node("Flatten", ["x"], ["f"], "flatten"),
            helper.make_node("Gemm", ["f", "w", "b"], ["y"], "only", transB=1),
        ],
        "tiny",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 4, 4])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 6])],
        [
            numpy_helper.from_array(weights, "w"),
            numpy_helper.from_array(np.zeros(6, np.float32), "b"),
        ],
    )
    onnx.save(
        helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)]),
        tmp_path / "tiny.onnx",
    )
    np.savez(tmp_path / "images.npz", x=random.random((3, 1, 4, 4)).astype(np.float32))
    file = tmp_path / "tiny.toml"
    file.write_text(
        '[network]\nsource = "tiny.onnx"\n[input]\nfile = "images.npz"\n[run]\nengine = "fast"\n'
    )
    return file


@pytest.fixture
def write_sweep(scenario: Path) -> WriteSweep:
    """Writes a sweep file of the tiny scenario with these axes and other keys."""

    def write(text: str) -> Path:
        file = scenario.parent / "sweep.toml"
        file.write_text(f'scenario = "tiny.toml"\n{text}')
        return file

    return write


@pytest.fixture
def write_plan(write_sweep: WriteSweep) -> WritePlan:
    """The plan of such a sweep."""
    return lambda text, *settings: load_plan(write_sweep(text), settings)
