"""Who owns the cells of a synthesised netlist: resources of a design, by part.

Rule: a cell belongs to the block whose process drives the named net at its output; a cell whose
outputs have no name goes, step by step from those that have, to the block of most cells it feeds.
That is exact for registers and memories; logic between blocks goes to one of them. So parts add up
to the whole netlist, with what remains unowned in `other`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from hdl.config import AcceleratorKind

Target = Literal["ecp5", "xilinx", "ice40"]

Path = tuple[str, ...]
"""Names of the nested blocks of an instance, outermost first."""

HARNESS = "harness"
"""The registers around the design (`hdl.measured`), in nobody's area."""

OTHER = "other"
"""Cells without an owner."""

PARTS: dict[str, str] = {
    "registered": HARNESS,
    "multiply_accumulate": "mac",
    "accumulate": "mac",
    "multipliers": "mac",
    "activation_copy": "activations",
    "shared_copy": "activations",
    "late_write": "activations",
    "drop_marks": "activations",
    "compress": "activations",
    "windows": "control",
    "control": "control",
    "collector": "collector",
    "requantise": "collector",
    "pool": "collector",
    "merge_writes": "collector",
    "list_pipeline": "lists",
    "bitmap_pipeline": "match",
    "dense_pipeline": "weights",
    "core": "control",
    "register_file": "bus",
    "loader": "bus",
    "store": "bus",
    "accelerator": "bus",
}
"""Part of a block; the innermost block named here decides."""

FETCH_PARTS: dict[AcceleratorKind, str] = {"list": "lists", "bitmap": "match", "dense": "weights"}
"""The part that fetches weights, which differs between accelerators."""


@dataclass(frozen=True)
class Resources:
    """What a netlist, or a part of it, takes."""

    lut: int = 0
    """Look-up tables, with those that carry chains and distributed RAMs are made of."""
    ff: int = 0
    block_ram: int = 0
    """RAM blocks of `BLOCK_RAM_KBIT`."""
    dsp: int = 0
    """Multiplier blocks."""

    def __add__(self, other: "Resources") -> "Resources":
        return Resources(
            self.lut + other.lut,
            self.ff + other.ff,
            self.block_ram + other.block_ram,
            self.dsp + other.dsp,
        )


BLOCK_RAM_KBIT: dict[Target, int] = {"ecp5": 18, "xilinx": 18, "ice40": 4}

DISTRIBUTED_RAM: dict[str, int] = {
    "TRELLIS_DPR16X4": 4,
    "RAM16X1D": 2,
    "RAM32X1S": 1,
    "RAM32X1D": 2,
    "RAM64X1S": 1,
    "RAM64X1D": 2,
    "RAM128X1D": 4,
    "RAM32M": 4,
    "RAM64M": 4,
}
"""Look-up tables that hold a RAM made of them."""

_CELLS: tuple[tuple[str, Resources], ...] = (
    # ECP5; a carry cell is two look-up tables, multiplexers lie behind those they select
    (r"LUT4", Resources(lut=1)),
    (r"CCU2C", Resources(lut=2)),
    (r"TRELLIS_FF", Resources(ff=1)),
    (r"DP16KD|PDPW16KD", Resources(block_ram=1)),
    (r"MULT18X18D|MULT9X9D", Resources(dsp=1)),
    # 7-series
    (r"LUT[1-6]|LUT6_2|SRL16E|SRLC32E", Resources(lut=1)),
    (r"FD[RSCP]E(_1)?", Resources(ff=1)),
    (r"RAMB18E1", Resources(block_ram=1)),
    (r"RAMB36E1", Resources(block_ram=2)),
    (r"DSP48E1", Resources(dsp=1)),
    # iCE40
    (r"SB_LUT4", Resources(lut=1)),
    (r"SB_DFF\w*", Resources(ff=1)),
    (r"SB_RAM40_4K\w*", Resources(block_ram=1)),
    (r"SB_MAC16", Resources(dsp=1)),
)


def resources_of(cell_type: str) -> Resources:
    """What one cell takes; nothing if it is not among the resources counted."""
    if cell_type in DISTRIBUTED_RAM:
        return Resources(lut=DISTRIBUTED_RAM[cell_type])
    for pattern, resources in _CELLS:
        if re.fullmatch(pattern, cell_type):
            return resources
    return Resources()


def path_of(name: str) -> Path:
    """The blocks in an instance, process or signal name of MyHDL."""
    return tuple(re.findall(r"([a-z][a-z_]*?)\d+_", name))


def part_of(path: Path) -> str:
    """The part that a block belongs to, `OTHER` if no block on the path is known."""
    for name in reversed(path):
        if name in PARTS:
            return PARTS[name]
    return OTHER


@dataclass(frozen=True)
class Driver:
    """What drives a signal."""

    path: Path
    """The block that the process or assignment was written in."""
    rank: int
    """0: a register, 1: a combinational process, 2: a plain assignment, often an alias."""


