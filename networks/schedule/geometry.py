"""What one layer asks of the accelerator: support, loops, register values, widths."""

from dataclasses import dataclass

import numpy as np

from hdl.config import AcceleratorConfig
from hdl.registers import BY_NAME, LOOPS
from networks.layers import NO_PADS, Compute, Conv, Layer, Pool, Shape

_SHIFT_FIELD = BY_NAME["JOB_OUTPUT"].field("shift")
_NO_POOL = Pool((1, 1), (1, 1))


@dataclass(frozen=True)
class Loop:
    """One loop level: iterations, and elements of the input from one to the next."""

    iterations: int
    stride: int


def unsupported(layer: Layer, accelerator: AcceleratorConfig) -> str | None:
    """Why the host must execute `layer`, or None if the accelerator can."""
    if not isinstance(layer, Compute):
        return f"{layer.op} alone is not an accelerator job"
    if layer.pads != NO_PADS:
        return f"pads must be 0, not {layer.pads}"
    if accelerator.kind != "list":  # a list has an offset a weight: any window will do
        if layer.groups != 1:
            return f"groups must be 1, not {layer.groups}"
        if layer.dilations[1] != 1 and layer.weights.shape[3] != 1:
            return f"horizontal dilation must be 1, not {layer.dilations[1]}"
    for what in (layer.input_format, layer.weight_format, layer.output_format):
        if what is None:
            raise layer.error("must be quantised before it is scheduled")
        if what.bits != accelerator.bits or not what.signed:
            return f"numbers must be int{accelerator.bits}, not {what}"
    factors = set(layer.factors)
    if len(factors) > 1 or next(iter(factors)).multiplier != 1:
        return "scales must be powers of two, the same for all channels"
    saturation = layer.known_output_format.max
    if layer.bounds[1] < saturation:
        return f"upper limit must be {saturation} (saturation) at least, not {layer.bounds[1]}"
    most = min(accelerator.accumulator_bits - 2, _SHIFT_FIELD.mask >> _SHIFT_FIELD.low)
    if not 0 <= layer.shift <= most:
        return f"right shift must be 0 to {most}, not {layer.shift}"
    return None


def merges_rows(layer: Compute, shape: Shape) -> bool:
    """Whether all kernel rows are one contiguous run: the kernel is as wide as its input."""
    return layer.weights.shape[3] == shape[2] and layer.dilations[0] == 1


def input_band(layer: Compute, first_row: int, rows: int) -> tuple[int, int]:
    """First row and number of rows of the input under `rows` output rows from `first_row`."""
    pool = layer.pool or _NO_POOL
    accumulated_rows = (rows - 1) * pool.strides[0] + pool.kernel[0]
    first = first_row * pool.strides[0] * layer.strides[0]
    return first, (accumulated_rows - 1) * layer.strides[0] + layer.kernel_extent[0]


def run_loops(layer: Compute, shape: Shape, step_elements: int) -> dict[str, Loop]:
    """The loops, by name, over one window that is read as runs in steps of `step_elements`."""
    channels, _, width = shape
    _, _, kernel_rows, kernel_width = layer.weights.shape
    run, runs = kernel_width * channels, kernel_rows
    if merges_rows(layer, shape):
        run, runs = run * runs, 1
    return {
        "step": Loop(-(-run // step_elements), step_elements),
        "row": Loop(runs, layer.dilations[0] * width * channels),
    }


def list_loops(length: int) -> dict[str, Loop]:
    """The loops, by name, over one window that is read as `length` list words."""
    return {"step": Loop(length, 0), "row": Loop(1, 0)}


def window_loops(layer: Compute, shape: Shape, rows: int) -> dict[str, Loop]:
    """The loops, by name, over the windows of `rows` output rows; `shape` is the input's."""
    channels, _, width = shape
    _, _, output_width = layer.output_shape(shape)
    pool = layer.pool or _NO_POOL
    stride_y, stride_x = (layer.strides[0] * width * channels, layer.strides[1] * channels)
    if not isinstance(layer, Conv):
        stride_y = stride_x = 0
    return {
        "pool_x": Loop(pool.kernel[1], stride_x),
        "pool_y": Loop(pool.kernel[0], stride_y),
        "x": Loop(output_width, pool.strides[1] * stride_x),
        "y": Loop(rows, pool.strides[0] * stride_y),
    }


def loop_registers(layer: Compute, nest: dict[str, Loop]) -> dict[str, int]:
    """Values of the loop registers; a level's jump undoes the way of the levels inside it.

    Raises NetworkError if a value does not fit its field.
    """
    registers: dict[str, int] = {}
    inner = 0
    for level in LOOPS:
        loop = nest[level]
        last = loop.iterations - 1
        jump = loop.stride - inner if last else 0
        inner += last * loop.stride
        name = f"LOOP_{level.upper()}"
        registers[name] = encode(layer, name, last=last, jump=jump)
    return registers


def encode(layer: Compute, register: str, **values: int) -> int:
    """A register's word; raises NetworkError, with the layer's name, on what does not fit."""
    for name, value in values.items():
        width = BY_NAME[register].field(name).width
        low, high = (-(1 << (width - 1)), 1 << (width - 1)) if name == "jump" else (0, 1 << width)
        if not low <= value < high:
            raise layer.error(f"{register}.{name} must be {low} to {high - 1}, not {value}")
    return BY_NAME[register].encode(**values)


def accumulator_bits(layer: Compute, input_range: tuple[int, int]) -> int:
    """Width, sign included, that holds every partial sum of every filter in any order.

    Bounds each product by the input's range, and adds what rounding adds before its shift.
    """
    lowest, highest = max(0, -input_range[0]), max(0, input_range[1])
    weights = layer.weights.reshape(layer.outputs, -1).astype(np.int64)
    positive = np.maximum(weights, 0).sum(axis=1).astype(object)
    negative = np.maximum(-weights, 0).sum(axis=1).astype(object)
    up = positive * highest + negative * lowest
    down = positive * lowest + negative * highest
    if layer.bias is not None:
        up += np.maximum(layer.bias, 0).astype(object)
        down += np.maximum(-layer.bias, 0).astype(object)
    peak, trough = int(up.max()) + (1 << layer.shift >> 1), int(down.max())
    return 1 + max(peak.bit_length(), max(trough - 1, 0).bit_length())


def checked_accumulator_bits(
    layer: Compute, input_range: tuple[int, int], accelerator: AcceleratorConfig
) -> int:
    """`accumulator_bits`; raises NetworkError if the accelerator's accumulators are narrower."""
    bits = accumulator_bits(layer, input_range)
    if bits > accelerator.accumulator_bits:
        raise layer.error(
            f"accumulators must fit {accelerator.accumulator_bits} bits, the worst case is {bits}"
        )
    return bits
