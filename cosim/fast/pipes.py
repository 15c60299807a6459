"""The pipes of a job on each organisation, from its filters (`cosim.fast.pipe` plays them)."""

import numpy as np
from numpy.typing import NDArray

from cosim.fast.latencies import Latencies
from cosim.fast.pipe_state import Pipes
from hdl.config import AcceleratorConfig


def dense_pipes(config: AcceleratorConfig, count: int, steps: int, windows: int) -> Pipes:
    """`count` filters of so many steps on `dense`."""
    ended = [np.arange(min(config.units, count - first)) for first in range(0, count, config.units)]
    return _lockstep(config, windows, np.full(len(ended), steps), ended)


def lockstep_lists(config: AcceleratorConfig, ends: NDArray[np.int64], windows: int) -> Pipes:
    """Lists in lockstep; `ends` `(filters)`: words of its unit's list up to each filter's last."""
    places = np.unique(ends)
    units = np.arange(len(ends)) % config.units
    ended = [np.sort(units[ends == place]) for place in places]
    return _lockstep(config, windows, np.diff(places, prepend=0), ended)


def _lockstep(
    config: AcceleratorConfig,
    windows: int,
    lengths: NDArray[np.int64],
    ended: list[NDArray[np.int64]],
) -> Pipes:
    """All units as one pipe whose items take a cycle each."""
    segments, depth = len(lengths), Latencies.of(config).depth
    heads = np.maximum(lengths - depth, 0).astype(np.int32)
    return _pipes(
        config,
        np.array([0, segments]),
        lengths,
        np.broadcast_to(heads[None, :, None], (1, segments, windows)),
        np.broadcast_to(np.uint8(1), (segments, depth, windows)),
        np.concatenate(([0], np.cumsum([len(units) for units in ended]))),
        np.concatenate(ended),
        shares_room=config.kind == "dense",
    )


def independent_pipes(
    config: AcceleratorConfig,
    items: NDArray[np.int64],
    heads: NDArray[np.int32],
    tails: NDArray[np.uint8],
    *,
    in_step: bool = False,
    parts: bool = False,
) -> Pipes:
    """Each unit as a pipe; its segments are its filters.

    `items` `(filters)`, `heads` `(fields, filters, windows)`, `tails` `(filters, depth, windows)`
    are those of `Pipes`, but in the order of the filters: unit `u` has `u`, `u + units`, ...
    """
    count = len(items)
    active = min(config.units, count)
    order = np.concatenate([np.arange(unit, count, config.units) for unit in range(active)])
    filters = [len(range(unit, count, config.units)) for unit in range(active)]
    return _pipes(
        config,
        np.concatenate(([0], np.cumsum(filters))),
        items[order],
        heads[:, order],
        tails[order],
        np.arange(count + 1),
        order % config.units,
        in_step=in_step,
        parts=parts,
    )


def _pipes(
    config: AcceleratorConfig,
    segments: NDArray[np.int64],
    items: NDArray[np.int64],
    heads: NDArray[np.int32],
    tails: NDArray[np.uint8],
    ends: NDArray[np.int64],
    ended: NDArray[np.int64],
    *,
    shares_room: bool = False,
    in_step: bool = False,
    parts: bool = False,
) -> Pipes:
    """Pipes with the latencies of an accelerator; all are clients of the ring of windows."""
    latencies = Latencies.of(config)
    return Pipes(
        units=config.units,
        windows=heads.shape[2],
        depth=latencies.depth,
        takes_ahead=latencies.takes_ahead,
        drops=latencies.drops,
        clients=len(segments) - 1,
        lead=latencies.lead,
        places=latencies.places,
        result_latency=latencies.result,
        shares_room=shares_room,
        in_step=in_step,
        parts=parts,
        segments=segments,
        items=items,
        heads=heads,
        tails=tails,
        ends=ends,
        ended=ended,
    )
