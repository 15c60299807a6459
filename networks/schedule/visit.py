"""The order of one visit to the accelerator, and what of it must wait until no job runs.

    inputs | tile 0's weights | job 0 | tile 1's weights | job 1 | ... | next inputs | store job

A job's register packet waits until the accelerator is idle, so what is behind it is received while
the job computes. Whatever could overwrite what a running job uses is fenced.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from hdl.packets import HEADER_WORDS
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation
from networks.schedule.residency import LayerPlacement, Placement
from networks.schedule.stage import Region, Stage


@dataclass
class ImageState:
    """What one image has left on chip so far.

    `stored` is what the last job sends out: it may still run when the next visit's packets come,
    at the first visit that of the image before. `streamed` are tiles, by the identity of their
    operations, that no other has replaced.
    """

    stored: Region | None = None
    streamed: list[tuple[int, Placement]] = field(default_factory=list)

    def in_order(self, operation: int, placement: LayerPlacement) -> tuple[Placement, ...]:
        """The tiles of an operation, from the last if the band before has left that on chip."""
        tiles = placement.tiles
        return tiles[::-1] if (operation, tiles[-1]) in self.streamed else tiles

    def stream(self, operation: int, placement: Placement) -> bool:
        """Notes that a tile is needed; whether it must be sent."""
        if (operation, placement) in self.streamed:
            return False
        kept = [item for item in self.streamed if not item[1].overlaps(placement)]
        self.streamed = [*kept, (operation, placement)]
        return True


class VisitWriter(ABC):
    """Goes through the stages of a visit; whoever extends it writes down each step."""

    def __init__(self, layouts: Mapping[str, Layout], lanes: int, state: ImageState) -> None:
        self.layouts, self.lanes, self._state = layouts, lanes, state
        self._busy_regions = [] if state.stored is None else [state.stored]
        self._busy_weights: Placement | None = None

    def stages(self, stages: Sequence[Stage]) -> None:
        """All stages; what the following one needs is sent as early as there is room for it."""
        prepared = self._preparation(stages[0])
        for stage, following in zip(stages, [*stages[1:], None], strict=True):
            for _, send in prepared:
                send()
            self._compute(stage)
            stored = [stage.regions[name] for name in stage.stores]
            prepared = []
            for region, send in self._preparation(following) if following is not None else []:
                if any(region.overlaps(other, self.lanes) for other in stored):
                    prepared.append((region, send))
                else:
                    send()
            for name in stage.stores:
                region = stage.regions[name]
                last = following is None and name == stage.stores[-1]
                self.store(stage, name, region, last=last)
                self._state.stored = region
                self._busy_regions, self._busy_weights = [region], None

    @abstractmethod
    def placement(self, operation: Operation) -> LayerPlacement:
        """Where an operation's weights are."""

    @abstractmethod
    def load(self, stage: Stage, name: str, region: Region, *, fence: bool) -> None:
        """A tensor, or rows of it, is sent from its buffer."""

    @abstractmethod
    def clear(self, stage: Stage, address: int, words: int, *, fence: bool) -> None:
        """So many words from word `address` on are zeroed; jobs overwrite what is inside."""

    @abstractmethod
    def weights(self, stage: Stage, placement: Placement, *, fence: bool) -> None:
        """A tile is sent."""

    @abstractmethod
    def compute(self, stage: Stage, placement: Placement) -> None:
        """A job starts on a tile."""

    @abstractmethod
    def store(self, stage: Stage, name: str, region: Region, *, last: bool) -> None:
        """A job starts that sends a tensor, or rows of it, back to its buffer; `last` of all."""

    def _preparation(self, stage: Stage) -> list[tuple[Region, Callable[[], None]]]:
        """What must be sent before a stage's jobs, with the region it goes to."""
        regions = stage.regions
        steps: list[tuple[Region, Callable[[], None]]] = [
            (regions[name], partial(self._load, stage, name)) for name in stage.loads
        ]
        if stage.clear:
            steps.append((regions[stage.operation.target], partial(self._clear, stage)))
        return steps

    def _load(self, stage: Stage, name: str) -> None:
        region = stage.regions[name]
        self.load(stage, name, region, fence=self._fence(region))

    def _clear(self, stage: Stage) -> None:
        target = stage.operation.target
        region = stage.regions[target]
        for first, end in border_words(self.layouts[target], region, self.lanes):
            address = region.address // self.lanes + first
            self.clear(stage, address, end - first, fence=self._fence(region))

    def _compute(self, stage: Stage) -> None:
        """One job a tile of the operation, each behind its weights if they are not on chip."""
        operation = stage.operation
        placed = self.placement(operation)
        for placement in self._state.in_order(id(operation), placed):
            if not placed.resident and self._state.stream(id(operation), placement):
                busy = self._busy_weights
                fence = busy is not None and busy.overlaps(placement)
                self.weights(stage, placement, fence=fence)
            self.compute(stage, placement)
            self._busy_regions = [
                stage.regions[name] for name in (*operation.sources, operation.target)
            ]
            self._busy_weights = placement

    def _fence(self, region: Region) -> bool:
        """Whether a running job uses that region; if so, none runs behind the packet."""
        fence = any(region.overlaps(other, self.lanes) for other in self._busy_regions)
        if fence:
            self._busy_regions, self._busy_weights = [], None
        return fence


def border_words(layout: Layout, region: Region, lanes: int) -> list[tuple[int, int]]:
    """Words of a region, as (first, end), that hold all of the border.

    Where sending another packet takes longer than zeroing what lies between, that is zeroed too.
    """
    first_row = region.first_word * lanes // layout.row_elements
    rows = min(layout.rows - first_row, region.words * lanes // layout.row_elements)
    words: list[tuple[int, int]] = []
    for first, end in layout.border(first_row, rows):
        start, stop = first // lanes, -(-end // lanes)
        if words and start - words[-1][1] <= HEADER_WORDS + 1:
            words[-1] = words[-1][0], stop
        else:
            words.append((start, stop))
    return words
