"""Random jobs as packets, and what they must leave in the activation memory.

Nothing of the compiler is used: weights lie at any element, list words are filled in any way, and
registers and bits that must not matter hold noise.
"""

import random
from collections.abc import Sequence

from hdl.config import SECTION_BITS, STREAM_BITS, AcceleratorConfig
from hdl.lists import MIN_LIST_WORDS, ListLayout
from hdl.packets import (
    CHANNEL_SHIFT_LOW,
    CHANNEL_SHIFT_WIDTH,
    MULTIPLIER_LOW,
    WORD_BYTES,
    Destination,
    Header,
    packet,
)
from hdl.registers import JOB_REGISTERS, WINDOW_LOOPS
from tests.hdl.tasks_at_random import Task, TaskSource, Weights

FIRST_REGISTER = JOB_REGISTERS[0].offset // WORD_BYTES
WORD = (1 << STREAM_BITS) - 1


class RandomJobs:
    """Jobs in a row for one accelerator.

    `beats` are the stream's words with their TLAST, `results` what the store jobs send back.
    `cells` is the activation memory after the jobs so far, unsigned elements. `useful_products`
    counts products of two operands of which none is zero.
    """

    def __init__(self, config: AcceleratorConfig, seed: int) -> None:
        self.config = config
        self.beats: list[tuple[int, bool]] = []
        self.results: list[tuple[int, bool]] = []
        self.cells = [0] * config.activation_elements
        self.useful_products = 0
        self._random = random.Random(seed)
        self._tasks = TaskSource(config, self._random)
        self._free = dict.fromkeys(Destination, 0)
        self._fill()

    def compute(self, task: Task | None = None) -> None:
        """Sends a compute job with its weights, a random one if none is given; does its work."""
        task = task or self._tasks.task()
        weights = self._send_weights(task)
        bias = self._send_biases(task)
        levels = WINDOW_LOOPS if self.config.kind == "list" else task.loops
        scale = {"unsigned_input": task.unsigned_input, "unsigned_output": task.unsigned_output}
        if not self.config.channel_scales:
            scale["shift"] = task.scales[0][1]
        mask = (1 << self.config.bits) - 1
        noise = self._random.getrandbits(STREAM_BITS) & ~mask
        single = all(task.loops[level].count == 1 for level in WINDOW_LOOPS)
        in_step = (self.config.kind != "bitmap" or single) and self._random.random() < 0.8
        command = {"store": 0, "in_step": in_step}
        if self.config.partial_sums:
            command["partial_sums"] = task.parts
        self._start(
            {
                f"LOOP_{level.upper()}": {
                    "last": task.loops[level].count - 1,
                    "jump": task.loops[level].jump,
                }
                for level in levels
            }
            | {
                "JOB_ADDRESS": {"input": task.input, "output": task.output},
                "JOB_WEIGHTS": weights,
                "JOB_FILTERS": {"last": len(task.filters) - 1, "bias": bias},
                "JOB_OUTPUT": {"pitch": task.pitch, "line": task.line},
                "JOB_SCALE": scale,
                "JOB_LOW": {"value": task.low & mask | noise},
                "JOB_HIGH": {"value": task.high & mask | noise},
                "JOB_COMMAND": command,
            }
        )
        self._compute(task)

    def store(self) -> None:
        """Sends a job that sends the whole memory back."""
        words = self._packed(self.cells)
        command = {"store": 1, "interrupt": 1, "words": len(words) - 1}
        self._start({"JOB_ADDRESS": {"input": 0}, "JOB_COMMAND": command})
        self.results += [(word, index == len(words) - 1) for index, word in enumerate(words)]

    def _compute(self, task: Task) -> None:
        size, bits = self.config.activation_elements, self.config.bits
        sign = 0 if task.unsigned_input else 1 << (bits - 1)
        numbers = [(cell ^ sign) - sign for cell in self.cells]
        for place, windows in task.outputs():
            for channel, (weights, _, _) in enumerate(task.channels):
                results = []
                for base in windows:
                    operands = [numbers[(base + offset) % size] for offset, _ in weights]
                    results.append(task.result(channel, operands))
                    pairs = zip(weights, operands, strict=True)
                    self.useful_products += sum(
                        bool(weight[1] and operand) for weight, operand in pairs
                    )
                self.cells[(place + channel) % size] = max(results) % (1 << bits)

    def _send(self, header: Header, payload: Sequence[int]) -> None:
        """Adds a packet, at times with TLAST at its end."""
        words, ends = packet(header, payload), self._random.random() < 0.3
        self.beats += [(word, ends and i == len(words) - 1) for i, word in enumerate(words)]

    def _start(self, fields: dict[str, dict[str, int]]) -> None:
        """Writes all job registers, at times the last one alone."""
        words = []
        for register in JOB_REGISTERS:
            given = fields.get(register.name, {})
            mask = sum(register.field(name).mask for name in given)
            words.append(register.encode(**given) | self._random.getrandbits(STREAM_BITS) & ~mask)
        cut = self._random.choice([0, 0, len(words) - 1])
        for first, part in ((0, words[:cut]), (cut, words[cut:])):
            if part:
                self._send(Header(Destination.REGISTERS, len(part), FIRST_REGISTER + first), part)

    def _packed(self, values: Sequence[int]) -> list[int]:
        """Elements in words, noise in what is left of the last."""
        bits, lanes = self.config.bits, self.config.lanes
        noise = [self._random.getrandbits(bits) for _ in range(-len(values) % lanes)]
        full = [*(value % (1 << bits) for value in values), *noise]
        return [
            sum(value << (bits * i) for i, value in enumerate(full[first : first + lanes]))
            for first in range(0, len(full), lanes)
        ]

    def _fill(self) -> None:
        """A first content of the whole memory, half zeros: repeated words and others."""
        lanes, word = self.config.lanes, 0
        words = self.config.activation_elements // lanes
        while word < words:
            count = min(self._random.randint(1, 40), words - word)
            repeat = self._random.random() < 0.3
            values = [self._tasks.value(0.5) for _ in range(lanes * (1 if repeat else count))]
            header = Header(Destination.ACTIVATIONS, count, word, fence=True, repeat=repeat)
            self._send(header, self._packed(values))
            values = [value % (1 << self.config.bits) for value in values]
            self.cells[word * lanes : (word + count) * lanes] = values * (count if repeat else 1)
            word += count

    def _claim(self, destination: Destination, entries: int, capacity: int) -> tuple[int, bool]:
        """First of free entries, the same in all units, and whether loads must wait for idle."""
        start = self._free[destination]
        fence = start + entries > capacity
        if fence:
            start = 0
        self._free[destination] = start + entries
        return start, fence

    def _send_weights(self, task: Task) -> dict[str, int]:
        """Loads all units with channels; the fields of JOB_WEIGHTS."""
        config = self.config
        units = range(min(config.units, len(task.filters)))
        own = [task.filters[unit :: config.units] for unit in units]
        if config.kind == "list":
            return {"values": self._send_lists([self._list_words(filters) for filters in own])}
        values = [[value for weights in filters for _, value in weights] for filters in own]
        fields = {}
        if config.kind == "bitmap":
            fields["bitmaps"] = self._send_bitmaps(values)
            values = [[value for value in row if value] for row in values]
        skip = self._random.randrange(config.lanes)
        words = [self._packed([*range(1, skip + 1), *row]) for row in values]
        start, fence = self._claim(Destination.VALUES, max(map(len, words)), config.weight_words)
        for unit, row in enumerate(words):
            if row:
                self._send(Header(Destination.VALUES, len(row), start, unit, fence), row)
        return fields | {"values": start * config.lanes + skip}

    def _send_bitmaps(self, values: list[list[int]]) -> int:
        sections = [
            [
                sum((value != 0) << i for i, value in enumerate(row[first : first + SECTION_BITS]))
                for first in range(0, len(row), SECTION_BITS)
            ]
            for row in values
        ]
        most = max(map(len, sections))
        start, fence = self._claim(Destination.BITMAPS, most, self.config.bitmap_words)
        for unit, row in enumerate(sections):
            self._send(Header(Destination.BITMAPS, len(row), start, unit, fence), row)
        return start

    def _list_words(self, filters: list[Weights]) -> list[tuple[Weights, bool]]:
        """A unit's list, weights and whether they end a filter a word; not every word is full."""
        words: list[tuple[Weights, bool]] = []
        for weights in filters:
            rest, last = list(weights), False
            while not last:
                taken = self._random.choice([self.config.lookahead] * 3 + [0, 1])
                part, rest = rest[:taken], rest[taken:]
                last = not rest
                words.append((part, last))
        return words

    def _send_lists(self, lists: list[list[tuple[Weights, bool]]]) -> int:
        config, random_ = self.config, self._random
        layout = ListLayout.of(config)
        longest = max(MIN_LIST_WORDS, *map(len, lists))
        start, fence = self._claim(Destination.LISTS, longest, config.list_words)
        for unit, words in enumerate(lists):
            # in lockstep all lists are of one length; a word without weights may be anywhere else
            while len(words) < (longest if config.lookahead == 1 else MIN_LIST_WORDS):
                words.insert(random_.randrange(len(words)), ([], False))
            stream: list[int] = []
            for index, (weights, last) in enumerate(words):
                unused = range(config.lookahead - len(weights))
                places = [(random_.randrange(1 << layout.offset_bits), 0) for _ in unused]
                mixed = random_.sample(weights + places, config.lookahead)
                stream += layout.encode(mixed, last=last, turn=index == len(words) - MIN_LIST_WORDS)
            self._send(Header(Destination.LISTS, len(stream), start, unit, fence), stream)
        return start

    def _send_biases(self, task: Task) -> int:
        config = self.config
        words: list[int] = []
        for bias, (multiplier, shift) in zip(task.biases, task.scales, strict=True):
            for index in range(config.bias_words - config.channel_scales):
                words.append(bias >> (STREAM_BITS * index) & WORD)
            if config.channel_scales:
                noise = self._random.getrandbits(STREAM_BITS)
                noise = noise >> (CHANNEL_SHIFT_LOW + CHANNEL_SHIFT_WIDTH)
                words.append(
                    multiplier << MULTIPLIER_LOW
                    | shift << CHANNEL_SHIFT_LOW
                    | noise << (CHANNEL_SHIFT_LOW + CHANNEL_SHIFT_WIDTH)
                )
        start, fence = self._claim(Destination.BIASES, len(task.biases), config.bias_entries)
        self._send(Header(Destination.BIASES, len(words), start, fence=fence), words)
        return start


def random_jobs(config: AcceleratorConfig, seed: int, computes: int) -> RandomJobs:
    """So many compute jobs in a row, then the whole memory."""
    jobs = RandomJobs(config, seed)
    for _ in range(computes):
        jobs.compute()
    jobs.store()
    return jobs
