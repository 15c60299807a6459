"""Area and clock of an accelerator, and of its core: emit, synthesise, place and route, report.

Results of the tools are kept in a folder named by a hash of all they depend on: the emitted HDL,
the synthesis script and the versions of the tools. Reports are made from them each time.
"""

import hashlib
import importlib.metadata
import os
import re
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from hdl import place_and_route, yosys
from hdl.area import (
    BLOCK_RAM_KBIT,
    FETCH_PARTS,
    HARNESS,
    Netlist,
    Resources,
    Target,
    drivers,
    part_of,
)
from hdl.config import AcceleratorConfig
from hdl.convert import convert_apart
from hdl.lists import ListLayout
from hdl.measured import TOP_NAME, Scope
from hdl.place_and_route import Placement
from hdl.tools import SynthesisError, tool_version
from hdl.yosys import Memory

TARGETS: tuple[Target, ...] = get_args(Target)
SCOPES: tuple[Scope, ...] = get_args(Scope)
CACHE = Path("build") / "synthesis"

UNIT_WEIGHT_BITS = 16384
"""Weight memory of each unit when accelerators are compared: one block RAM of an ECP5."""

SMALL_MEMORY_BITS = 2048
"""Memories up to this size may be registers or distributed RAM."""

Progress = Callable[[str], None]


