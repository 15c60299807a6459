"""Which operations work on copies of their filters, or on parts of them, and which on neither.

`networks.schedule.division` says what that is.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hdl.config import REST_CYCLES, AcceleratorConfig
from hdl.lists import MIN_LIST_WORDS, ListLayout
from networks.schedule.division import WHOLE, Division, stored_order
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation
from networks.schedule.residency import resident_sets, stream_cost
from networks.schedule.schedule import Schedule
from networks.schedule.weights import Room
from networks.weight_lists import list_words

MOST_POSITIONS = 16
"""More are never tried."""

_LEAST_GAIN = 0.02
"""Share of an operation's cycles that a division must save."""

_SENT_WORD_CYCLES = 4
"""What a word more that is sent for every image is taken to cost, cautiously."""


@dataclass(frozen=True)
class Way:
    """An operation divided like that.

    `words`: list words in the fullest unit; `longest`: of one list; `sent`: stream words of all
    units, each time they are sent for an image; `entries`: in the bias memory; `cycles`: expected
    for an image.
    """

    division: Division
    words: int
    longest: int
    sent: float
    entries: int
    cycles: float


def plan_divisions(
    schedule: Schedule,
    config: AcceleratorConfig,
    capacity: Room,
    costs_of: Callable[[int], tuple[NDArray[np.float64], NDArray[np.float64]]],
    *,
    balance: bool,
    positions: bool = True,
) -> tuple[Division, ...]:
    """How each operation of a schedule is divided, on `list`; without `positions` only into parts.

    `capacity` of each unit's weight memory; `costs_of` operation `i` gives, for each of its
    filters, the words of its list and the cycles expected of a window on a unit.
    """
    operations = schedule.operations
    targets = [schedule.layouts[operation.target] for operation in operations]
    possible = [
        _possible(operation, target, config, positions)
        for operation, target in zip(operations, targets, strict=True)
    ]
    if all(found == (WHOLE,) for found in possible):
        return (WHOLE,) * len(possible)
    sends = Counter(id(stage.operation) for stage in schedule.stages())
    ways = []
    for index, (operation, found) in enumerate(zip(operations, possible, strict=True)):
        words, cycles = costs_of(index)
        sent = sends[id(operation)]
        ways.append(
            [_way(operation, own, config, words, cycles, sent, balance=balance) for own in found]
        )
    return choose_divisions(ways, capacity, config.bias_entries)


def _possible(
    operation: Operation, target: Layout, config: AcceleratorConfig, positions: bool
) -> tuple[Division, ...]:
    """Divisions that may serve an operation; the first is none."""
    found = _possible_positions(operation, target, config.units) if positions else (1,)
    parts = (Division(parts=2),) if config.partial_sums else ()
    return (*(Division(number) for number in found), *parts)


def _possible_positions(operation: Operation, target: Layout, units: int) -> tuple[int, ...]:
    """How many neighbours at a window could fill units better; all divide the output columns.

    If units have as many filters each, copies go where the filters are, and nothing is gained.
    Other channels in the target lie between neighbours: that cannot be.
    """
    if operation.outputs % units == 0 or operation.outputs != target.pixel_elements:
        return (1,)
    columns = operation.output_shape[2]
    return tuple(p for p in range(1, MOST_POSITIONS + 1) if columns % p == 0)


def _way(
    operation: Operation,
    division: Division,
    config: AcceleratorConfig,
    words: NDArray[np.float64],
    cycles: NDArray[np.float64],
    sends: int,
    *,
    balance: bool,
) -> Way:
    """An operation divided like that, if it is sent `sends` times for an image."""
    pool = operation.pool.kernel
    windows = operation.output_shape[1] * operation.output_shape[2] * pool[0] * pool[1]
    order = stored_order(cycles, config.units, division, balance=balance)
    own_words = division.words(words[order])
    lists = _unit_sums(own_words, config.units)
    spent = _unit_sums(division.cycles(cycles[order]), config.units)
    sent = lists.max() * len(lists) if config.lookahead == 1 else lists.sum()
    # the collector takes one result a cycle, whatever the units could
    window = max(float(spent.max()), division.positions * operation.outputs)
    return Way(
        division,
        max(MIN_LIST_WORDS, int(lists.max())),
        max(MIN_LIST_WORDS, int(own_words.max())),
        float(sent) * ListLayout.of(config).stream_words * sends,
        division.lists * operation.outputs,
        windows / division.positions * window,
    )


def list_costs(
    nonzero: NDArray[np.int64], density: NDArray[np.float64], lookahead: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Words and cycles of filters with so many weights, if that share of their inputs is active.

    A list word costs a cycle for each useful pair, but at least one; with a look-ahead of 1 one.
    """
    words = list_words(nonzero, lookahead).astype(np.float64)
    if lookahead == 1:
        return words, words
    full, rest = np.divmod(nonzero, lookahead)
    cycles = full * (lookahead * density + (1 - density) ** lookahead)
    cycles += np.where(rest > 0, rest * density + (1 - density) ** rest, 0.0)
    return words, np.maximum(cycles, REST_CYCLES)


def _unit_sums(lists: NDArray[np.float64], units: int) -> NDArray[np.float64]:
    """What `lists`, one number each, add up to in each unit that has any."""
    return np.asarray(np.bincount(np.arange(len(lists)) % units, weights=lists), np.float64)


def choose_divisions(
    ways: Sequence[Sequence[Way]], capacity: Room, entries: int
) -> tuple[Division, ...]:
    """Which of its `ways` each operation goes; the first leaves filters whole.

    Those that save most cycles come first to the room that is left in the weight memories
    (`capacity`) and in the bias memory (`entries`). Where not all weights stay on chip, what it
    costs the others, or more words of its own to send, counts against it.
    """
    first = [own[0] for own in ways]
    resident: frozenset[int] = frozenset()
    for resident in resident_sets([Room(way.words) for way in first], capacity):
        left = capacity - Room(sum(first[index].words for index in resident))
        rest = [way for index, way in enumerate(first) if index not in resident]
        if all(way.longest <= left.words for way in rest):
            break
    else:
        # one filter a unit is too much, as placing the weights will say
        return tuple(way.division for way in first)
    streamed = [Room(way.words) for way in rest]
    entries -= sum(way.entries for way in first)
    chosen = list(first)

    def saved(index: int, way: Way) -> float:
        cycles, more = first[index].cycles - way.cycles, 0.0
        if index not in resident:
            more = way.sent - first[index].sent
        elif streamed:
            taken = Room(way.words - first[index].words)
            more = stream_cost(streamed, left - taken) - stream_cost(streamed, left)
        return cycles - _SENT_WORD_CYCLES * more

    candidates = sorted(
        ((index, way) for index, own in enumerate(ways) for way in _better(own)),
        key=lambda item: item[1].cycles - first[item[0]].cycles,
    )
    for index, way in candidates:
        before = first[index]
        more, more_entries = way.words - before.words, way.entries - before.entries
        if chosen[index] is not before or more_entries > entries:
            continue
        if index in resident and more > left.words:
            continue
        if saved(index, way) > _LEAST_GAIN * before.cycles:
            chosen[index] = way
            entries -= more_entries
            if index in resident:
                left -= Room(more)
    return tuple(way.division for way in chosen)


def _better(ways: Sequence[Way]) -> list[Way]:
    """Ways that save enough against each before them, the first left out."""
    found = [ways[0]]
    for way in ways[1:]:
        if way.cycles < (1 - _LEAST_GAIN) * found[-1].cycles:
            found.append(way)
    return found[1:]
