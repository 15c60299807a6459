"""Operations of single layers, for the tests of the scheduler's parts."""

from hdl.config import AcceleratorConfig
from networks.formats import Format
from networks.graph import LayerGraph
from networks.layers import Input, Layer, Shape
from networks.schedule.layout import Layout
from networks.schedule.lower import lower
from networks.schedule.operation import Operation


def operation_of(
    layer: Layer, shape: Shape, accelerator: AcceleratorConfig | None = None
) -> Operation:
    """The one operation of a layer that reads the network's input, of `shape`."""
    formats = layer.source_formats
    source = Input(name="input", shape=shape, format=formats[0] if formats else Format(8, 0))
    lowered = lower(LayerGraph((source, layer)), accelerator or AcceleratorConfig(), {})
    (operation,) = lowered.operations[0]
    return operation


def layout_of(operation: Operation) -> Layout:
    """A source with the border that the operation needs."""
    return Layout(operation.input_shape, operation.pads)
