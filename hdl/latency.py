"""How many registers lie between a block's inputs and its outputs, from its processes.

A path goes through a process from anything it reads to anything it assigns, so that a path may be
found that no data takes: the numbers are lower bounds.
"""

from collections import defaultdict, deque
from collections.abc import Iterable
from dataclasses import dataclass

from hdl.hierarchy import Block, BlockPort, Process


@dataclass(frozen=True)
class Latency:
    """Of one output: fewest registers on a way from an input, None if there is no way.

    `combinational` names the inputs that are seen in the same cycle.
    """

    cycles: int | None
    combinational: tuple[str, ...]


class _Paths:
    """The processes of a block as a graph, followed from signals to what depends on them."""

    def __init__(self, processes: Iterable[Process]) -> None:
        self._readers: dict[int, list[Process]] = defaultdict(list)
        for process in processes:
            for signal in process.reads:
                self._readers[signal].append(process)

    def registers(self, sources: Iterable[int], most: int | None = None) -> dict[int, int]:
        """Fewest registers from the sources to each signal that they reach, up to `most`."""
        found: dict[int, int] = {}
        done: set[int] = set()
        waiting = deque((signal, 0) for signal in sources)
        while waiting:
            signal, count = waiting.popleft()
            if signal in found:
                continue
            found[signal] = count
            for process in self._readers[signal]:
                after = count + process.clocked
                if id(process) in done or (most is not None and after > most):
                    continue
                done.add(id(process))
                # breadth first: what costs nothing goes to the front
                extend = waiting.extend if process.clocked else waiting.extendleft
                extend((written, after) for written in process.writes)
        return found


def _signals(ports: Iterable[BlockPort]) -> list[int]:
    return [id(signal) for port in ports for signal in port.signals]


def find_latencies(block: Block) -> dict[str, Latency]:
    """The latency of every output of a block, by name; clocks and resets do not count as inputs."""
    paths = _Paths(block.processes)
    inputs = [
        port
        for port in block.ports
        if port.direction == "in" and not port.is_reset and not block.is_clock(port)
    ]
    registers = paths.registers(_signals(inputs))
    at_once = {port.name: paths.registers(_signals([port]), most=0) for port in inputs}
    found = {}
    for port in block.ports:
        if port.direction == "out":
            signals = _signals([port])
            found[port.name] = Latency(
                min((registers[item] for item in signals if item in registers), default=None),
                tuple(name for name, seen in at_once.items() if any(s in seen for s in signals)),
            )
    return found
