"""The parts of the study that take time, each kept as a file: an interrupted study goes on.

A part is made again when the code has changed (`cosim.sweep.keys.code_version`).
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cosim.campaign import Phase, reload_document
from cosim.density_map import LAYERS, density_map
from cosim.designs import Variant
from cosim.estimate.errors import error_scenario, estimate_error
from cosim.evaluate import simulate
from cosim.parallel import in_processes
from cosim.scenario import load_board, load_scenario
from cosim.sweep.keys import code_version
from cosim.tradeoff import compete

NETWORKS = ("lenet300", "lenet5", "fire2-expand3x3")
BOARDS = ("zynq7020", "ecp5-25", "ecp5-45", "ecp5-85", "xc7s6")
WIDTHS = (8, 16, 32)
MAP_BOARDS = ("ecp5-45", "zynq7020")
DENSITIES = (0.02, 0.04, 0.08, 0.15, 0.25, 0.35, 0.5, 0.7, 1.0)
RIVALRIES = ("published", "list")
"""Which sparse organisation is set against dense: the paper's, or ours."""

PHASES = (Phase("lenet300", 1000), Phase("lenet5", 1000), Phase("fire2-expand3x3", 100))
"""What follows each other where the FPGA can be reloaded."""

ERROR_UNITS = (1, 8)
ACCELERATORS = (("dense", 1), ("list", 1), ("list", 2), ("bitmap", 1))


@dataclass(frozen=True)
class Part:
    """One part: what is computed, by the name of its function and its arguments."""

    kind: str
    arguments: tuple[Any, ...]

    @property
    def file(self) -> str:
        """Name of the part's file."""
        return "-".join([self.kind, *(str(item) for item in self.arguments)]) + ".json"


def parts() -> list[Part]:
    """All parts of the study."""
    found = [
        Part("winners", (network, bits, board))
        for network in NETWORKS
        for bits in WIDTHS
        for board in BOARDS
    ]
    found += [
        Part("map", (layer, bits, board, rivalry))
        for layer in range(len(LAYERS))
        for bits in WIDTHS
        for board in MAP_BOARDS
        for rivalry in RIVALRIES
    ]
    found += [
        Part("error", (network, kind, lookahead, units))
        for network in NETWORKS
        for kind, lookahead in ACCELERATORS
        for units in ERROR_UNITS
    ]
    found.append(Part("reload", ("zynq7020", 8)))
    return found


def make_parts(
    wanted: Iterable[Part], folder: Path, scenario: Path, jobs: int
) -> Iterator[tuple[Part, bool]]:
    """Makes the parts that `folder` does not have; each with whether it was made now."""
    folder.mkdir(parents=True, exist_ok=True)
    todo = []
    for part in wanted:
        if read_part(folder, part) is None:
            todo.append(part)
        else:
            yield part, False
    calls = [(part, folder, scenario) for part in todo]
    for part in in_processes(_make, calls, jobs):
        yield part, True


def read_part(folder: Path, part: Part) -> Any:
    """What a part came to; None if it is not there, or made by other code."""
    path = folder / part.file
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return document["data"] if document.get("code") == code_version() else None


def _make(part: Part, folder: Path, scenario: Path) -> Part:
    data = _MAKERS[part.kind](scenario, *part.arguments)
    path = folder / part.file
    temporary = path.with_suffix(f".{os.getpid()}")
    temporary.write_text(json.dumps({"code": code_version(), "data": data}), encoding="utf-8")
    os.replace(temporary, path)
    return part


def _winners(scenario: Path, network: str, bits: int, board: str) -> list[dict[str, Any]]:
    images = 1 if network.startswith("fire2") else 2
    base = load_scenario(scenario, changes={"input.images": images, "network.source": network})
    return compete(base, network, bits, load_board(board), run=simulate)


def _map(scenario: Path, layer: int, bits: int, board: str, rivalry: str) -> list[dict[str, Any]]:
    device = load_board(board)
    sparse = [Variant("bitmap", bits, published=True)]
    if rivalry == "list":
        sparse = [Variant("list", bits, 1), Variant("list", bits, 2)]
    dense = [Variant("dense", bits)]
    if bits == 8 and device.fpga is not None and device.fpga.family == "xilinx":
        dense.append(Variant("dense", bits, products=2))
    found = density_map(
        load_scenario(scenario), device, LAYERS[layer], bits, sparse, dense, DENSITIES, DENSITIES
    )
    return [item | {"rivalry": rivalry} for item in found]


def _error(scenario: Path, network: str, kind: str, lookahead: int, units: int) -> dict[str, Any]:
    wanted = error_scenario(scenario, network, kind, lookahead, units, images=4)
    return estimate_error(wanted).report()


def _reload(scenario: Path, board: str, bits: int) -> dict[str, Any]:
    changes = {"board.file": board, "accelerator.bits": bits, "input.images": 1}
    return reload_document(load_scenario(scenario, changes=changes), PHASES)


_MAKERS: dict[str, Callable[..., Any]] = {
    "winners": _winners,
    "map": _map,
    "error": _error,
    "reload": _reload,
}
