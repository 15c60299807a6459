"""Random compute jobs, as their registers describe them, and the results that they must have."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from hdl.config import SECTION_BITS, AcceleratorConfig
from hdl.registers import WALK_LOOPS, WINDOW_LOOPS

Weights = list[tuple[int, int]]
"""A filter: (offset from the window's first element, value)."""

UNIT_WEIGHTS = 60
"""Weights that a job holds in each unit at most."""


def job_config(kind: str, *, bits: int, units: int, **changes: Any) -> AcceleratorConfig:
    """Memories that hold two jobs, so that one loads while the other runs."""
    sizes = {
        "activation_elements": 512 if kind == "bitmap" or bits == 8 else 256,
        "weight_words": 4 * bits,
        "bitmap_words": 64,
        "list_words": 128,
        "bias_entries": max(32, 1 << (2 * units + 1).bit_length()),
    }
    return AcceleratorConfig.model_validate(
        {"kind": kind, "bits": bits, "units": units, **sizes, **changes}
    )


@dataclass(frozen=True)
class Loop:
    """Iterations of a level, and elements that are added when it goes on."""

    count: int
    jump: int


@dataclass(frozen=True)
class Task:
    """A compute job; `scales` are the multiplier and shift of each filter.

    With `parts` two filters in a row make one output channel, with the first's bias and scale.
    """

    loops: dict[str, Loop]
    filters: list[Weights]
    biases: list[int]
    scales: list[tuple[int, int]]
    low: int
    high: int
    unsigned_input: bool
    unsigned_output: bool
    input: int = 0
    output: int = 0
    pitch: int = 0
    line: int = 0
    parts: bool = False

    @property
    def channels(self) -> list[tuple[Weights, int, tuple[int, int]]]:
        """Weights, bias and scale of each output channel."""
        step = 2 if self.parts else 1
        return [
            (
                [weight for weights in self.filters[first : first + step] for weight in weights],
                self.biases[first],
                self.scales[first],
            )
            for first in range(0, len(self.filters), step)
        ]

    def outputs(self) -> Iterator[tuple[int, list[int]]]:
        """Of each output position the place of channel 0 and the windows that are pooled."""
        pool_x, pool_y, x, y = (self.loops[level] for level in WINDOW_LOOPS)
        base, place = self.input, self.output
        for _ in range(y.count):
            for column in range(x.count):
                windows = []
                for pool_row in range(pool_y.count):
                    for pool_column in range(pool_x.count):
                        windows.append(base)
                        if pool_column < pool_x.count - 1:
                            base += pool_x.jump
                        elif pool_row < pool_y.count - 1:
                            base += pool_y.jump
                yield place, windows
                base += x.jump if column < x.count - 1 else y.jump
                place += self.pitch if column < x.count - 1 else self.line

    def result(self, channel: int, activations: Sequence[int]) -> int:
        """A channel's result at one window; `activations` belong to its weights."""
        weights, bias, (multiplier, shift) = self.channels[channel]
        products = zip(weights, activations, strict=True)
        total = sum(weight[1] * activation for weight, activation in products)
        scaled = Fraction((total + bias) * multiplier, 1 << shift)
        return min(max(round(scaled), self.low), self.high)  # `round` takes halves to even


def walk_offsets(loops: dict[str, Loop]) -> list[int]:
    """Offset of each step of a filter, from the window's first element."""
    step, row = (loops[level] for level in WALK_LOOPS)
    offsets, offset = [], 0
    for _ in range(row.count):
        for index in range(step.count):
            offsets.append(offset)
            offset += step.jump if index < step.count - 1 else row.jump
    return offsets


class TaskSource:
    """Makes tasks for an accelerator, one like no other.

    Some have many filters a unit, some few and short windows, which are bound by what comes behind
    the multipliers. Each filter has a density of its own, so that units differ in their work.
    """

    def __init__(self, config: AcceleratorConfig, random_: random.Random) -> None:
        self.config = config
        self.random = random_

    def task(self) -> Task:
        """A task at random places, at which what it reads and writes lies apart."""
        while True:
            placed = self._placed(self._task())
            if placed is not None:
                return placed

    def value(self, density: float) -> int:
        """A signed operand: zero, an extreme, or anything."""
        if self.random.random() >= density:
            return 0
        limit = 1 << (self.config.bits - 1)
        return self.random.choice([-limit, limit - 1, self.random.randrange(-limit, limit)])

    def _task(self) -> Task:
        pick, choice, bits = self.random.randint, self.random.choice, self.config.bits
        thin = self.random.random() < 0.3
        loops = self._loops(thin)
        steps = loops["step"].count * loops["row"].count
        units = self.config.units
        channels = pick(
            1, units if thin else max(1, min(2 * units + 2, UNIT_WEIGHTS // steps * units))
        )
        parts = self.config.partial_sums and self.random.random() < 0.6
        channels += parts and channels % 2
        unsigned_output = self.random.random() < 0.4
        least = 0 if unsigned_output else -(1 << (bits - 1))
        most = least + (1 << bits) - 1
        some = sorted(pick(least, most) for _ in range(2))
        low, high = choice([(least, most), (0, most), some])
        scale = self._scale()
        return Task(
            loops,
            self._filters(loops, channels),
            [pick(-(1 << (2 * bits + choice([-8, 5]))), 1 << (2 * bits)) for _ in range(channels)],
            [self._scale() if self.config.channel_scales else scale for _ in range(channels)],
            low,
            high,
            self.random.random() < 0.4,
            unsigned_output,
            parts=parts,
        )

    def _loops(self, thin: bool) -> dict[str, Loop]:
        pick, choice = self.random.randint, self.random.choice
        bitmap = self.config.kind == "bitmap"
        counts = {
            "step": 1 if thin else pick(1, 2 if bitmap else 8),
            "row": 1 if thin else pick(1, 3),
            "pool_x": choice([1, 1, 2, 3]),
            "pool_y": choice([1, 1, 2]),
            "x": pick(1, 6 if thin else 3),
            "y": pick(1, 4 if thin else 2),
        }
        if self.random.random() < 0.25:
            counts |= dict.fromkeys(WINDOW_LOOPS, 1)
        loops = {}
        for level, count in counts.items():
            jump = pick(1, SECTION_BITS) if bitmap and level == "step" else pick(-12, 20)
            # the jump of a loop that does not iterate must not matter
            loops[level] = Loop(count, jump if count > 1 else pick(-(1 << 15), (1 << 15) - 1))
        return loops

    def _scale(self) -> tuple[int, int]:
        pick, choice, bits = self.random.randint, self.random.choice, self.config.bits
        if not self.config.channel_scales:
            return 1, choice([0, pick(0, 2 * bits), bits + 2])
        multiplier = choice([0, 1, 3, (1 << 16) - 1, self.random.getrandbits(16)])
        return multiplier, choice([0, pick(0, 2 * bits + 16), bits + 16])

    def _filters(self, loops: dict[str, Loop], channels: int) -> list[Weights]:
        pick, choice = self.random.randint, self.random.choice
        walk = walk_offsets(loops)
        kind, units = self.config.kind, self.config.units
        room = [UNIT_WEIGHTS] * units
        filters = []
        for channel in range(channels):
            density = choice([0.0, 0.1, 0.4, 1.0])
            if kind == "list":
                span = choice([8, 64])
                offsets = [self.random.randrange(span) for _ in range(pick(0, 12))]
                weights = [(offset, self.value(density)) for offset in offsets]
                weights = [weight for weight in weights if weight[1]]
            elif kind == "dense":
                weights = [(offset, self.value(density)) for offset in walk]
            else:
                weights = []
                for offset in (first + i for first in walk for i in range(SECTION_BITS)):
                    value = self.value(density / 3) if room[channel % units] else 0
                    room[channel % units] -= value != 0
                    weights.append((offset, value))
            filters.append(weights)
        return filters

    def _placed(self, task: Task) -> Task | None:
        """The task at random places; None if it would read what it writes."""
        size, channels = self.config.activation_elements, len(task.channels)
        pitch, line = (channels + self.random.choice([0, 0, 1, 7]) for _ in range(2))
        if task.loops["x"].count * task.loops["y"].count * max(pitch, line) > size // 2:
            return None
        placed = replace(
            task,
            input=self.random.randrange(size),
            output=self.random.randrange(size),
            pitch=pitch,
            line=line,
        )
        offsets = {offset for weights in task.filters for offset, _ in weights}
        if self.config.kind == "bitmap":  # it reads each section with its neighbour
            offsets |= {offset + 2 * SECTION_BITS - 1 for offset in walk_offsets(task.loops)}
        read, written = set(), set()
        for place, windows in placed.outputs():
            written |= {place + channel for channel in range(channels)}
            read |= {base + offset for base in windows for offset in offsets}
        return None if self._sections(read) & self._sections(written) else placed

    def _sections(self, elements: set[int]) -> set[int]:
        size = self.config.activation_elements
        return {element % size // SECTION_BITS for element in elements}
