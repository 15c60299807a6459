"""What a network's weights and activations are like, measured once: enough to estimate cycles.

For every operation (`networks.schedule.operation`) and each of its filters: how many weights are
not zero, and how many cycles a window takes on a unit of each organisation, as a mean over windows.
With images these means come from real windows, so that what is correlated in the data stays so;
without, from densities, all activations being taken as independent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from statistics import NormalDist

import numpy as np
from numba import njit
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from hdl.config import MOST_ACTIVATION_ELEMENTS, AcceleratorConfig
from networks.graph import LayerGraph
from networks.layers import Compute
from networks.reference import run_all
from networks.schedule.balance import ASSUMED_ACTIVATION_DENSITY
from networks.schedule.layout import Layout
from networks.schedule.operation import Operation
from networks.schedule.run_weights import joined_groups
from networks.schedule.schedule import make_schedule
from networks.schedule.walk import plan_walk, walked
from networks.weight_lists import list_filter, list_words

LOOKAHEADS = (2, 4)
"""Look-aheads whose words take data-dependent time."""

SAMPLED_WINDOWS = 2048
"""Windows of each operation that are looked at."""

CORRELATED_IMAGES = 4
"""Images on which neighbouring windows are compared."""

MOST_CORRELATION = 0.99

QUANTILES = 32
"""Numbers by which a distribution over windows is known."""

_PATTERN_LISTS, _PATTERN_WORDS = 64, 64


@dataclass(frozen=True, eq=False)
class Durations:
    """How long a window of each filter takes on one unit, but for what the collector lets it wait.

    `mean` cycles of each filter, and `most`, those of a window without zeros. What is beyond a
    cycle an item (bitmap section, list word) varies over windows: `common` are evenly spaced
    quantiles, ascending, of the factor by which it does so in all filters together; `deviation`, of
    each filter, is what that leaves.
    """

    mean: NDArray[np.float64]
    most: NDArray[np.float64]
    deviation: NDArray[np.float64]
    common: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class OperationStatistics:
    """One operation; arrays have one value a filter.

    `steps`: elements that `dense` walks. `sections`: bitmap sections of a window. `pairs`: products
    of two non-zero numbers. `section_cycles`, `word_cycles` by look-ahead: a window's on one unit.
    `assumed_cycles`: what the compiler expects on `bitmap`, to balance by. `alike`: neighbouring
    windows that are about as active as each other.
    """

    index: int
    steps: int
    sections: int
    nonzero: NDArray[np.float64]
    pairs: NDArray[np.float64]
    section_cycles: Durations
    assumed_cycles: NDArray[np.float64]
    word_cycles: Mapping[int, Durations]
    alike: float = 1.0

    @property
    def filters(self) -> int:
        """Number of filters."""
        return len(self.nonzero)

    @cached_property
    def density(self) -> float:
        """Share of non-zero activations under non-zero weights."""
        return float(self.pairs.sum() / max(1.0, self.nonzero.sum()))


@dataclass(frozen=True)
class Densities:
    """Densities of a layer without data: non-zero weights, and non-zero inputs; 0 to 1."""

    weights: float
    inputs: float


@dataclass(frozen=True, eq=False)
class NetworkStatistics:
    """A network's graph with the statistics of each operation, in the order of its schedule.

    `source` says where the numbers are from.
    """

    name: str
    graph: LayerGraph
    bits: int
    operations: tuple[OperationStatistics, ...]
    source: str


def measure_statistics(
    name: str, graph: LayerGraph, bits: int, images: NDArray[np.int64], *, seed: int = 0
) -> NetworkStatistics:
    """Statistics of a quantised graph on stored integers `images`, NCHW; a few dozen are enough.

    The windows that are looked at are drawn with `seed`. Raises NetworkError as the compiler does.
    """
    results = run_all(graph, images)
    random = np.random.default_rng(seed)

    def of(item: "_Shaped") -> OperationStatistics:
        operation = item.operation
        layer = operation.layer
        if isinstance(layer, Compute) and operation.groups == 1 and not operation.joins:
            views = _window_views(layer, results[operation.sources[0]] != 0)
            return _from_windows(item, _sampled(views, random), _alike(views))
        shares = [float((results[source] != 0).mean()) for source in operation.sources]
        return _from_densities(item, nonzero_weights(operation), float(np.mean(shares)))

    operations = tuple(of(item) for item in _shaped(graph, bits))
    return NetworkStatistics(name, graph, bits, operations, f"measured on {len(images)} images")


def assume_statistics(
    name: str, graph: LayerGraph, bits: int, densities: Mapping[str, Densities]
) -> NetworkStatistics:
    """Statistics of a graph from the densities of its layers, by name; weights are not looked at.

    Layers that are not named have all weights, and inputs as dense as the network's mean.
    """
    mean = float(np.mean([item.inputs for item in densities.values()])) if densities else 1.0

    def of(item: "_Shaped") -> OperationStatistics:
        operation = item.operation
        known = densities.get(operation.layer.name)
        if known is None:
            return _from_densities(item, nonzero_weights(operation), mean)
        elements = float(np.prod(operation.weights.shape[1:]))
        nonzero = _binomial_counts(operation.outputs, elements, known.weights)
        return _from_densities(item, nonzero, known.inputs)

    operations = tuple(of(item) for item in _shaped(graph, bits))
    return NetworkStatistics(name, graph, bits, operations, "densities")


def nonzero_weights(operation: Operation) -> NDArray[np.float64]:
    """Non-zero weights of each filter."""
    weights = operation.weights.reshape(operation.outputs, -1)
    return np.count_nonzero(weights, axis=1).astype(np.float64)


@dataclass(frozen=True, eq=False)
class _Shaped:
    """An operation as the schedule has it, with its walks on `dense` and on `bitmap`."""

    operation: Operation
    stacked: bool
    bitmap_operation: Operation
    bitmap_layout: Layout
    bitmap_channels: int
    steps: int
    sections: int


@lru_cache(maxsize=64)
def _shaped(graph: LayerGraph, bits: int) -> tuple[_Shaped, ...]:
    """Operations of all layers; groups of channels as the compiler joins them."""
    dense, bitmap = (
        AcceleratorConfig.model_validate(
            {"kind": kind, "bits": bits, "activation_elements": MOST_ACTIVATION_ELEMENTS}
        )
        for kind in ("dense", "bitmap")
    )
    plain, stacked = (make_schedule(graph, config) for config in (dense, bitmap))
    found = []
    by_index: dict[int, list[Operation]] = {}
    for operation in stacked.operations:
        by_index.setdefault(operation.index, []).append(operation)
    used: dict[int, int] = {}
    for operation in plain.operations:
        place = used.get(operation.index, 0)
        used[operation.index] = place + 1
        other = by_index[operation.index][place]
        layout = plain.layouts[operation.sources[0]]
        other_layout = stacked.layouts[other.sources[0]]
        steps = plan_walk(operation, layout, _channels(operation, dense), dense).positions
        channels = _channels(other, bitmap)
        sections = plan_walk(other, other_layout, channels, bitmap).positions
        found.append(
            _Shaped(
                operation,
                other.weights.shape != operation.weights.shape,
                other,
                other_layout,
                channels,
                steps,
                sections,
            )
        )
    return tuple(found)


def _channels(operation: Operation, accelerator: AcceleratorConfig) -> int:
    """Channels of a window, those of neighbouring groups that one job computes included."""
    return int(operation.weights.shape[1]) * joined_groups(operation, accelerator)


def _window_views(layer: Compute, active: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """All windows `(images, channels, rows, columns, kernel rows, columns)` of a tensor of `active`
    elements."""
    top, left, bottom, right = layer.pads
    padded = np.pad(active, ((0, 0), (0, 0), (top, bottom), (left, right)))
    views = sliding_window_view(padded, layer.kernel_extent, axis=(2, 3))
    views = views[:, :, :: layer.strides[0], :: layer.strides[1]]
    return views[..., :: layer.dilations[0], :: layer.dilations[1]]


def _sampled(views: NDArray[np.bool_], random: np.random.Generator) -> NDArray[np.bool_]:
    """Some windows `(windows, channels, rows, columns)`."""
    images, _, rows, columns = views.shape[:4]
    count = images * rows * columns
    chosen = (
        np.arange(count)
        if count <= SAMPLED_WINDOWS
        else np.sort(random.choice(count, SAMPLED_WINDOWS, replace=False))
    )
    image, row, column = np.unravel_index(chosen, (images, rows, columns))
    return np.ascontiguousarray(views[image, :, row, column])


def _alike(views: NDArray[np.bool_]) -> float:
    """How long runs of equal windows would be, if neighbours were as correlated as these are."""
    shares = views[:CORRELATED_IMAGES].mean(axis=(1, 4, 5))
    own = shares - shares.mean()
    variance = float((own**2).mean())
    if variance == 0 or shares.shape[2] == 1:
        return 1.0
    correlation = float((own[:, :, 1:] * own[:, :, :-1]).mean()) / variance
    return 1 / (1 - min(max(correlation, 0.0), MOST_CORRELATION))


def _from_windows(item: _Shaped, windows: NDArray[np.bool_], alike: float) -> OperationStatistics:
    operation = item.operation
    flat = (operation.weights != 0).reshape(operation.outputs, -1)
    active = windows.reshape(len(windows), -1)
    pairs = flat.astype(np.float32) @ active.mean(axis=0, dtype=np.float32)
    bitmap_windows = windows
    if item.stacked:
        bitmap_windows = windows.transpose(0, 2, 1, 3).reshape(
            len(windows), -1, 1, windows.shape[3]
        )
    walk = plan_walk(
        item.bitmap_operation,
        item.bitmap_layout,
        item.bitmap_channels,
        AcceleratorConfig(kind="bitmap"),
    )
    weight_sections = walked(item.bitmap_operation.weights != 0, walk).astype(np.float32)
    held = weight_sections.sum(axis=2)
    window_sections = walked(bitmap_windows, walk).astype(np.float32)
    spent = np.zeros((operation.outputs, len(windows)))
    for position in range(walk.positions):
        matches = weight_sections[:, position] @ window_sections[:, position].T
        spent += np.maximum(matches, 1)
    shares = active.mean(axis=0)
    nonzero = flat.sum(axis=1).astype(np.float64)
    word_cycles = {}
    for lookahead in LOOKAHEADS:
        cycles = np.array([_list_cycles(own, active, shares, lookahead) for own in flat])
        word_cycles[lookahead] = _durations(cycles, list_words(nonzero, lookahead), nonzero)
    return OperationStatistics(
        operation.index,
        item.steps,
        item.sections,
        nonzero,
        pairs.astype(np.float64),
        _durations(
            spent,
            np.full(operation.outputs, float(item.sections)),
            np.maximum(held, 1).sum(axis=1).astype(np.float64),
        ),
        _assumed_cycles(held),
        word_cycles,
        alike,
    )


def _durations(
    cycles: NDArray[np.float64], items: NDArray[np.float64], most: NDArray[np.float64]
) -> Durations:
    """Of measured `cycles` `(filters, windows)`, with so many items a filter."""
    more = cycles - items[:, None]
    means, totals = more.mean(axis=1), more.sum(axis=0)
    common = totals / totals.mean() if totals.any() else np.ones(len(totals))
    own = more - means[:, None] * common
    at = (np.arange(QUANTILES) + 0.5) / QUANTILES
    quantiles = np.quantile(common, at)
    mean = quantiles.mean()
    return Durations(
        cycles.mean(axis=1),
        most,
        own.std(axis=1),
        quantiles / mean if mean > 0 else np.ones(QUANTILES),
    )


def _list_cycles(
    weights: NDArray[np.bool_],
    active: NDArray[np.bool_],
    shares: NDArray[np.float64],
    lookahead: int,
) -> NDArray[np.int64]:
    """Cycles of one filter's list words on each of the windows."""
    packed = list_filter(np.arange(len(weights)), weights.astype(np.int64), lookahead, shares)
    useful = active[:, packed.offsets.reshape(-1)].reshape(len(active), *packed.offsets.shape)
    return _follow((useful & (packed.values != 0)).sum(axis=2, dtype=np.int64))