def comparison_memories(
    kind: str, bits: int, lookahead: int, **given: int | None
) -> dict[str, int]:
    """Memory sizes to compare accelerators with; `given` ones that are not None stay.

    The same activations and biases, and in each unit no more weight memory than
    `UNIT_WEIGHT_BITS`: values alone (dense), values and bitmaps half each (bitmap), list words.
    """
    sizes = {"activation_elements": 4096, "bias_entries": 512}
    words = UNIT_WEIGHT_BITS // 32
    if kind == "list":
        element_bits = (given.get("activation_elements") or 4096) - 1
        layout = ListLayout(lookahead, bits, element_bits.bit_length())
        sizes["list_words"] = 1 << ((UNIT_WEIGHT_BITS // layout.width).bit_length() - 1)
    elif kind == "bitmap":
        sizes |= {"weight_words": words // 2, "bitmap_words": words // 2}
    else:
        sizes["weight_words"] = words
    return sizes | {name: size for name, size in given.items() if size is not None}


@dataclass(frozen=True)
class Design:
    """What the tools found out about one top."""

    scope: Scope
    target: Target
    hash: str
    """Of the emitted HDL, the script and the versions: the name of the folder of results."""
    by_block: dict[str, Resources]
    """Without blocks inside them; from the netlist."""
    by_part: dict[str, Resources]
    harness: Resources
    memories: tuple[Memory, ...]
    warnings: tuple[str, ...]
    placements: dict[int, Placement]
    """By seed; empty without place and route."""

    @property
    def netlist(self) -> Resources:
        """Everything but the harness, as Yosys counts it."""
        return sum(self.by_part.values(), Resources())

    @property
    def best(self) -> Placement | None:
        """The placement with the highest clock."""
        return max(self.placements.values(), key=lambda item: item.fmax_mhz, default=None)

    @property
    def resources(self) -> Resources:
        """After place and route if there was one: as packed, without the harness."""
        best = self.best
        if best is None:
            return self.netlist
        return Resources(best.lut, best.ff - self.harness.ff, best.block_ram, best.dsp)

    @property
    def misplaced(self) -> tuple[Memory, ...]:
        """Memories that are larger than `SMALL_MEMORY_BITS` and not in block RAM."""
        return tuple(
            memory
            for memory in self.memories
            if memory.place != "block_ram" and memory.words * memory.bits > SMALL_MEMORY_BITS
        )

    def report(self) -> dict[str, Any]:
        """The figures as JSON takes them."""
        best = self.best
        return {
            "scope": self.scope,
            "hash": self.hash,
            **asdict(self.resources),
            "block_ram_kbit": BLOCK_RAM_KBIT[self.target],
            "fmax_mhz": best.fmax_mhz if best else None,
            "fmax_mhz_by_seed": {
                str(seed): item.fmax_mhz for seed, item in self.placements.items()
            },
            "critical_path": asdict(best.critical_path) if best else None,
            "ram_write_slices": best.ram_write_slices if best else None,
            "lut_yosys": self.netlist.lut,
            "parts": {name: asdict(taken) for name, taken in self.by_part.items()},
            "blocks": {name: asdict(taken) for name, taken in self.by_block.items()},
            "memories": _summary(self.memories),
            "memories_outside_block_ram": [memory.name for memory in self.misplaced],
            "warnings": list(self.warnings),
        }


def tool_versions(target: Target, seeds: tuple[int, ...]) -> dict[str, str]:
    """Versions of the tools that take part; raises SynthesisError if one is missing."""
    versions = {
        "myhdl": importlib.metadata.version("myhdl"),
        yosys.DISTRIBUTION: tool_version(yosys.DISTRIBUTION),
    }
    if seeds:
        if target != "ecp5":
            raise SynthesisError(f"target must be ecp5 to place and route, not {target}")
        name = place_and_route.DISTRIBUTION
        versions[name] = tool_version(name)
    return versions


def measure(
    config: AcceleratorConfig,
    scope: Scope,
    target: Target,
    *,
    seeds: tuple[int, ...] = (),
    cache: Path = CACHE,
    progress: Progress = lambda step: None,
) -> Design:
    """Synthesises a top and places and routes it once a seed, or takes what `cache` has.

    `progress` is told each step that takes long. Raises SynthesisError if a tool fails or is
    missing, OSError if `cache` cannot be written.
    """
    versions = tool_versions(target, seeds)
    progress(f"{scope}: emit")
    verilog = _emit(config, scope)
    depends = (yosys.script(target), versions[yosys.DISTRIBUTION], verilog)
    digest = hashlib.sha256("\0".join(depends).encode()).hexdigest()[:16]
    folder = (cache / digest).resolve()
    if not folder.is_dir():
        progress(f"{scope}: synthesise for {target}")
        _synthesise(verilog, target, folder)
    placements = {}
    for seed in seeds:
        report = folder / _report_name(seed, versions[place_and_route.DISTRIBUTION])
        if not report.is_file():
            progress(f"{scope}: place and route, seed {seed}")
            _place_and_route(folder, seed, report)
        placements[seed] = place_and_route.read_report(report)
    return _design(config, scope, target, folder, placements)


def synthesise(
    config: AcceleratorConfig,
    target: Target,
    *,
    scopes: tuple[Scope, ...] = SCOPES,
    seeds: tuple[int, ...] = (),
    cache: Path = CACHE,
    progress: Progress = lambda step: None,
) -> dict[str, Any]:
    """The report of an accelerator: its figures, and under `core` those without the bus front end.

    With the core alone in `scopes` the figures are the core's. See `measure` for the rest.
    """
    designs = {
        scope: measure(config, scope, target, seeds=seeds, cache=cache, progress=progress)
        for scope in scopes
    }
    report = {
        "target": target,
        "configuration": config.model_dump(),
        "tools": tool_versions(target, seeds),
        **designs[scopes[0]].report(),
    }
    if "core" in designs:
        report["core"] = designs["core"].report()
    return report


def _emit(config: AcceleratorConfig, scope: Scope) -> str:
    with tempfile.TemporaryDirectory() as directory:
        try:
            file = convert_apart("hdl.measured", [scope, directory], config).strip()
        except RuntimeError as error:
            raise SynthesisError(f"conversion failed: {str(error).splitlines()[-1]}") from error
        return Path(file).read_text()


def _synthesise(verilog: str, target: Target, folder: Path) -> None:
    """Fills `folder` at once, so that another run never finds half of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".run-") as directory:
        work = Path(directory) / "work"
        work.mkdir()
        (work / f"{TOP_NAME}.v").write_text(verilog)
        yosys.run_yosys(target, work)
        try:
            os.rename(work, folder)
        except OSError:
            if not folder.is_dir():  # else another run was first
                raise


def _report_name(seed: int, version: str) -> str:
    options = hashlib.sha256(" ".join(place_and_route.OPTIONS).encode()).hexdigest()[:8]
    return f"nextpnr-{version}-{options}-{seed}.json"


def _place_and_route(folder: Path, seed: int, report: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder, prefix=".run-") as directory:
        work = Path(directory)
        shutil.copy(folder / "netlist.json", work)
        place_and_route.run_nextpnr(work, seed, work / report.name)
        os.replace(work / report.name, report)


def _design(
    config: AcceleratorConfig,
    scope: Scope,
    target: Target,
    folder: Path,
    placements: dict[int, Placement],
) -> Design:
    netlist = Netlist(yosys.load(folder), drivers((folder / f"{TOP_NAME}.v").read_text()))
    fetch = FETCH_PARTS[config.kind]
    by_part = dict.fromkeys(
        (fetch, "activations", "mac", "collector", "control", "bus"), Resources()
    )
    if scope == "core":
        del by_part["bus"]
    by_block: dict[str, Resources] = {}
    harness = Resources()
    for path, taken in netlist.by_block().items():
        part = part_of(path)
        if part == HARNESS:
            harness += taken
            continue
        by_part[part] = by_part.get(part, Resources()) + taken
        block = path[-1] if path else part
        by_block[block] = by_block.get(block, Resources()) + taken
    return Design(
        scope=scope,
        target=target,
        hash=folder.name,
        by_block=dict(sorted(by_block.items())),
        by_part=by_part,
        harness=harness,
        memories=tuple(yosys.memories_in(folder, netlist)),
        warnings=tuple(yosys.warnings_in(folder)),
        placements=placements,
    )


def _summary(memories: tuple[Memory, ...]) -> list[dict[str, Any]]:
    """Memories that differ only in the number of their unit, counted."""
    counts: dict[Memory, int] = {}
    for memory in memories:
        name = re.sub(r"\d+", "", memory.name)
        same = Memory(name, memory.words, memory.bits, memory.place, memory.cells)
        counts[same] = counts.get(same, 0) + 1
    return [{**asdict(memory), "count": count} for memory, count in counts.items()]
