"""Functional model of an accelerator: memories, packets and jobs, no time.

It walks each job's loop registers, so that a wrong address, jump, bitmap or list shows as a wrong
result or an error.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from hdl.config import AcceleratorConfig
from hdl.lists import ListLayout
from hdl.packets import (
    CHANNEL_SHIFT_LOW,
    CHANNEL_SHIFT_WIDTH,
    MULTIPLIER_LOW,
    MULTIPLIER_WIDTH,
    Destination,
    Header,
)
from hdl.registers import BY_NAME, REGISTERS
from networks.exact import check_accumulators, exact_type
from networks.formats import Format
from networks.job_walk import (
    JobFields,
    output_places,
    takes_parts,
    walk_addresses,
    window_addresses,
)
from networks.rescale import multiplied, requantise
from networks.unit_weights import UnitWeights, stored_weights
from networks.words import as_unsigned, join_words, pack_words, unpack_words, words_of

_WORD_BYTES = 4
_BY_UNIT = (Destination.VALUES, Destination.BITMAPS, Destination.LISTS)
_NAMES = {register.offset: register.name for register in REGISTERS}

_EXACT_INT64 = 1 << 61
_LARGEST_INT64_SHIFT = 62
"""Numbers below `_EXACT_INT64` become zero by this right shift, as by any larger one."""

Packet = tuple[Header, NDArray[np.uint32]]
"""A packet's header and payload."""


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
        random = np.random.default_rng(seed)

        def fill(*shape: int) -> NDArray[np.uint32]:
            return random.integers(0, 1 << 32, shape, dtype=np.uint32)

        units, layout = accelerator.units, ListLayout.of(accelerator)
        self._memories = {
            Destination.ACTIVATIONS: fill(accelerator.activation_elements // accelerator.lanes),
            Destination.VALUES: fill(units, accelerator.weight_words),
            Destination.BITMAPS: fill(units, accelerator.bitmap_words),
            Destination.BIASES: fill(accelerator.bias_entries, accelerator.bias_words),
            Destination.LISTS: fill(units, accelerator.list_words, layout.stream_words),
        }
        self._bitmap_starts = np.full((units, accelerator.bitmap_words), -1)
        self._registers = dict.fromkeys(BY_NAME, 0)
        self._pending: dict[str, int] | None = None
        self._results: list[NDArray[np.uint32]] = []

    def send(self, packets: Iterable[Packet]) -> list[NDArray[np.uint32]]:
        """Takes packets in order; the words that each store job sends back.

        Raises ValueError on packets outside a memory, bitmaps in several packets, accumulators that
        overflow, lists that do not end their filters, or a job that overwrites its own input.
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
        if header.repeat:
            payload = np.repeat(payload, header.count)
        memory[header.address : end] = payload.reshape(-1, *memory.shape[1:])
        if header.destination is Destination.BITMAPS:
            self._bitmap_starts[header.unit, header.address : end] = header.address

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

    def _compute(self, job: JobFields) -> None:
        bits, capacity = self.accelerator.bits, self.accelerator.activation_elements
        activations = unpack_words(self._memories[Destination.ACTIVATIONS], bits)
        held = self._weights(job)
        addresses = (window_addresses(job)[:, None] + held.offsets) % capacity
        operands = activations[addresses]
        if job["JOB_SCALE"]["unsigned_input"]:
            operands = as_unsigned(operands, bits)
        number = exact_type(held.values, operands)
        sums = operands.astype(number) @ held.values.T.astype(number)
        results = self._results_of(job, sums.astype(np.int64) if number.kind == "f" else sums)
        targets = output_places(job)[:, None] + np.arange(results.shape[1])
        if np.intersect1d(addresses, targets).size or targets.max() >= capacity:
            raise ValueError("results must not overwrite the job's input nor leave the memory")
        activations[targets] = results
        self._memories[Destination.ACTIVATIONS] = pack_words(activations, bits)

    def _weights(self, job: JobFields) -> UnitWeights:
        memories = {name: self._memories[name] for name in _BY_UNIT}
        walk = walk_addresses(job)
        filters = job["JOB_FILTERS"]["last"] + 1
        first = job["JOB_WEIGHTS"]["bitmaps"]
        for unit in range(min(self.accelerator.units, filters)):
            sections = len(range(unit, filters, self.accelerator.units)) * len(walk)
            starts = self._bitmap_starts[unit, first : first + sections]
            if self.accelerator.kind == "bitmap" and np.any(starts != first):
                raise ValueError(
                    f"bitmaps of a job must be one packet from {first} on, not several"
                )
        return stored_weights(job, self.accelerator, memories, walk)

    def _results_of(self, job: JobFields, sums: NDArray) -> NDArray[np.int64]:
        """Stored results `(output positions, channels)` of sums `(windows, filters)`."""
        accelerator = self.accelerator
        first = job["JOB_FILTERS"]["bias"]
        entries = self._memories[Destination.BIASES][first : first + sums.shape[1]]
        parts = sums
        sums = sums + join_words(entries, accelerator.accumulator_bits)
        if takes_parts(job, accelerator):
            check_accumulators(parts, accelerator.accumulator_bits)
            sums, entries = sums[:, ::2] + parts[:, 1::2], entries[::2]
        check_accumulators(sums, accelerator.accumulator_bits)
        shifts: NDArray | int = job["JOB_SCALE"]["shift"]
        if accelerator.channel_scales:
            scales = entries[:, words_of(accelerator.accumulator_bits)].astype(np.int64)
            multipliers = (scales >> MULTIPLIER_LOW) & ((1 << MULTIPLIER_WIDTH) - 1)
            shifts = (scales >> CHANNEL_SHIFT_LOW) & ((1 << CHANNEL_SHIFT_WIDTH) - 1)
            sums = multiplied(sums, multipliers, 1 << MULTIPLIER_WIDTH)
        signed = not job["JOB_SCALE"]["unsigned_output"]
        target = Format(accelerator.bits, 0, signed)
        limits = np.array([job[name]["value"] for name in ("JOB_LOW", "JOB_HIGH")], dtype=np.uint32)
        mask = np.uint32((1 << accelerator.bits) - 1)
        low, high = (limits & mask).astype(np.int64).tolist()
        if signed:
            sign = 1 << (accelerator.bits - 1)
            low, high = (low ^ sign) - sign, (high ^ sign) - sign
        if np.abs(sums).max() < _EXACT_INT64:
            sums, shifts = sums.astype(np.int64), np.minimum(shifts, _LARGEST_INT64_SHIFT)
        results = np.clip(requantise(sums, shifts, target), low, high)
        pool = (job["LOOP_POOL_X"]["last"] + 1) * (job["LOOP_POOL_Y"]["last"] + 1)
        return results.reshape(-1, pool, results.shape[1]).max(axis=1)