def _from_densities(
    item: _Shaped, nonzero: NDArray[np.float64], share: float
) -> OperationStatistics:
    elements = max(1, int(np.prod(item.operation.weights.shape[1:])))
    held = np.minimum(nonzero / elements, 1.0)
    size = elements / item.sections
    # A section's matches are binomial: its weights and its activations are independent.
    miss = (1.0 - held * share) ** size
    section_cycles = nonzero * share + item.sections * miss
    counts = nonzero * ASSUMED_ACTIVATION_DENSITY
    assumed = counts + item.sections * (1.0 - held * ASSUMED_ACTIVATION_DENSITY) ** size
    word_cycles = {}
    for lookahead in LOOKAHEADS:
        mean, deviation = _pattern_cycles(lookahead, share)
        words = np.maximum(1.0, nonzero / lookahead)
        word_cycles[lookahead] = _independent(words * mean, nonzero, np.sqrt(words) * deviation)
    return OperationStatistics(
        item.operation.index,
        item.steps,
        item.sections,
        nonzero,
        nonzero * share,
        _independent(
            section_cycles,
            nonzero + item.sections * (1.0 - held) ** size,
            np.sqrt(nonzero * share * (1.0 - share)),
        ),
        assumed,
        word_cycles,
    )


def _independent(
    mean: NDArray[np.float64], most: NDArray[np.float64], deviation: NDArray[np.float64]
) -> Durations:
    """Durations that filters have nothing in common in."""
    return Durations(mean, most, deviation, np.ones(QUANTILES))