def drivers(verilog: str) -> dict[str, Driver]:
    """What drives each signal, and each process by its label, from MyHDL's Verilog."""
    found: dict[str, Driver] = {}
    process: Driver | None = None
    for line in verilog.splitlines():
        if begins := re.match(r"always @\((posedge)?.*begin: (\w+)", line):
            process = Driver(path_of(begins[2]), 0 if begins[1] else 1)
            found[begins[2]] = Driver(process.path, 2)
        elif line == "end":
            process = None
        elif assigned := re.match(r"assign (\w+)", line):
            # a plain assignment has no label: its operands name the block it was written in
            paths = [path_of(name) for name in re.findall(r"\w+", line)]
            found.setdefault(assigned[1], Driver(max(paths, key=len), 2))
        elif process is not None and (driven := re.match(r"\s+(\w+)(\[.*\])? <?= ", line)):
            found[driven[1]] = process
    return found


def _plain(name: str) -> str:
    """A net or cell name as in the Verilog: without index, bit or the names inside a process."""
    return re.split(r"[.\[]", name, maxsplit=1)[0]


class Netlist:
    """A flat netlist as Yosys writes it (JSON of one module), with an owner for each cell."""

    def __init__(self, module: dict[str, Any], drivers: dict[str, Driver]) -> None:
        self._cells: dict[str, dict[str, Any]] = module["cells"]
        self._drivers = drivers
        self._net_owners = self._named_nets(module["netnames"])
        self._readers: dict[int, list[str]] = {}
        self._writers: dict[int, str] = {}
        for cell in self._cells:
            for bit in self._pins(cell, "input"):
                self._readers.setdefault(bit, []).append(cell)
            for bit in self._pins(cell, "output"):
                self._writers[bit] = cell
        self._owners = self._find_owners()

    def _named_nets(self, names: dict[str, Any]) -> dict[int, Path]:
        found: dict[int, Driver] = {}
        for name, net in names.items():
            driver = self._drivers.get(_plain(name))
            if driver is None or net["hide_name"]:
                continue
            for bit in net["bits"]:
                if bit not in found or driver.rank < found[bit].rank:
                    found[bit] = driver
        return {bit: driver.path for bit, driver in found.items()}

    def _pins(self, cell: str, direction: str) -> Iterator[int]:
        ports = self._cells[cell]["port_directions"]
        for port, bits in self._cells[cell]["connections"].items():
            if ports[port] == direction:
                yield from (bit for bit in bits if isinstance(bit, int))

    def _own(self, cell: str) -> Path | None:
        """The owner that the cell's memory or output nets tell."""
        memory = _memory_of(cell)
        if memory in self._drivers:
            return self._drivers[memory].path
        for bit in self._pins(cell, "output"):
            path = self._net_owners.get(bit)
            if path is not None:
                return path
        return None

    def _find_owners(self) -> dict[str, Path]:
        found = {cell: path for cell in self._cells if (path := self._own(cell)) is not None}
        resolved = list(found)
        while resolved:
            reached = {driver for cell in resolved for driver in self._sources(cell)}
            resolved = []
            voted = {cell: self._vote(cell, found) for cell in sorted(reached - found.keys())}
            for cell, path in voted.items():
                if path:
                    found[cell] = path
                    resolved.append(cell)
        return found

    def _sources(self, cell: str) -> Iterator[str]:
        for bit in self._pins(cell, "input"):
            if bit in self._writers:
                yield self._writers[bit]

    def _vote(self, cell: str, found: dict[str, Path]) -> Path:
        votes = Counter(
            found[reader]
            for bit in self._pins(cell, "output")
            for reader in self._readers.get(bit, ())
            if reader in found and part_of(found[reader]) != HARNESS
        )
        return votes.most_common(1)[0][0] if votes else ()

    def owner(self, cell: str) -> Path:
        """The block that a cell belongs to; () if there is none."""
        return self._owners.get(cell, ())

    def by_block(self) -> dict[Path, Resources]:
        """Resources of each block, without the blocks inside it."""
        blocks: dict[Path, Resources] = {}
        for cell, content in self._cells.items():
            taken = resources_of(content["type"])
            if taken != Resources():
                path = self.owner(cell)
                blocks[path] = blocks.get(path, Resources()) + taken
        return blocks

    def cell_types(self) -> Counter[str]:
        """How many cells of each type there are."""
        return Counter(content["type"] for content in self._cells.values())

    def cells_of_memory(self, memory: str) -> Counter[str]:
        """Types of the RAM cells that hold a memory; none if it became registers."""
        return Counter(
            content["type"] for cell, content in self._cells.items() if _memory_of(cell) == memory
        )


def _memory_of(cell: str) -> str | None:
    found = re.fullmatch(r"(.*?)(\.\d+)+", cell)
    return found[1] if found else None
