"""ONNX attributes of windows: explicit and automatic padding, rounding up."""

from typing import Any

from networks.errors import NetworkError
from networks.layers import NO_PADS, Pads, Pair, Shape

_AUTOMATIC = {b"SAME_UPPER": False, b"SAME_LOWER": True}
"""Whether an odd element of padding goes to the beginning."""


def pads_of(
    attributes: dict[str, Any], shape: Shape, extent: Pair, strides: Pair, *, ceil: bool = False
) -> Pads:
    """Pads of a window over maps of `shape`; ONNX orders them top, left, bottom, right as we do.

    `ceil` rounds the number of windows up: that is what more padding at the end does, unless the
    last window would then lie in the padding altogether.
    """
    padding = attributes.get("auto_pad", b"NOTSET")
    if padding in _AUTOMATIC:
        before = _AUTOMATIC[padding]
        (top, bottom), (left, right) = (
            _same(size, *window, before=before)
            for size, *window in zip(shape[1:], extent, strides, strict=True)
        )
        return top, left, bottom, right
    if padding not in (b"NOTSET", b"VALID"):
        known = "NOTSET, VALID, SAME_UPPER or SAME_LOWER"
        raise NetworkError(f"attribute auto_pad must be {known}, not {padding.decode()}")
    pads = attributes.get("pads", list(NO_PADS)) if padding == b"NOTSET" else list(NO_PADS)
    if len(pads) != 4:
        raise NetworkError(f"attribute pads must have 4 values (two dimensions), not {pads}")
    if min(pads) < 0:
        raise NetworkError(f"attribute pads must be 0 or more, not {pads}")
    top, left, bottom, right = pads
    if ceil:
        bottom += _round_up(shape[1], top, bottom, extent[0], strides[0])
        right += _round_up(shape[2], left, right, extent[1], strides[1])
    return top, left, bottom, right


def _same(size: int, extent: int, stride: int, *, before: bool) -> Pair:
    total = max(0, (-(-size // stride) - 1) * stride + extent - size)
    half = total // 2
    return (total - half, half) if before else (half, total - half)


def _round_up(size: int, begin: int, end: int, extent: int, stride: int) -> int:
    left_over = (size + begin + end - extent) % stride
    if left_over == 0:
        return 0
    last_start = size + begin + end - extent - left_over + stride
    return stride - left_over if last_start < size + begin else 0
