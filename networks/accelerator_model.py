"""Functional model of an accelerator: memories, packets and jobs, no time.

It walks each job's loop registers, so that a wrong address, jump, bitmap or list shows as a wrong
result or an error.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.lists import ListLayout
from hdl.packets import Destination, Header
from hdl.registers import BY_NAME, LOOPS, REGISTERS
from networks.compress import SECTION_ELEMENTS
from networks.exact import exact_type
from networks.formats import Format
from networks.rescale import requantise
from networks.weight_lists import FilterList, decode_list
from networks.words import join_words, unpack_words, words_of

_WORD_BYTES = 4
_BY_UNIT = (Destination.VALUES, Destination.BITMAPS, Destination.LISTS)
_NAMES = {register.offset: register.name for register in REGISTERS}

Packet = tuple[Header, NDArray[np.uint32]]
"""A packet's header and payload."""
_Job = dict[str, dict[str, int]]


class AcceleratorModel:
    """An accelerator's memories and what packets do to them.

    `late_jobs` executes a job as late as the packet rules allow, after all packets that may
    overtake it; otherwise at once. Memories start with random content from `seed`.
    """

    def __init__(
        self, accelerator: AcceleratorConfig, *, late_jobs: bool = False, seed: int = 0
    ) -> None:
        self.accelerator = accelerator
        self.late_jobs = late_jobs
        self._layout = ListLayout.of(accelerator)
        random = np.random.default_rng(seed)

        def fill(*shape: int) -> NDArray[np.uint32]:
            return random.integers(0, 1 << 32, shape, dtype=np.uint32)

        units = accelerator.units
        self._memories = {
            Destination.ACTIVATIONS: fill(accelerator.activation_elements // accelerator.lanes),
            Destination.VALUES: fill(units, accelerator.weight_words),
            Destination.BITMAPS: fill(units, accelerator.bitmap_words),
            Destination.BIASES: fill(
                accelerator.bias_entries, words_of(accelerator.accumulator_bits)
            ),
            Destination.LISTS: fill(units, accelerator.list_words, self._layout.stream_words),
        }
        self._registers = dict.fromkeys(BY_NAME, 0)
        self._pending: dict[str, int] | None = None
        self._results: list[NDArray[np.uint32]] = []

    def send(self, packets: Iterable[Packet]) -> list[NDArray[np.uint32]]:
        """Takes packets in order; the words that each store job sends back.

        Raises ValueError on packets outside a memory, accumulators that overflow, lists that do not
        end their filters, or a job that overwrites its own input.
        """
        self._results = []
        for header, payload in packets:
            if header.fence or header.destination is Destination.REGISTERS:
                self._finish_job()
            if header.destination is Destination.REGISTERS:
                self._load_registers(header, payload)
            else:
                self._load(header, payload)
        self._finish_job()
        return self._results

    def _load(self, header: Header, payload: NDArray[np.uint32]) -> None:
        memory = self._memories[header.destination]
        if header.destination in _BY_UNIT:
            memory = memory[header.unit]
        entry_words = memory[0].size
        if header.count % entry_words:
            raise ValueError(
                f"packet to {header.destination.name} must have a multiple of {entry_words} words, "
                f"not {header.count}"
            )
        end = header.address + header.count // entry_words
        if end > len(memory):
            raise ValueError(
                f"packet to {header.destination.name} must end at entry {len(memory)} at most, "
                f"not {end}"
            )
        memory[header.address : end] = payload.reshape(-1, *memory.shape[1:])

    def _load_registers(self, header: Header, payload: NDArray[np.uint32]) -> None:
        for index, word in enumerate(payload):
            name = _NAMES[(header.address + index) * _WORD_BYTES]
            self._registers[name] = int(word)
            if name == "JOB_COMMAND":
                self._pending = dict(self._registers)
                if not self.late_jobs:
                    self._finish_job()

    def _finish_job(self) -> None:
        registers, self._pending = self._pending, None
        if registers is None:
            return
        job = {name: BY_NAME[name].decode(word) for name, word in registers.items()}
        if job["JOB_COMMAND"]["store"]:
            first = job["JOB_ADDRESS"]["input"] // self.accelerator.lanes
            last = first + job["JOB_COMMAND"]["words"] + 1
            self._results.append(self._memories[Destination.ACTIVATIONS][first:last].copy())
        else:
            self._compute(job)

    def _compute(self, job: _Job) -> None:
        accelerator = self.accelerator
        capacity = accelerator.activation_elements
        activations = unpack_words(self._memories[Destination.ACTIVATIONS], accelerator.bits)
        counts = [job[f"LOOP_{level.upper()}"]["last"] + 1 for level in LOOPS]
        steps = counts[0] * counts[1]
        walk = _walk(job, counts).reshape(-1, steps)
        if accelerator.kind == "list":
            if np.any(walk != walk[:, :1]):
                raise ValueError("a job of lists must not move inside a window")
            offsets, weights = self._list_weights(job, steps)
            addresses = (walk[:, :1] + offsets) % capacity
        else:
            inside = np.arange(accelerator.step_elements)
            addresses = (walk[:, :, None] + inside).reshape(len(walk), -1) % capacity
            weights = self._weights(job, steps)
        number = exact_type(weights, activations[addresses])
        sums = activations[addresses].astype(number) @ weights.T.astype(number)
        channels = np.arange(len(weights))
        entries = self._memories[Destination.BIASES][job["JOB_FILTERS"]["bias"] + channels]
        if number.kind == "f":
            sums = sums.astype(np.int64)
        sums = sums + join_words(entries, accelerator.accumulator_bits)
        limit = 1 << (accelerator.accumulator_bits - 1)
        if sums.min() < -limit or sums.max() >= limit:
            raise ValueError(f"accumulators must fit {accelerator.accumulator_bits} bits")
        results = requantise(sums, job["JOB_OUTPUT"]["shift"], Format(accelerator.bits, 0))
        if job["JOB_OUTPUT"]["relu"]:
            results = np.maximum(results, 0)
        pooled = results.reshape(-1, counts[2] * counts[3], len(weights)).max(axis=1)
        positions = np.arange(len(pooled))[:, None]
        targets = job["JOB_ADDRESS"]["output"] + positions * job["JOB_OUTPUT"]["pitch"] + channels
        read = addresses[:, np.any(weights != 0, axis=0)]
        if np.intersect1d(read, targets).size or targets.max() >= capacity:
            raise ValueError("results must not overwrite the job's input nor leave the memory")
        activations[targets] = pooled
        self._memories[Destination.ACTIVATIONS] = (
            activations.astype(f"<i{accelerator.bits // 8}").view("<u4").astype(np.uint32)
        )

    def _weights(self, job: _Job, steps: int) -> NDArray[np.int64]:
        """Weights `(output channels, elements of all steps)` as the units hold them."""
        filters = job["JOB_FILTERS"]["last"] + 1
        start = job["JOB_WEIGHTS"]["values"]
        weights = np.zeros((filters, steps * self.accelerator.step_elements), dtype=np.int64)
        for unit in range(min(self.accelerator.units, filters)):
            values = unpack_words(self._memories[Destination.VALUES][unit], self.accelerator.bits)
            own = weights[unit :: self.accelerator.units]
            mask = self._mask(job, unit, own.shape)
            own[mask] = values[start : start + np.count_nonzero(mask)]
        return weights

    def _list_weights(self, job: _Job, length: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Window offsets, and weights `(output channels, offsets)`, as the units' lists hold them.

        All units walk `length` words from the job's first. Raises ValueError if a unit's list does
        not end all its filters, or has ends or weights behind them.
        """
        filters = job["JOB_FILTERS"]["last"] + 1
        units = self.accelerator.units
        first = job["JOB_WEIGHTS"]["values"]
        words = self._memories[Destination.LISTS][:, first : first + length]
        found: list[FilterList | None] = [None] * filters
        for unit in range(units):
            own = decode_list(words[unit].reshape(-1), self._layout).filters()
            expected = len(range(unit, filters, units))
            if len(own) != expected:
                raise ValueError(f"list of unit {unit} must end {expected} filters, not {len(own)}")
            found[unit::units] = own
        lists = [item for item in found if item is not None]
        offsets = np.unique(np.concatenate([item.offsets.reshape(-1) for item in lists]))
        weights = np.zeros((filters, len(offsets)), dtype=np.int64)
        for index, item in enumerate(lists):
            places = np.searchsorted(offsets, item.offsets.reshape(-1))
            np.add.at(weights[index], places, item.values.reshape(-1))
        return offsets, weights

    def _mask(self, job: _Job, unit: int, shape: tuple[int, int]) -> NDArray[np.bool_]:
        """Which weights a unit holds: those with a bit in its bitmaps, or all on `dense`."""
        if self.accelerator.kind == "dense":
            return np.ones(shape, dtype=bool)
        first = job["JOB_WEIGHTS"]["bitmaps"]
        sections = shape[0] * shape[1] // SECTION_ELEMENTS
        words = self._memories[Destination.BITMAPS][unit, first : first + sections]
        bits = np.unpackbits(words.astype("<u4").view(np.uint8), bitorder="little")
        return bits.astype(bool).reshape(shape)


def _walk(job: _Job, counts: list[int]) -> NDArray[np.int64]:
    """Address of every step of one filter, in order, from the loop registers' jumps."""
    increments = np.zeros(int(np.prod(counts)), dtype=np.int64)
    increments[0] = job["JOB_ADDRESS"]["input"]
    period = 1
    for level, count in zip(LOOPS, counts, strict=True):
        field = BY_NAME[f"LOOP_{level.upper()}"].field("jump")
        jump = job[f"LOOP_{level.upper()}"]["jump"]
        signed = jump - (1 << field.width) if jump >> (field.width - 1) else jump
        if count > 1:
            increments[period::period] = signed
        period *= count
    return np.cumsum(increments)
