"""The command line as a user calls it, and a small network to call it with."""

import importlib.util
import json
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from cosim import cli

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "scripts"
SCENARIOS = SCRIPTS / "scenarios"


def load_script(name: str) -> ModuleType:
    """A script as a module: tests of wrong input need no process of their own."""
    spec = importlib.util.spec_from_file_location(name, SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class Outcome:
    status: int
    stdout: str
    stderr: str


@pytest.fixture(autouse=True, scope="session")
def _interrupts() -> None:
    """Interrupts work even where this process was started in the background, which ignores them."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


RunScenario = Callable[..., Outcome]
RunToJson = Callable[..., dict[str, Any]]


@pytest.fixture
def run_scenario(capfd: pytest.CaptureFixture[str]) -> RunScenario:
    """Runs the command line with these arguments."""
    command = load_script("run_scenario").run_scenario

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        status = cli.main(command, [str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Outcome(status, out, err)

    return run


@pytest.fixture
def run_to_json(run_scenario: RunScenario, tmp_path: Path) -> RunToJson:
    """Runs the command line, which must work, and returns its JSON."""

    def run(*arguments: object) -> dict[str, Any]:
        path = tmp_path / "run.json"
        outcome = run_scenario(*arguments, "--quiet", "--json", path)
        assert outcome == Outcome(0, "", "")
        report: dict[str, Any] = json.loads(path.read_text())
        return report

    return run


@dataclass(frozen=True)
class Small:
    """A scenario file of a network of two convolutions and a fully connected layer, on the fast
    engine."""

    scenario: Path
    network: Path
    images: NDArray[np.float32]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Small:
    """The second convolution is padded: its input lies in a frame of zeros on chip."""
    folder = tmp_path_factory.mktemp("small")
    random = np.random.default_rng(7)

    def sparse(*shape: int) -> NDArray[np.float32]:
        weights = random.normal(0, 0.4, shape) * (random.random(shape) < 0.4)
        return weights.astype(np.float32)

    tensors = {
        "w1": sparse(6, 1, 3, 3),
        "b1": sparse(6),
        "w2": sparse(5, 6, 3, 3),
        "b2": sparse(5),
        "w3": sparse(10, 45),
        "b3": sparse(10),
    }
    nodes = [
        helper.make_node("Conv", ["x", "w1", "b1"], ["c1"], "first"),
        helper.make_node("Relu", ["c1"], ["r1"], "relu1"),
        helper.make_node("MaxPool", ["r1"], ["p1"], "pool1", kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Conv", ["p1", "w2", "b2"], ["c2"], "padded", pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c2"], ["r2"], "relu2"),
        helper.make_node("Flatten", ["r2"], ["f"], "flatten"),
        helper.make_node("Gemm", ["f", "w3", "b3"], ["y"], "last", transB=1),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 8, 8])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 10])],
        [numpy_helper.from_array(array, name) for name, array in tensors.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    onnx.save(model, folder / "small.onnx")
    images = np.maximum(random.normal(0, 0.6, (5, 1, 8, 8)), 0).astype(np.float32)
    np.savez(folder / "images.npz", x=images, y=np.arange(5) % 3)
    scenario = folder / "small.toml"
    scenario.write_text(
        '[network]\nsource = "small.onnx"\n[input]\nfile = "images.npz"\nimages = 2\n'
        "[accelerator]\nunits = 2\n[board]\nfile = 'zynq7020'\n[run]\nengine = 'fast'\n"
    )
    return Small(scenario, folder / "small.onnx", images)
