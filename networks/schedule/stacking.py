"""On `bitmap`, the network's input with kernel rows stacked: a window in fewer sections.

The host writes the input as the first layer reads it: at position (y, x) the elements of all kernel
rows of output row `y`, one row's channels after another's. Then kernel columns are contiguous runs
of all kernel rows. That repeats rows, but a window of few channels takes fewer sections.
"""

from dataclasses import replace

from hdl.config import AcceleratorConfig
from networks.graph import LayerGraph
from networks.program import RowStack
from networks.schedule.layout import Layout
from networks.schedule.lower import Lowered
from networks.schedule.operation import Operation
from networks.schedule.walk import plan_walk


def stack_input(
    graph: LayerGraph, lowered: Lowered, accelerator: AcceleratorConfig
) -> tuple[Lowered, RowStack | None]:
    """The same layers with a stacked input, if only one operation reads it and that helps it."""
    readers = graph.consumers(graph.input.name)
    index = graph.layers.index(readers[0]) - 1
    operations = lowered.operations.get(index, ())
    if accelerator.kind != "bitmap" or len(readers) != 1 or len(operations) != 1:
        return lowered, None
    (operation,) = operations
    if operation.joins or operation.groups != 1:
        return lowered, None
    stacked, stack = _stacked(operation)
    if _sections(stacked, accelerator) >= _sections(operation, accelerator):
        return lowered, None
    return replace(lowered, operations={**lowered.operations, index: (stacked,)}), stack


def _sections(operation: Operation, accelerator: AcceleratorConfig) -> int:
    layout = Layout(operation.input_shape, operation.pads)
    return plan_walk(operation, layout, layout.shape[0], accelerator).positions


def _stacked(operation: Operation) -> tuple[Operation, RowStack]:
    outputs, channels, rows, columns = operation.weights.shape
    top, left, _, right = operation.pads
    accumulated_rows = operation.accumulated_rows(operation.output_shape[1])
    stack = RowStack(accumulated_rows, rows, operation.strides[0], operation.dilations[0], top)
    weights = operation.weights.transpose(0, 2, 1, 3).reshape(outputs, rows * channels, 1, columns)
    stacked = replace(
        operation,
        weights=weights,
        input_shape=(rows * channels, accumulated_rows, operation.input_shape[2]),
        strides=(1, operation.strides[1]),
        dilations=(1, operation.dilations[1]),
        pads=(0, left, 0, right),
    )
    return stacked, stack
