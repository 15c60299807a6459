"""The loader, cycle by cycle or many words at once; see `hdl.loader`."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cosim.fast.memories import Memories
from hdl import packets
from hdl.bundles import REGISTER_ADDRESS_BITS
from hdl.lists import ListLayout
from hdl.packets import HEADER_WORDS, Destination
from hdl.registers import (
    BY_NAME,
    ERROR_TRUNCATED_PACKET,
    ERROR_UNKNOWN_DESTINATION,
    JOB_REGISTERS,
)

FIRST_HEADER, SECOND_HEADER, PAYLOAD, FILL, FAILED = range(5)
_WEIGHTS = (Destination.VALUES, Destination.LISTS)
_FIRST, _LAST = min(Destination), max(Destination)
_JOB, _COMMAND = (BY_NAME[name].offset // 4 for name in (JOB_REGISTERS[0].name, "JOB_COMMAND"))


def _field(word: int, low: int, width: int) -> int:
    return (word >> low) & ((1 << width) - 1)


def _decode(word: int) -> tuple[int, bool, bool, int]:
    """Destination, fence, repeat and unit of a packet's first word."""
    destination = _field(word, packets.DESTINATION_LOW, packets.DESTINATION_WIDTH)
    fence = bool(_field(word, packets.FENCE_LOW, 1)) or destination == Destination.REGISTERS
    repeat = bool(_field(word, packets.REPEAT_LOW, 1)) and destination == Destination.ACTIVATIONS
    return destination, fence, repeat, _field(word, packets.UNIT_LOW, packets.UNIT_WIDTH)


