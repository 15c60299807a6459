"""A Verilog wrapper of the accelerator with the attributes by which Vivado knows its interfaces.

The wrapper leaves the monitor open. It is Verilog whatever the design is in: Vivado takes no
VHDL-2008 file as the top of an RTL module, and reads the attributes of a VHDL port in the
architecture only, where VHDL does not allow them (IEEE 1076-2008 7.2). The attributes are those of
UG994, "Inferring Control Signals in a RTL Module" and "List of Supported X_ Attributes".
"""

from collections.abc import Sequence

from hdl.port_recorder import Port

_STREAM = "xilinx.com:interface:axis:1.0"
_INTERFACES = {
    "s_axi": "xilinx.com:interface:aximm:1.0",
    "s_axis": _STREAM,
    "m_axis": _STREAM,
}
_CONTROL = {
    "aclk": (
        "xilinx.com:signal:clock:1.0 aclk CLK",
        f"ASSOCIATED_BUSIF {':'.join(_INTERFACES)}, ASSOCIATED_RESET aresetn",
    ),
    "aresetn": ("xilinx.com:signal:reset:1.0 aresetn RST", "POLARITY ACTIVE_LOW"),
    "interrupt": ("xilinx.com:signal:interrupt:1.0 interrupt INTERRUPT", "SENSITIVITY LEVEL_HIGH"),
}


def port_attributes(name: str) -> dict[str, str] | None:
    """Vivado's attributes of a port of the accelerator, None if it belongs to no interface."""
    if name in _CONTROL:
        info, parameter = _CONTROL[name]
        return {"X_INTERFACE_INFO": info, "X_INTERFACE_PARAMETER": parameter}
    interface, _, signal = name.rpartition("_")
    if interface in _INTERFACES:
        return {"X_INTERFACE_INFO": f"{_INTERFACES[interface]} {interface} {signal.upper()}"}
    return None


def render_wrapper(top: str, ports: Sequence[Port]) -> str:
    """Source of the module `<top>_vivado`; ports without an interface are not connected."""
    declarations, connections = [], []
    for port in ports:
        attributes = port_attributes(port.name)
        if attributes is None:
            connections.append(f"        .{port.name}()")
            continue
        joined = ", ".join(f'{name} = "{value}"' for name, value in attributes.items())
        width = "" if port.single else f"[{port.width_bits - 1}:0] "
        direction = "output" if port.is_output else "input"
        declarations.append(f"    (* {joined} *)\n    {direction} wire {width}{port.name}")
        connections.append(f"        .{port.name}({port.name})")
    return "\n".join(
        [
            "// Generated: for Vivado's block designs, the accelerator with its interfaces named.",
            "`timescale 1ns / 1ps",
            "",
            f"module {top}_vivado (",
            ",\n".join(declarations),
            ");",
            f"    {top} inner (",
            ",\n".join(connections),
            "    );",
            "endmodule",
            "",
        ]
    )
