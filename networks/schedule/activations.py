"""Activations: chains of layers that stay on chip, and row bands where they do not fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

from hdl.config import AcceleratorConfig
from networks.layers import Compute, Shape, elements
from networks.schedule.geometry import input_band

_ALIGNMENT_ELEMENTS = 32
"""Preferred alignment of tensors; whole words are enough."""


@dataclass(frozen=True)
class Work:
    """A layer with the index it has in the program and its shapes."""

    index: int
    layer: Compute
    input_shape: Shape
    output_shape: Shape


@dataclass(frozen=True)
class Band:
    """Output rows of a chain's last layer computed at a time, and where everything is on chip.

    `words` words of the input tensor from `first_word` on are sent to element address `load_base`.
    `bases[i]` is the element address of what layer `i` of the chain reads, `bases[i + 1]` of what
    it writes; `bases[0]` may lie behind `load_base`, as rows need not start at a word.
    """

    first_row: int
    rows: int
    first_word: int
    words: int
    load_base: int
    bases: tuple[int, ...]


@dataclass(frozen=True)
class Chain:
    """Layers computed without a trip to system memory in between; only a single one has bands."""

    works: tuple[Work, ...]
    bands: tuple[Band, ...]


def plan_chains(works: Sequence[Work], accelerator: AcceleratorConfig) -> tuple[Chain, ...]:
    """Cuts consecutive accelerator layers into chains, the longest first.

    A layer's input and output must be on chip together; one for which they are too large is cut
    into bands of output rows. Raises NetworkError, with its name, if not even the smallest band
    fits.
    """
    chains: list[Chain] = []
    first = 0
    while first < len(works):
        last = first
        while last < len(works) and _fits(works[last], accelerator):
            last += 1
        if last == first:
            chains.append(_banded(works[first], accelerator))
            last += 1
        else:
            chains.append(_resident(tuple(works[first:last]), accelerator))
        first = last
    return tuple(chains)


def _round_up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def _alignment(first: int, second: int, accelerator: AcceleratorConfig) -> int | None:
    """The coarsest alignment at which two tensors fit the memory together, or None."""
    for alignment in (_ALIGNMENT_ELEMENTS, accelerator.lanes):
        needed = _round_up(first, alignment) + _round_up(second, alignment)
        if needed <= accelerator.activation_elements:
            return alignment
    return None


def _fits(work: Work, accelerator: AcceleratorConfig) -> bool:
    sizes = elements(work.input_shape), elements(work.output_shape)
    return _alignment(*sizes, accelerator) is not None


def _resident(works: tuple[Work, ...], accelerator: AcceleratorConfig) -> Chain:
    """Tensors in turn at the bottom and at the top: neighbours that fit together find room."""
    sizes = [elements(works[0].input_shape), *(elements(work.output_shape) for work in works)]
    bases = [0]
    for position in range(1, len(sizes)):
        neighbours = [(sizes[position - 1], sizes[position])]
        if position + 1 < len(sizes):
            neighbours.append((sizes[position], sizes[position + 1]))
        alignment = min(_alignment(*pair, accelerator) or 1 for pair in neighbours)
        top = accelerator.activation_elements - _round_up(sizes[position], alignment)
        bases.append(top if position % 2 else 0)
    rows = works[-1].output_shape[1]
    words = _round_up(sizes[0], accelerator.lanes) // accelerator.lanes
    return Chain(works, (Band(0, rows, 0, words, bases[0], tuple(bases)),))


def _banded(work: Work, accelerator: AcceleratorConfig) -> Chain:
    """Bands of as many rows as fit, each starting at a whole word of the output buffer."""
    lanes = accelerator.lanes
    channels, rows, width = work.output_shape
    multiple = lanes // gcd(channels * width, lanes)
    smallest = min(multiple, rows)
    for band_rows in range(_round_up(rows, multiple), 0, -multiple):
        starts = range(0, rows, band_rows)
        bands = [_band(work, start, min(band_rows, rows - start), accelerator) for start in starts]
        if all(band is not None for band in bands):
            return Chain((work,), tuple(band for band in bands if band is not None))
    line_in = work.input_shape[0] * work.input_shape[2]
    needed = input_band(work.layer, 0, smallest)[1] * line_in + smallest * width * channels
    raise work.layer.error(
        f"input and output of {smallest} output row{'s' if smallest > 1 else ''} must fit "
        f"{accelerator.activation_elements} elements of activation memory, they need {needed}"
    )


def _band(work: Work, first_row: int, rows: int, accelerator: AcceleratorConfig) -> Band | None:
    lanes = accelerator.lanes
    channels, _, width = work.input_shape
    input_row, input_rows = input_band(work.layer, first_row, rows)
    start, end = input_row * width * channels, (input_row + input_rows) * width * channels
    first_word = start // lanes
    words = _round_up(end, lanes) // lanes - first_word
    outputs = rows * work.output_shape[0] * work.output_shape[2]
    alignment = _alignment(words * lanes, outputs, accelerator)
    if alignment is None:
        return None
    output_base = _round_up(words * lanes, alignment)
    bases = (start - first_word * lanes, output_base)
    return Band(first_row, rows, first_word, words, 0, bases)
