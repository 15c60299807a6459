"""Whatever is wrong with what the user gave: one line on stderr, status 2, nothing written."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from tests.system.conftest import SCENARIOS, SCRIPTS, RunScenario, Small

LENET = SCENARIOS / "lenet300-bitmap.toml"
ONE = [LENET, "--input", "fine.npz", "--images", "1"]


@pytest.fixture(autouse=True)
def in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Relative paths of the tests are in a folder of their own, with some wrong files in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "syntax.toml").write_text("[network]\nsource = lenet300\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken.onnx").write_bytes(b"not a network")
    np.savez("wide.npz", x=np.zeros((1, 1, 28, 29)))
    np.savez("nan.npz", x=np.full((1, 1, 28, 28), np.nan))
    (tmp_path / "text.npz").write_text("no zip")
    sigmoid = helper.make_graph(
        [helper.make_node("Sigmoid", ["x"], ["y"], "squash")],
        "unsupported",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 1, 28, 28])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 1, 28, 28])],
        [],
    )
    model = helper.make_model(sigmoid, opset_imports=[helper.make_opsetid("", 13)])
    onnx.save(model, tmp_path / "sigmoid.onnx")
    np.savez("fine.npz", x=np.zeros((1, 1, 28, 28), np.uint8))
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.toml"], "none.toml: cannot be read (No such file or directory)"),
        (["syntax.toml"], "syntax.toml: not valid TOML: Invalid value (at line 2, column 10)"),
        (["folder"], "folder: cannot be read (Is a directory)"),
        ([], "Missing argument 'SCENARIO'"),
        ([LENET, "--imagse", "3"], "No such option '--imagse'"),
        ([LENET, "--images", "0"], "Invalid value for '--images': 0 is not in the range x>=1"),
        ([LENET, "--images", "many"], "Invalid value for '--images': 'many' is not a valid"),
        ([LENET, "--images", "257"], "images must be at most 256"),
        ([LENET, "--units", "0"], "accelerator.units must be greater than or equal to 1, not 0"),
        ([LENET, "--units", "400"], "accelerator.units must be less than or equal to"),
        ([LENET, "--accelerator", "gpu"], "'gpu' is not one of 'bitmap', 'list', 'dense'"),
        ([LENET, "--bits", "12"], "'12' is not one of '8', '16', '32'"),
        ([LENET, "--engine", "slow"], "'slow' is not one of 'rtl', 'compiled', 'fast', 'estimate'"),
        ([LENET, "--network", "none.onnx"], "network.source must be a file or one of lenet300"),
        ([*ONE, "--network", "broken.onnx"], "broken.onnx: file must be an ONNX model"),
        ([*ONE, "--network", "sigmoid.onnx"], "Sigmoid"),
        ([LENET, "--input", "none.npz"], "none.npz: cannot be read (No such file or directory)"),
        ([LENET, "--input", "text.npz"], "text.npz: must be an .npz file of plain arrays"),
        ([LENET, "--input", "wide.npz", "--images", "1"], "x must have shape (images, 1, 28, 28)"),
        ([LENET, "--input", "nan.npz", "--images", "1"], "x must be finite, not NaN"),
        ([LENET, "--input", "fine.npz", "--images", "2"], "images must be at most 1 "),
        ([LENET, "--set", "bus.data_bits=64"], "unknown key bus; must be one of network, input"),
        ([LENET, "--set", "board.bus.data_bit=64"], "did you mean 'data_bits'?"),
        ([LENET, "--set", "board.bus.data_bits=65"], "board.bus.data_bits must be 32, 64 or 128"),
        ([LENET, "--set", "nonsense"], "--set must be key.path=value, not 'nonsense'"),
        ([LENET, "--set", "board.memory.size_bytes=8192"], "size_bytes must be at least"),
        (
            [LENET, "--set", "accelerator.bias_entries=256"],
            "biases up to this layer must fit 256 entries",
        ),
        ([LENET, "--json", "none/out.json"], "none/out.json: directory must exist"),
        ([LENET, "--trace", "folder"], "folder: must be a file to write, not a directory"),
        ([LENET, "--json", "a", "--vcd", "a"], "must be given for one output only"),
    ],
    ids=lambda value: (
        " ".join(str(v).rpartition("/")[2] for v in value) if isinstance(value, list) else ""
    ),
)
def test_one_line_and_status_2(
    run_scenario: RunScenario, tmp_path: Path, arguments: list[object], message: str
) -> None:
    before = sorted(tmp_path.rglob("*"))
    outputs = [] if "--json" in arguments else ["--json", "out.json"]
    outcome = run_scenario(*arguments, *outputs)
    assert outcome.status == 2
    assert outcome.stdout == ""
    assert outcome.stderr.startswith("error: ")
    assert outcome.stderr.endswith("\n")
    assert outcome.stderr.count("\n") == 1
    assert message in outcome.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_a_failed_run_leaves_old_results_alone(
    run_scenario: RunScenario, small: Small, tmp_path: Path
) -> None:
    """A memory so slow that the driver gives up ends the run in its midst."""
    old = {name: tmp_path / name for name in ("out.json", "out.trace", "out.vcd")}
    for path in old.values():
        path.write_text("old")
    outcome = run_scenario(
        *(small.scenario, "--engine", "rtl", "--json", old["out.json"]),
        *("--trace", old["out.trace"]),
        *("--vcd", old["out.vcd"], "--set", "host.timeout_us=1.0"),
        *("--set", "board.memory.read_latency_ns=1e8"),
    )
    assert outcome.status == 2
    assert outcome.stderr.count("\n") == 1
    assert "host waits for" in outcome.stderr
    assert {path.read_text() for path in old.values()} == {"old"}
    assert not list(tmp_path.glob(".out*"))


def test_the_shell_sees_status_and_line() -> None:
    command = [sys.executable, str(SCRIPTS / "run_scenario.py"), "none.toml"]
    environment = {"PYTHONPATH": str(SCRIPTS.parent)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr == "error: none.toml: cannot be read (No such file or directory)\n"


def test_help_is_not_an_error(run_scenario: RunScenario) -> None:
    outcome = run_scenario("--help")
    assert outcome.status == 0
    assert outcome.stderr == ""
    assert "--lookahead" in outcome.stdout


def test_a_missing_tool_of_the_engine(
    run_scenario: RunScenario, small: Small, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "folder"))
    outcome = run_scenario(small.scenario, "--engine", "compiled", "--json", "out.json")
    message = "error: verilator must be installed for the compiled engine, but is not in PATH\n"
    assert (outcome.status, outcome.stdout, outcome.stderr) == (2, "", message)
    assert not (tmp_path / "out.json").exists()
