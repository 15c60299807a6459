"""Random jobs on random memories, valid but made by no compiler: short, wide, starved, crowded."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hdl.config import SECTION_BITS, AcceleratorConfig
from hdl.lists import MIN_LIST_WORDS, ListLayout
from hdl.packets import Destination, Header, packet
from hdl.registers import BY_NAME, JOB_BASE, JOB_REGISTERS
from networks.job_walk import walk_addresses, window_addresses
from networks.words import pack_words, words_of

MAX_WEIGHTS = 128
"""Weights of a filter whose sum cannot overflow the accumulator."""

MEMORIES: dict[str, Any] = {
    "activation_elements": 512, "weight_words": 512, "bitmap_words": 256, "list_words": 256,
    "bias_entries": 64,
}  # fmt: skip


@dataclass(frozen=True)
class RandomJob:
    """Packets that load what a job needs, its registers, and the words that its results are in."""

    loads: list[int]
    registers: dict[str, int]
    output_word: int
    output_words: int

    def register_words(self) -> list[int]:
        """The packet that starts the job."""
        header = Header(Destination.REGISTERS, len(JOB_REGISTERS), JOB_BASE // 4)
        return packet(header, [self.registers[register.name] for register in JOB_REGISTERS])


def store_words(config: AcceleratorConfig, word: int, count: int) -> list[int]:
    """The packet that starts a job sending `count` words from `word` on."""
    values = dict.fromkeys((register.name for register in JOB_REGISTERS), 0)
    address = word * config.lanes % config.activation_elements
    values["JOB_ADDRESS"] = BY_NAME["JOB_ADDRESS"].encode(input=address)
    values["JOB_COMMAND"] = BY_NAME["JOB_COMMAND"].encode(store=1, interrupt=1, words=count - 1)
    header = Header(Destination.REGISTERS, len(JOB_REGISTERS), JOB_BASE // 4)
    return packet(header, [values[register.name] for register in JOB_REGISTERS])


class JobMaker:
    """Makes jobs of one accelerator; all that is random comes from `seed`.

    Unless `fenced`, activations may be loaded while the job before still sends its results.
    """

    def __init__(self, config: AcceleratorConfig, seed: int, *, fenced: bool = True) -> None:
        self.config = config
        self.fenced = fenced
        self.random = np.random.default_rng(seed)

    def job(
        self, spare: int = 0, *, filters: int | None = None, in_step: bool | None = None
    ) -> RandomJob:
        """A job and its data: it reads one half of the memory and writes the other, but for its
        last `spare` elements. With `in_step` given it has one window, and units go in step or not.
        """
        config = self.config
        filters = filters or self.pick(1, min(32, 3 * config.units))
        parts = config.partial_sums and self.pick(0, 3) > 0
        filters += parts and filters % 2
        density, activation_density = self.random.choice([0.05, 0.3, 0.6, 1.0], 2)
        while True:
            fields = self._loops(single=in_step is not None or self.pick(0, 3) == 0)
            job = {name: dict(values) for name, values in fields.items()}
            start = self.pick(0, config.activation_elements - 1)
            job["JOB_ADDRESS"] = {"input": 0, "output": 0}
            walk = walk_addresses(job)
            windows = window_addresses(job)
            span = int(windows.max() + walk.max()) + SECTION_BITS
            outputs = (fields["LOOP_X"]["last"] + 1) * (fields["LOOP_Y"]["last"] + 1)
            pitch = filters // (1 + parts) + self.pick(0, 3)
            half = config.activation_elements // 2
            if span < half and outputs * pitch < half - spare and self._fits(filters, len(walk)):
                break
        loads, weights = self._weights(filters, len(walk), float(density), half - span)
        loads += self._biases(filters) + self._activations(float(activation_density))
        fields["JOB_ADDRESS"] = {
            "input": start, "output": (start + half) % config.activation_elements,
        }  # fmt: skip
        fields["JOB_WEIGHTS"] = weights
        fields["JOB_FILTERS"] = {"last": filters - 1, "bias": self._first_bias}
        fields["JOB_OUTPUT"] = {"pitch": pitch, "line": pitch}
        fields["JOB_SCALE"] = {
            "shift": self.pick(0, config.bits + 8),
            "unsigned_input": self.pick(0, 1),
            "unsigned_output": self.pick(0, 1),
        }
        bounds = np.sort(self.random.integers(0, 1 << (config.bits - 1), 2))
        fields["JOB_LOW"] = {"value": int(bounds[0]) if self.pick(0, 1) else 0}
        fields["JOB_HIGH"] = {"value": int(bounds[1])}
        if not fields["JOB_SCALE"]["unsigned_output"] and self.pick(0, 1):
            fields["JOB_LOW"] = {"value": 1 << (config.bits - 1)}
        if in_step is None:
            # units go in step in jobs of one window, or the bit does not matter
            in_step = (config.kind != "bitmap" or len(windows) == 1) and self.pick(0, 3) > 0
        # on hardware that adds no parts their bit does not matter
        partial_sums = parts or not config.partial_sums
        fields["JOB_COMMAND"] = {"in_step": in_step, "partial_sums": partial_sums}
        words = {name: BY_NAME[name].encode(**values) for name, values in fields.items()}
        output = fields["JOB_ADDRESS"]["output"]
        last = output + outputs * pitch - 1
        first_word = output // config.lanes
        return RandomJob(loads, words, first_word, last // config.lanes - first_word + 1)

    def pick(self, low: int, high: int) -> int:
        """A number from `low` to `high`."""
        return int(self.random.integers(low, high + 1))

    def _loops(self, *, single: bool) -> dict[str, dict[str, int]]:
        walked = self.config.kind != "list"
        lasts = {
            "STEP": self.pick(0, 3 if self.config.kind == "bitmap" else 9) if walked else 0,
            "ROW": self.pick(0, 2) if walked else 0,
            "POOL_X": self.pick(0, 1) * self.pick(0, 2),
            "POOL_Y": self.pick(0, 1),
            "X": self.pick(0, 6),
            "Y": self.pick(0, 2),
        }
        if self.config.kind == "bitmap" and (lasts["STEP"] + 1) * (lasts["ROW"] + 1) > 4:
            lasts["ROW"] = 0
        if single:
            lasts |= dict.fromkeys(("POOL_X", "POOL_Y", "X", "Y"), 0)
        jump = {"bitmap": 32, "dense": 2, "list": 0}[self.config.kind]
        return {
            f"LOOP_{level}": {
                "last": last,
                "jump": self.pick(1, jump if jump and level in ("STEP", "ROW") else 5),
            }
            for level, last in lasts.items()
        }

    def _fits(self, filters: int, steps: int) -> bool:
        rounds = -(-filters // self.config.units)
        kind = self.config.kind
        if kind == "bitmap":
            elements = SECTION_BITS * steps
            return (
                rounds * steps <= self.config.bitmap_words // 2
                and rounds * elements <= self.config.weight_elements // 2
            )
        if kind == "dense":
            return rounds * steps <= self.config.weight_elements // 2
        return True

    def _weights(
        self, filters: int, steps: int, density: float, reach: int
    ) -> tuple[list[int], dict[str, int]]:
        config = self.config
        stream: list[int] = []
        first_section = self.pick(0, 3)
        first_value = self.pick(0, 7)
        if config.kind == "list":
            return self._lists(filters, density, reach)
        for unit in range(min(config.units, filters)):
            count = len(range(unit, filters, config.units)) * steps
            if config.kind == "bitmap":
                bits = self.random.random((count, SECTION_BITS)) < density
                sections = np.packbits(bits, axis=1, bitorder="little").view("<u4")[:, 0]
                header = Header(Destination.BITMAPS, count, first_section, unit)
                stream += packet(header, sections.tolist())
                values = self._numbers(int(bits.sum()))
                values[values == 0] = 1
            else:
                values = self._numbers(count) * (self.random.random(count) < density)
            values = np.concatenate((np.zeros(first_value, np.int64), values))
            words = pack_words(values, config.bits)
            if len(words):
                stream += packet(Header(Destination.VALUES, len(words), 0, unit), words.tolist())
        return stream, {"values": first_value, "bitmaps": first_section}

    def _lists(self, filters: int, density: float, reach: int) -> tuple[list[int], dict[str, int]]:
        config = self.config
        layout = ListLayout.of(config)
        first = self.pick(0, 5)
        longest = self.pick(1, 12)
        lists = []
        for unit in range(min(config.units, filters)):
            words: list[tuple[list[tuple[int, int]], bool]] = []
            for _ in range(unit, filters, config.units):
                for left in reversed(range(self.pick(1, longest))):
                    values = self._numbers(config.lookahead) * (
                        self.random.random(config.lookahead) < density
                    )
                    offsets = self.random.integers(0, reach, config.lookahead)
                    pairs = list(zip(offsets.tolist(), values.tolist(), strict=True))
                    words.append((pairs, left == 0))
            lists.append(words)
        shortest = MIN_LIST_WORDS
        if not config.independent_units:
            shortest = max(shortest, *(len(words) for words in lists))
        stream: list[int] = []
        for unit, words in enumerate(lists):
            padding: list[tuple[list[tuple[int, int]], bool]] = [([], False)] * (
                shortest - len(words)
            )
            words[-1:-1] = padding
            coded: list[int] = []
            for place, (pairs, last) in enumerate(words):
                coded += layout.encode(pairs, last=last, turn=place == len(words) - MIN_LIST_WORDS)
            stream += packet(Header(Destination.LISTS, len(coded), first, unit), coded)
        return stream, {"values": first, "bitmaps": 0}

    def _biases(self, filters: int) -> list[int]:
        config = self.config
        self._first_bias = self.pick(0, 8)
        limit = 1 << (config.accumulator_bits - 3)
        drawn = self.random.integers(0, 1 << 62, filters).tolist()
        biases = [number * 1009 % (2 * limit) - limit for number in drawn]
        count = words_of(config.accumulator_bits)
        rows = [[(int(bias) >> (32 * k)) & 0xFFFFFFFF for k in range(count)] for bias in biases]
        if config.channel_scales:
            for row in rows:
                row.append(self.pick(1, 65535) | self.pick(0, config.bits + 24) << 16)
        words = [word for row in rows for word in row]
        return packet(Header(Destination.BIASES, len(words), self._first_bias), words)

    def _activations(self, density: float) -> list[int]:
        config = self.config
        count = config.activation_elements
        values = self._numbers(count) * (self.random.random(count) < density)
        words = pack_words(values, config.bits)
        header = Header(Destination.ACTIVATIONS, len(words), fence=self.fenced)
        return packet(header, words.tolist())

    def _numbers(self, count: int) -> NDArray[np.int64]:
        limit = 1 << (self.config.bits - 1)
        return self.random.integers(-limit, limit, count)
