"""List words and the activations they point at, under a random `advance`."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from hdl.activation_copy import activation_copy, mark_elements
from hdl.bundles import ActivationWrite, ListLoad, LoadWrite, bit, word
from hdl.config import STREAM_BITS, AcceleratorConfig
from hdl.list_fetch import fetch_cycles, list_entry, list_fetch
from hdl.lists import ListLayout
from tests.hdl.bench import packed, run, small_config

BASE_CYCLES = 2
CASES = [
    small_config(kind="list", lookahead=lookahead, bits=bits, list_words=16, channel_scales=scales)
    for (lookahead, bits), scales in zip(
        product((1, 2, 4), (8, 16, 32)), (False, True) * 5, strict=False
    )
]


@dataclass(frozen=True)
class Word:
    """A list word."""

    pairs: list[tuple[int, int]]
    last: bool
    turn: bool


class Bench:
    """The stage with copies of the activations, and what is in its memories."""

    def __init__(self, config: AcceleratorConfig, random_: random.Random) -> None:
        self.config = config
        size, bits, slots = config.activation_elements, config.bits, config.lookahead
        row_bits = config.element_address_bits - (config.lanes - 1).bit_length()
        self.clock, self.advance, self.load_enable = bit(), bit(), bit()
        self.early_last, self.late_last, self.last, self.ends = (bit() for _ in range(4))
        self.load, self.write = LoadWrite(config), ActivationWrite(config)
        self.listed = ListLoad(config)
        self.listed.address = self.load.address
        marked, kept = slots > 1, self.write
        if marked:
            kept = ActivationWrite(config, marked=True)
            kept.enable, kept.wide = self.write.enable, self.write.wide
            kept.address = self.write.address
        self.pointer, self.base = word(4), word(config.element_address_bits)
        rows = [word(row_bits) for _ in range(slots)]
        words = [word(len(kept.data)) for _ in range(slots)]
        self.pairs = word(slots)
        self.weights = word(slots * bits)
        self.activations = [word(bits) for _ in range(slots)]
        self.unsigned, self.negative = bit(), [bit() for _ in range(slots)]
        self.dut = [
            list_entry(self.load, self.listed.entry, config=config),
            list_fetch(
                self.clock, self.advance, self.listed, self.load_enable, self.pointer,
                self.base, self.unsigned, rows, words, self.weights, self.activations,
                self.negative, self.pairs, self.early_last, self.late_last, self.last, self.ends,
                config=config,
            ),
            *(
                activation_copy(self.clock, kept, self.advance, row, read, config=config)
                for row, read in zip(rows, words, strict=True)
            ),
        ]  # fmt: skip
        if marked:
            self.dut.append(mark_elements(self.write.data, kept.data, config=config))
        limit = 1 << (bits - 1)
        extremes = [-limit, limit - 1, -1, 0]
        self.contents = [
            random_.choice([*extremes, random_.randrange(-limit, limit)]) for _ in range(size)
        ]
        self.words = [
            Word(
                [
                    (random_.randrange(size), random_.choice([*extremes, 7]))
                    for _ in range(random_.randint(0, slots))
                ],
                random_.random() < 0.5,
                random_.random() < 0.5,
            )
            for _ in range(config.list_words)
        ]

    def preload(self, random_: random.Random) -> Iterator[Any]:
        lanes, bits = self.config.lanes, self.config.bits
        self.write.enable.next, self.write.wide.next = True, True
        for place in range(0, len(self.contents), lanes):
            self.write.address.next = place
            self.write.data.next = packed(self.contents[place : place + lanes], bits)
            yield self.clock.posedge
        self.write.enable.next, self.load_enable.next = False, True
        layout = ListLayout.of(self.config)
        for index, item in enumerate(self.words):
            stream = layout.encode(item.pairs, last=item.last, turn=item.turn)
            # the newest words are on top; below them is what came before
            older = len(self.load.entry) // STREAM_BITS - len(stream)
            before = [random_.getrandbits(STREAM_BITS) for _ in range(older)]
            self.load.entry.next = packed([*before, *stream], STREAM_BITS)
            self.load.address.next = index + len(self.words) * random_.randrange(9)
            yield self.clock.posedge
        self.load_enable.next = False

    def shown(self) -> tuple[int, int, int, bool]:
        activations = packed([int(item) for item in self.activations], self.config.bits)
        return int(self.weights), activations, int(self.pairs), bool(self.last)

    def fetched(self, index: int, place: int) -> tuple[int, int, int, bool]:
        """What list word `index` must bring for the window at `place`."""
        size, bits = self.config.activation_elements, self.config.bits
        item = self.words[index]
        weights = [weight for _, weight in item.pairs]
        unused = [(0, 0)] * (self.config.lookahead - len(item.pairs))
        activations = [
            self.contents[(place + offset) % size] for offset, _ in [*item.pairs, *unused]
        ]
        pairs = sum(
            1 << slot
            for slot, pair in enumerate(zip(weights, activations, strict=False))
            if all(pair) and self.config.lookahead > 1
        )
        return packed(weights, bits), packed(activations, bits), pairs, item.last


@pytest.mark.parametrize("unsigned", [False, True])
@pytest.mark.parametrize("config", CASES, ids=lambda c: f"{c.lookahead}-{c.bits}")
def test_weights_meet_their_activations(config: AcceleratorConfig, unsigned: bool) -> None:
    random_ = random.Random(config.lookahead * config.bits)
    bench = Bench(config, random_)
    size = config.activation_elements
    latency = fetch_cycles(config)

    def script() -> Iterator[Any]:
        bench.unsigned.next = unsigned
        yield from bench.preload(random_)
        # list words and windows that were asked for, an advance each
        asked: list[tuple[int, int]] = []
        for _ in range(200):
            index, place = random_.randrange(config.list_words), random_.randrange(size)
            bench.pointer.next = index
            bench.base.next = asked[-BASE_CYCLES][1] if len(asked) >= BASE_CYCLES else 0
            bench.advance.next = random_.random() < 0.6
            yield bench.clock.posedge
            if len(asked) >= latency:
                assert bench.shown() == bench.fetched(*asked[-latency])
                if config.lookahead == 1:
                    sign = bool(bench.activations[0][config.bits - 1])
                    assert bench.negative[0] == (sign and not unsigned)
                assert bench.late_last == bench.words[asked[1 - latency][0]].last
                assert bench.early_last == bench.words[asked[2 - latency][0]].last
                assert bench.ends == bench.words[asked[-1][0]].turn
            if bench.advance:
                asked.append((index, place))
        assert len(asked) > 80

    run(bench.clock, bench.dut, script=script)
