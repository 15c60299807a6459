"""Waveforms of blocks in a MyHDL simulation, as WaveJSON (WaveDrom) of their busiest cycles."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from myhdl import block, instance
from numpy.typing import NDArray

from hdl.hierarchy import Block, BlockPort, Direction

WINDOW_CYCLES = 16
MOST_ROWS = 24
WIDE_BITS = 12
"""A wave with a vector wider than this is drawn at twice the width."""


@dataclass(frozen=True)
class Waveform:
    """The busiest cycles of a block, `first_cycle` on, counted from the start of the simulation.

    `wave` is WaveJSON, None if no port ever changed. `constant` are the ports that did not change
    and what they were, `left_out` those that changed but had no room.
    """

    first_cycle: int
    wave: dict[str, Any] | None
    constant: dict[str, str]
    left_out: tuple[str, ...]


class BlockRecorder:
    """Samples the ports of blocks at each rising edge of `clock`, just before it takes effect.

    All instances are sampled; of a port that is a list of signals, the first one. `process` returns
    the block to simulate beside the design.
    """

    def __init__(self, blocks: Sequence[Block], clock: Any) -> None:
        self._clock = clock
        self._columns: dict[int, int] = {}
        self._signals: list[Any] = []
        for item in blocks:
            for instance_ in item.instances:
                for port in replace(item, instance=instance_).ports:
                    if id(port.signals[0]) not in self._columns:
                        self._columns[id(port.signals[0])] = len(self._signals)
                        self._signals.append(port.signals[0])
        self._samples: list[list[int]] = []
        self._table = np.empty((0, 0), dtype=object)

    def process(self) -> Any:
        """The sampling block."""
        clock, signals, samples = self._clock, self._signals, self._samples

        @block
        def block_recorder() -> Any:
            @instance
            def seq_sample() -> Iterator[Any]:
                while True:
                    yield clock.posedge
                    samples.append([int(signal.val) for signal in signals])

            return seq_sample

        return block_recorder()

    def busiest_instance(self, item: Block) -> Block:
        """The block with the instance of which most ports ever change; of equals, the first."""
        candidates = [replace(item, instance=instance_) for instance_ in item.instances]
        return max(candidates, key=lambda candidate: self._changing(self._values(candidate)))

    def waveform(self, item: Block) -> Waveform:
        """The waveform of an instance; raises ValueError if nothing was simulated."""
        ports = self._ports(item)
        values = self._values(item)
        first = busiest_window(values)
        shown = values[first : first + WINDOW_CYCLES]
        changing = [index for index in range(len(ports)) if len(set(shown[:, index])) > 1]
        rows: dict[Direction, list[Any]] = {"in": [], "out": []}
        for index in changing[:MOST_ROWS]:
            rows[ports[index].direction].append(_row(ports[index], shown[:, index]))
        clocks = [
            {"name": port.name, "wave": "p" + "." * (len(shown) - 1)}
            for port in item.ports
            if port.signals[0] is self._clock
        ]
        wide = any(ports[index].width_bits > WIDE_BITS for index in changing[:MOST_ROWS])
        wave = {
            "signal": [*clocks, *([name, *group] for name, group in rows.items() if group)],
            "head": {"text": item.name, "tick": first},
            "config": {"hscale": 2 if wide else 1},
        }
        constant = {
            _label(port): _text(port, shown[0, index])
            for index, port in enumerate(ports)
            if index not in changing
        }
        left_out = tuple(_label(ports[index]) for index in changing[MOST_ROWS:])
        return Waveform(first, wave if changing else None, constant, left_out)

    def _ports(self, item: Block) -> list[BlockPort]:
        return [port for port in item.ports if port.signals[0] is not self._clock]

    def _values(self, item: Block) -> NDArray[Any]:
        """A row a cycle, a column a port."""
        if len(self._samples) < 2:
            raise ValueError(f"run must be 2 cycles or longer, not {len(self._samples)}")
        if len(self._table) != len(self._samples):
            # values may be wider than a machine word
            self._table = np.array(self._samples, dtype=object)
        columns = [self._columns[id(port.signals[0])] for port in self._ports(item)]
        return self._table[:, columns]

    @staticmethod
    def _changing(values: NDArray[Any]) -> int:
        return int((values[1:] != values[:-1]).any(axis=0).sum())


def busiest_window(values: NDArray[Any]) -> int:
    """First row of the window in which most columns change; then, of most changes; then the first.

    `values` has a row a cycle.
    """
    changes = np.zeros(values.shape, dtype=np.int64)
    changes[1:] = values[1:] != values[:-1]
    total = np.vstack([np.zeros_like(changes[:1]), np.cumsum(changes, axis=0)])
    length = min(WINDOW_CYCLES, len(values))
    # the change into a window's first row is not seen in it
    in_window = total[length:] - total[1 : len(total) - length + 1]
    score = (in_window > 0).sum(axis=1) * (length * values.shape[1] + 1) + in_window.sum(axis=1)
    return int(np.argmax(score))


def _label(port: BlockPort) -> str:
    return port.name if len(port.signals) == 1 else f"{port.name}[0]"


def _text(port: BlockPort, value: int) -> str:
    if port.width_bits == 1 or port.signed:
        return str(value)
    return f"{value:x}"


def _row(port: BlockPort, values: NDArray[Any]) -> dict[str, Any]:
    wave, data, previous = "", [], None
    for value in values:
        if value == previous:
            wave += "."
        elif port.width_bits == 1:
            wave += str(int(value))
        else:
            wave += "="
            data.append(_text(port, value))
        previous = value
    return {"name": _label(port), "wave": wave} | ({"data": data} if data else {})