class Loader:
    """The loader's registers, and what it does to `memories`.

    `register_write` (index, data) and `error` are outputs of one cycle. Weights and biases are in
    their memories with the edge that takes them: no job can look sooner.
    """

    def __init__(self, memories: Memories, write_job: Callable[[int, int], None]) -> None:
        config = memories.config
        self._write_job = write_job
        self._memories = memories
        self._units = config.units
        self._entry_words = {
            Destination.LISTS: ListLayout.of(config).stream_words,
            Destination.BIASES: config.bias_words,
        }
        self._register_mask = (1 << (REGISTER_ADDRESS_BITS - 2)) - 1
        self._unit = self._address = self._data = self._count = 0
        self._write_word = 0
        self._destination = 0
        self._fence = self._repeat = False
        self._left = 0
        self._first = False
        self._entry: list[int] = []
        self._section: tuple[int, int, int, bool] | None = None
        self.reset()

    def reset(self) -> None:
        """Forgets the packet under way."""
        self.state = FIRST_HEADER
        self.writes = False
        self.error = 0
        self.register_write: tuple[int, int] | None = None

    @property
    def loading(self) -> bool:
        """Whether a packet is partly received."""
        return self.state != FIRST_HEADER

    def ready(self, busy: bool, write_ready: bool) -> bool:
        """Whether a word would be taken in this cycle."""
        if self.state in (FAILED, FILL) or (self.writes and not write_ready):
            return False
        return not (self.state == PAYLOAD and self._fence and busy)

    def filling(self, write_ready: bool) -> bool:
        """Whether a repeated word is written once more in this cycle."""
        return self.state == FILL and (write_ready or not self.writes)

    @property
    def rests(self) -> bool:
        """Whether nothing changes with the next edge unless a word is taken."""
        quiet = not (self.writes or self.error or self.register_write or self._section)
        return quiet and self.state != FILL

    @property
    def fills(self) -> int:
        """How many edges from now on only write a repeated word, if results let them."""
        return self._left if self.state == FILL and self._section is None else 0

    def fill(self, edges: int) -> None:
        """Plays at most `fills` edges, none of which writes a result."""
        before = self._address - 1
        data = np.full(edges, self._data, np.uint32)
        # the word before is still to be written, and the last one remains so
        self._memories.load_activations(before, data)
        self._address = (self._address + edges) & ((1 << packets.ADDRESS_WIDTH) - 1)
        self._write_word = (before + edges) % len(self._memories.words)
        self._left -= edges

    def cycle(
        self, word: int | None, last: bool, taken: bool, write_ready: bool, reset: bool
    ) -> None:
        """Plays an edge; `taken`: `word`, the stream's last or not, is taken with it."""
        if self.writes and write_ready:
            self._memories.load_word(self._write_word, self._data, marked=not reset)
        if not reset:
            self._load_section()
        self._section = None
        if reset:
            self.reset()
            return
        self.register_write, self.error = None, 0
        state = self.state
        filling = self.filling(write_ready)
        if write_ready:
            self.writes = False
        if taken:
            assert word is not None
            self._take(word, last)
        elif filling and self._left == 0:
            self.state = FIRST_HEADER
        if (taken and state == PAYLOAD) or filling:
            self._place(self._data)

    def _load_section(self) -> None:
        """Writes the section on its way, if there is one."""
        if self._section is not None:
            unit, address, data, first = self._section
            base = 0 if first else self._count
            section = np.array([data], np.uint32)
            self._count = self._memories.load_bitmaps(unit, address, section, base)

    def _take(self, word: int, last: bool) -> None:
        self._data = word
        if self.state == FIRST_HEADER:
            self._header(word)
            self.state = FAILED if last else SECOND_HEADER
            self.error = ERROR_TRUNCATED_PACKET if last else 0
        elif self.state == SECOND_HEADER:
            self._left = _field(word, packets.COUNT_LOW, packets.COUNT_WIDTH)
            self._address = _field(word, packets.ADDRESS_LOW, packets.ADDRESS_WIDTH)
            self._entry.clear()
            self._first = True
            self.state = PAYLOAD
            known = _FIRST <= self._destination <= _LAST
            if last or not known or self._unit >= self._units:
                self.state = FAILED
                self.error = ERROR_TRUNCATED_PACKET if last else ERROR_UNKNOWN_DESTINATION
        elif last and self._left != 0 and not self._repeat:
            self.state, self.error = FAILED, ERROR_TRUNCATED_PACKET
        elif self._left == 0:
            self.state = FIRST_HEADER
        elif self._repeat:
            self.state = FILL

    def _header(self, word: int) -> None:
        self._destination, self._fence, self._repeat, self._unit = _decode(word)

    def _place(self, data: int) -> None:
        """Sends a payload word on its way."""
        address = self._address
        whole = True
        if self._destination == Destination.REGISTERS:
            self.register_write = address & self._register_mask, data
        elif self._destination == Destination.ACTIVATIONS:
            self.writes = True
            self._write_word = address % len(self._memories.words)
        elif self._destination == Destination.BITMAPS:
            self._section = self._unit, address, data, self._first
        elif self._destination == Destination.VALUES:
            self._memories.load_values(self._unit, address, np.array([data], np.uint32))
        else:
            self._entry.append(data)
            whole = len(self._entry) == self._entry_words[Destination(self._destination)]
            if whole:
                self._store_entries(np.array([self._entry], np.uint32))
                self._entry.clear()
        self._first = False
        self._left = max(0, self._left - 1)
        if whole:
            self._address = (address + 1) & ((1 << packets.ADDRESS_WIDTH) - 1)

    def _store_entries(self, entries: NDArray[np.uint32]) -> None:
        if self._destination == Destination.LISTS:
            self._memories.load_lists(self._unit, self._address, entries)
        else:
            self._memories.load_biases(self._address, entries)

    def plain_words(self) -> int:
        """How many words may be taken with `take_many`: all but a packet's last, one a cycle."""
        if self.state != PAYLOAD or self._repeat:
            return 0
        return self._left

    def stored_activations(self) -> int:
        """How many of the next words are only stored in the activation memory."""
        stored = self.state == PAYLOAD and self.to_activations and not self._repeat
        return self._left + 1 if stored and not self._fence else 0

    @property
    def next_word(self) -> int:
        """Where the next word of activations goes."""
        return self._address % len(self._memories.words)

    def takes(self, words: NDArray[np.uint32], *, busy: bool, writing: bool) -> int:
        """How many of these words are headers, or are only stored, in a memory or a register, one a
        cycle.

        `busy`: a job runs on; `writing`: results come to the activations at any time.
        """
        state, left, address, place = self.state, self._left, self._address, 0
        destination, fence, repeat = self._destination, self._fence, self._repeat
        while place < len(words):
            if state == FIRST_HEADER:
                destination, fence, repeat, unit = _decode(int(words[place]))
                if unit >= self._units or not _FIRST <= destination <= _LAST:
                    return place
                state, place = SECOND_HEADER, place + 1
            elif state == SECOND_HEADER:
                left = _field(int(words[place]), packets.COUNT_LOW, packets.COUNT_WIDTH)
                address = _field(int(words[place]), packets.ADDRESS_LOW, packets.ADDRESS_WIDTH)
                state, place = PAYLOAD, place + 1
            else:
                waits = (fence and busy) or (writing and destination == Destination.ACTIVATIONS)
                if waits or state != PAYLOAD or repeat:
                    return place
                stored = left + 1
                if destination == Destination.REGISTERS:
                    stored = min(stored, self._job_registers(address))
                place += stored
                if stored <= left:
                    return min(place, len(words))
                state = FIRST_HEADER
        return min(place, len(words))

    @property
    def only_keeps(self) -> bool:
        """Whether no register is written but one that only keeps what is written to it."""
        write = self.register_write
        return write is None or self._job_registers(write[0]) > 0

    def _job_registers(self, address: int) -> int:
        """How many registers from that index on only keep what is written to them."""
        index = address & self._register_mask
        return max(0, _COMMAND - index) if index >= _JOB else 0

    def settle_register(self) -> None:
        """Writes the job register that the last word was for, if there is one."""
        if self.register_write is not None:
            self._write_job(*self.register_write)
            self.register_write = None

    def take_words(self, words: NDArray[np.uint32]) -> None:
        """Plays a cycle for each of some words that `takes` counts."""
        place = 0
        while place < len(words):
            self.settle_register()
            taken = self._take_packet(words[place:])
            if not taken:
                taken = min(self.plain_words(), len(words) - place)
                if taken:
                    self.take_many(words[place : place + taken])
                else:
                    taken = 1
                    self.cycle(int(words[place]), False, True, True, False)
            place += taken

    def _take_packet(self, words: NDArray[np.uint32]) -> int:
        """Plays the cycles of a whole packet for a weight memory, if the words begin with one; its
        words."""
        if self.state != FIRST_HEADER or len(words) <= HEADER_WORDS:
            return 0
        header = int(words[0])
        destination = _decode(header)[0]
        count = _field(int(words[1]), packets.COUNT_LOW, packets.COUNT_WIDTH) + 1
        if destination not in _WEIGHTS or len(words) < HEADER_WORDS + count:
            return 0
        self.cycle(header, False, True, True, False)
        self.cycle(int(words[1]), False, True, True, False)
        self._left = count
        self.take_many(words[HEADER_WORDS : HEADER_WORDS + count])
        self.state = FIRST_HEADER
        return HEADER_WORDS + count

    @property
    def to_activations(self) -> bool:
        """Whether payload goes to the activation memory, whose port results take first."""
        return self._destination == Destination.ACTIVATIONS

    def take_many(self, words: NDArray[np.uint32]) -> None:
        """Plays as many edges as there are words, each taking one and `write_ready`.

        At most `plain_words`, none the stream's last, and what they go to must be free to be
        written at once: no result may be written meanwhile to the same element, and registers are
        only kept (`takes`).
        """
        if self.writes:
            self._memories.load_word(self._write_word, self._data)
            self.writes = False
        self._load_section()
        self._section = None
        self.register_write, self.error = None, 0
        count, address = len(words), self._address
        self._left -= count
        steps = count
        if self._destination == Destination.ACTIVATIONS:
            # the last word is still to be written
            self._memories.load_activations(address, words[:-1])
            self.writes = True
            self._write_word = (address + count - 1) % len(self._memories.words)
        elif self._destination == Destination.BITMAPS:
            if count > 1:
                base = 0 if self._first else self._count
                self._count = self._memories.load_bitmaps(self._unit, address, words[:-1], base)
                self._first = False
            self._section = self._unit, address + count - 1, int(words[-1]), self._first
        elif self._destination == Destination.VALUES:
            self._memories.load_values(self._unit, address, words)
        elif self._destination == Destination.REGISTERS:
            for index, data in enumerate(words[:-1].tolist(), address):
                self._write_job(index & self._register_mask, data)
            # the last word is still to be written
            last = address + count - 1
            self.register_write = last & self._register_mask, int(words[-1])
        else:
            size = self._entry_words[Destination(self._destination)]
            joined = np.concatenate((np.array(self._entry, np.uint32), words))
            steps = len(joined) // size
            if steps:
                self._store_entries(joined[: steps * size].reshape(steps, size))
            self._entry = joined[steps * size :].tolist()
        self._first = False
        self._address = (address + steps) & ((1 << packets.ADDRESS_WIDTH) - 1)
        self._data = int(words[-1])
