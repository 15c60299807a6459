"""What runs where and when: host layers, and visits to the accelerator with places on chip."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hdl.config import AcceleratorConfig
from networks.graph import LayerGraph
from networks.program import RowStack
from networks.schedule.activations import plan_visits
from networks.schedule.bands import RoomError
from networks.schedule.layout import Layout, plan_layouts
from networks.schedule.lower import Lowered, lower
from networks.schedule.operation import Operation
from networks.schedule.partition import partition, read_by_others
from networks.schedule.stacking import stack_input
from networks.schedule.stage import Region, Stage


@dataclass(frozen=True, eq=False)
class Schedule:
    """Steps in order: a host layer's index, or the stages of a visit to the accelerator.

    `layouts` are those of all tensors by name, `operations` all of the accelerator's in order.
    `input_stack` says how rows of the network's input are stacked, if they are.
    """

    lowered: Lowered
    layouts: Mapping[str, Layout]
    operations: tuple[Operation, ...]
    steps: tuple[int | tuple[Stage, ...], ...]
    input_stack: RowStack | None

    @property
    def last_stored(self) -> Region | None:
        """Where the tensor is that an image's last job sends out; None if all is the host's."""
        stages = list(self.stages())
        return stages[-1].regions[stages[-1].stores[-1]] if stages else None

    def stages(self) -> Iterator[Stage]:
        """The stages of all visits, in order."""
        return (stage for step in self.steps if isinstance(step, tuple) for stage in step)

    def distances(self, lanes: int) -> dict[int, int]:
        """Elements from the first source to the second of each operation, by its identity."""
        return {id(stage.operation): stage.distance(lanes) for stage in self.stages()}


def make_schedule(graph: LayerGraph, accelerator: AcceleratorConfig) -> Schedule:
    """The schedule of all layers; one that does not fit the activation memory is the host's.

    Raises NetworkError if sums of a layer with weights could overflow the accumulators.
    """
    too_large: dict[int, str] = {}
    while True:
        lowered = lower(graph, accelerator, too_large)
        try:
            plain = _schedule(graph, lowered, None, accelerator)
        except RoomError as error:
            too_large[error.index] = str(error)
        else:
            return _with_stack(graph, plain, accelerator) or plain


def _with_stack(
    graph: LayerGraph, plain: Schedule, accelerator: AcceleratorConfig
) -> Schedule | None:
    """The schedule with rows of the input stacked, if that helps and costs no visit more."""
    lowered, stack = stack_input(graph, plain.lowered, accelerator)
    if stack is None:
        return None
    try:
        stacked = _schedule(graph, lowered, stack, accelerator)
    except RoomError:
        return None
    return stacked if len(stacked.steps) <= len(plain.steps) else None


def _schedule(
    graph: LayerGraph, lowered: Lowered, stack: RowStack | None, accelerator: AcceleratorConfig
) -> Schedule:
    runs = partition(graph, lowered)
    operations = tuple(item for run in runs if isinstance(run, tuple) for item in run)
    shapes = dict(graph.shapes)
    for operation in operations:
        shapes |= dict.fromkeys(operation.sources, operation.input_shape)
    layouts = plan_layouts(operations, shapes)
    written: Counter[str] = Counter()
    steps: list[int | tuple[Stage, ...]] = []
    for run in runs:
        if isinstance(run, int):
            steps.append(run)
        else:
            outside = read_by_others(graph, run)
            steps += plan_visits(run, layouts, outside, written, accelerator)
    return Schedule(lowered, layouts, operations, tuple(steps), stack)
