"""The activation memory: which tensors are on chip when, and where.

Operations that follow one another share the memory: a tensor takes its place when it is first
written or sent, and gives it back behind its last reader. Operations are put together as long as
there is room for all that lives; then what is still needed is in system memory, and the next ones
start from an empty memory. An operation that does not fit by itself is cut into row bands.
"""

from collections import Counter
from collections.abc import Mapping, Sequence, Set

from hdl.config import AcceleratorConfig
from networks.schedule.bands import plan_bands
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation
from networks.schedule.stage import Region, Stage

_ALIGNMENT_ELEMENTS = 32
"""Preferred alignment of tensors; whole words are enough."""
_MAX_TRIES = 1000

_Live = dict[str, Region]


def plan_visits(
    run: Sequence[Operation],
    layouts: Mapping[str, Layout],
    read_outside: Set[str],
    written: Counter[str],
    accelerator: AcceleratorConfig,
) -> list[tuple[Stage, ...]]:
    """Stages of each visit to the accelerator, one visit after the other.

    Results in `read_outside` are read by others than the operations of this run. `written` counts
    the operations that have written each tensor so far, and is updated. Raises RoomError if an
    operation is too large.
    """
    visits: list[tuple[Stage, ...]] = []
    first = 0
    while first < len(run):
        end, placed = first, None
        while end < len(run):
            more = _placed(run[first : end + 1], layouts, accelerator)
            if more is None:
                break
            end, placed = end + 1, more
        if placed is None:
            operation = run[first]
            reload = written[operation.target] > 0
            written[operation.target] += 1
            visits.append(plan_bands(operation, layouts, accelerator, reload_target=reload))
            end += 1
        else:
            later = {name for item in run[end:] for name in _tensors(item)} | read_outside
            visits.append(_visit(run[first:end], placed, later, written))
        first = end
    return visits


def _tensors(operation: Operation) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*operation.sources, operation.target)))


def _placed(
    operations: Sequence[Operation], layouts: Mapping[str, Layout], accelerator: AcceleratorConfig
) -> list[_Live] | None:
    """Regions that live at each operation, or None if no way was found to fit all."""
    for alignment in dict.fromkeys((_ALIGNMENT_ELEMENTS, accelerator.lanes)):
        found = _Search(operations, layouts, alignment, accelerator).run()
        if found is not None:
            return found
    return None


class _Search:
    """Regions for all tensors of operations.

    Each new tensor takes the lowest gap or the highest; with both ends in use, neighbours in a
    chain that fit the memory together always find room. Tries are limited.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        layouts: Mapping[str, Layout],
        alignment: int,
        accelerator: AcceleratorConfig,
    ) -> None:
        self._operations, self._alignment = operations, alignment
        self._lanes, self._capacity = accelerator.lanes, accelerator.activation_elements
        self._last_use = {
            name: index for index, item in enumerate(operations) for name in _tensors(item)
        }
        self._words = {
            name: -(-layouts[name].elements // accelerator.lanes) for name in self._last_use
        }
        self._tries = _MAX_TRIES

    def run(self) -> list[_Live] | None:
        """Regions that live at each operation."""
        return self._rest([], {})

    def _rest(self, done: list[_Live], live: _Live) -> list[_Live] | None:
        """Places what the operation behind `done` misses, one tensor, then the rest."""
        index = len(done)
        if index == len(self._operations):
            return done
        missing = [name for name in _tensors(self._operations[index]) if name not in live]
        if not missing:
            kept = {name: place for name, place in live.items() if self._last_use[name] > index}
            return self._rest([*done, live], kept)
        for region in self._choices(missing[0], live):
            self._tries -= 1
            found = self._rest(done, live | {missing[0]: region})
            if found is not None or self._tries <= 0:
                return found
        return None

    def _choices(self, name: str, live: _Live) -> list[Region]:
        words = self._words[name]
        size = _round_up(words * self._lanes, self._alignment)
        used = sorted((place.address, place.words * self._lanes) for place in live.values())
        gaps: list[tuple[int, int]] = []
        start = 0
        for address, length in [*used, (self._capacity, 0)]:
            first, end = _round_up(start, self._alignment), address - address % self._alignment
            if end - first >= size:
                gaps.append((first, end))
            start = address + length
        places = dict.fromkeys((gaps[0][0], gaps[-1][1] - size)) if gaps else {}
        return [Region(address, 0, words) for address in places]


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _visit(
    operations: Sequence[Operation],
    placed: Sequence[_Live],
    later: Set[str],
    written: Counter[str],
) -> tuple[Stage, ...]:
    """What is sent before each operation, and sent back behind it, of what is read `later`."""
    last_writes = {item.target: index for index, item in enumerate(operations)}
    on_chip: Set[str] = set()
    stages: list[Stage] = []
    for index, (operation, regions) in enumerate(zip(operations, placed, strict=True)):
        target = operation.target
        missing = [name for name in _tensors(operation) if name not in on_chip]
        new = target in missing and written[target] == 0
        written[target] += 1
        stages.append(
            Stage(
                operation,
                0,
                operation.output_shape[1],
                regions,
                loads=tuple(name for name in missing if not (new and name == target)),
                clear=new,
                stores=(target,) if target in later and last_writes[target] == index else (),
            )
        )
        on_chip = regions.keys()
    return tuple(stages)