def _binomial_counts(filters: int, elements: float, density: float) -> NDArray[np.float64]:
    """Non-zero weights of filters drawn at random: evenly spaced quantiles, not a draw."""
    spread = (elements * density * (1.0 - density)) ** 0.5
    normal = NormalDist()
    quantiles = [normal.inv_cdf((index + 0.5) / filters) for index in range(filters)]
    return np.clip(np.round(elements * density + spread * np.array(quantiles)), 0, elements)


def _assumed_cycles(counts: NDArray[np.float32]) -> NDArray[np.float64]:
    density = ASSUMED_ACTIVATION_DENSITY
    return (counts * density + (1.0 - density) ** counts).sum(axis=1).astype(np.float64)


@lru_cache(maxsize=4096)
def _pattern_cycles(lookahead: int, share: float) -> tuple[float, float]:
    """Cycles of a list word whose activations are independent and `share` of them not zero.

    Mean, and the standard deviation that a word adds to those around it.
    """
    random = np.random.default_rng(1)
    pairs = random.binomial(lookahead, share, (_PATTERN_LISTS, _PATTERN_WORDS)).astype(np.int64)
    cycles = _follow(pairs)
    return float(cycles.mean()) / _PATTERN_WORDS, float(cycles.std()) / _PATTERN_WORDS**0.5


@njit(cache=True)
def _follow(pairs: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cycles of rows of list words that have so many pairs each.

    A word is fetched a cycle; one with pairs takes a cycle each, one without is dropped while it
    waits for the one before.
    """
    cycles = np.empty(pairs.shape[0], np.int64)
    for row in range(pairs.shape[0]):
        leaves, frees = -1, 0
        for place in range(pairs.shape[1]):
            leave = leaves + 1
            if pairs[row, place] > 0:
                leave = max(leave, frees)
                frees = leave + pairs[row, place]
            leaves = leave
        cycles[row] = max(frees, leaves + 1)
    return cycles
