"""Job registers: loops over windows and inside one, and what fits their fields."""

from dataclasses import dataclass

from hdl.registers import BY_NAME, WALK_LOOPS, WINDOW_LOOPS
from networks.layers import Layer
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation

_JUMP_MODULUS = 1 << 16
"""Addresses are added modulo the size of the activation memory, which divides this."""


@dataclass(frozen=True)
class Loop:
    """One loop level: iterations, and elements from one to the next."""

    iterations: int
    stride: int


ONCE = Loop(1, 0)


def window_loops(
    operation: Operation, layout: Layout, rows: int, positions: int = 1
) -> dict[str, Loop]:
    """The loops, by name, over the windows of `rows` output rows; `layout` is the source's.

    A window has so many neighbouring output `positions`.
    """
    stride_y = operation.strides[0] * layout.row_elements
    stride_x = operation.strides[1] * layout.pixel_elements
    pool = operation.pool
    return {
        "pool_x": Loop(pool.kernel[1], stride_x),
        "pool_y": Loop(pool.kernel[0], stride_y),
        "x": Loop(operation.output_shape[2] // positions, positions * pool.strides[1] * stride_x),
        "y": Loop(rows, pool.strides[0] * stride_y),
    }


def unfit_loops(operation: Operation) -> str | None:
    """Why the loops of an operation do not fit their registers, or None."""
    most = {level: _most(f"LOOP_{level.upper()}", "last") + 1 for level in ("row", *WINDOW_LOOPS)}
    loops = {
        "row": operation.weights.shape[2],
        "pool_x": operation.pool.kernel[1],
        "pool_y": operation.pool.kernel[0],
        "x": operation.output_shape[2],
        "y": operation.output_shape[1],
    }
    names = {
        "row": "kernel rows",
        "pool_x": "columns of max-pooling",
        "pool_y": "rows of max-pooling",
        "x": "output columns",
        "y": "output rows",
    }
    for level, iterations in loops.items():
        if iterations > most[level]:
            return f"{names[level]} must be at most {most[level]}, not {iterations}"
    return None


def loop_registers(layer: Layer, loops: dict[str, Loop]) -> dict[str, int]:
    """Values of the loop registers; a level's jump undoes the way of the levels inside it.

    Walk and window loops are two nests. Raises NetworkError if a value does not fit its field.
    """
    registers: dict[str, int] = {}
    for nest in (WALK_LOOPS, WINDOW_LOOPS):
        inner = 0
        for level in nest:
            loop = loops[level]
            last = loop.iterations - 1
            jump = loop.stride - inner if last else 0
            inner += last * loop.stride
            name = f"LOOP_{level.upper()}"
            registers[name] = encode(layer, name, last=last, jump=jump % _JUMP_MODULUS)
    return registers


def encode(layer: Layer, register: str, **values: int) -> int:
    """A register's word; raises NetworkError, with the layer's name, on what does not fit."""
    for name, value in values.items():
        if not 0 <= value <= _most(register, name):
            raise layer.error(
                f"{register}.{name} must be 0 to {_most(register, name)}, not {value}"
            )
    return BY_NAME[register].encode(**values)


def _most(register: str, field: str) -> int:
    return (1 << BY_NAME[register].field(field).width) - 1
