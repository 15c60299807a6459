"""Stored channel orders on `bitmap`: filters are balanced where nothing forbids it.

An operation over all channels may write its outputs in any order. One that works channel by channel
hands on the order it reads, and tensors that are added need the same order: then the operations
they come from are balanced together. Groups of several channels need the natural order.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from networks.schedule.balance import assign
from networks.schedule.operation import Operation

Order = tuple[int, ...]
"""`order[stored]` is the true channel at a stored position."""


class ChannelOrders:
    """Stored orders of tensors, filled in as operations are planned, in order."""

    def __init__(self, channels: Mapping[str, int]) -> None:
        self._orders = {name: list(range(count)) for name, count in channels.items()}

    def __getitem__(self, name: str) -> Order:
        return tuple(self._orders[name])

    def write(self, operation: Operation, order: Sequence[int]) -> None:
        """Results of `operation` are stored in `order`."""
        first = operation.first_channel
        self._orders[operation.target][first : first + len(order)] = [
            first + channel for channel in order
        ]


class BalancedOrders:
    """Which operations are balanced together, and the orders that result.

    `work_of(operation, channel_order)` is the expected work of each filter.
    """

    def __init__(
        self,
        operations: Sequence[Operation],
        units: int,
        work_of: Callable[[Operation, Order], NDArray[np.float64]],
    ) -> None:
        self._operations, self._units, self._work_of = operations, units, work_of
        self._class = list(range(len(operations)))
        self._natural: set[int] = set()
        self._decided: dict[int, Order] = {}
        self._group()

    def order(self, index: int, orders: ChannelOrders) -> Order:
        """The order of the results of the operation at `index`; those before are in `orders`."""
        operation = self._operations[index]
        source = orders[operation.sources[0]]
        if operation.per_channel:
            copies = operation.outputs // operation.groups
            return tuple(copies * channel + copy for channel in source for copy in range(copies))
        own = self._root(index)
        if own in self._natural:
            return tuple(range(operation.outputs))
        if own not in self._decided:
            members = [i for i in range(len(self._class)) if self._root(i) == own]
            works = [
                self._work_of(
                    self._operations[member],
                    source if member == index else _natural(self._operations[member]),
                )
                for member in members
                if not self._operations[member].per_channel
            ]
            self._decided[own] = tuple(assign(np.stack(works, axis=1), self._units))
        return self._decided[own]

    def _group(self) -> None:
        """Finds the operations that decide the order of each tensor, and joins what must be one."""
        origins: dict[str, tuple[frozenset[int], bool]] = {}
        for index, operation in enumerate(self._operations):
            read = [origins.get(name, (frozenset(), False)) for name in operation.sources]
            together = frozenset().union(*(found for found, _ in read))
            copies = operation.outputs // operation.groups
            own = frozenset({index}), True
            if operation.joins:
                if all(single for _, single in read):
                    self._join(together)
                else:
                    self._natural |= together
            if operation.per_channel:
                own = together, all(single for _, single in read) and copies == 1
            elif operation.groups > 1:
                self._natural |= together | {index}
            if operation.target in origins or not _whole(operation, self._operations):
                before, _ = origins.get(operation.target, (frozenset(), False))
                own = before | own[0], False
            origins[operation.target] = own
        self._natural = {self._root(index) for index in self._natural}

    def _join(self, together: frozenset[int]) -> None:
        roots = {self._root(index) for index in together}
        for index in roots:
            self._class[index] = min(roots)

    def _root(self, index: int) -> int:
        while self._class[index] != index:
            index = self._class[index]
        return index


def _natural(operation: Operation) -> Order:
    return tuple(range(operation.weights.shape[1] * operation.groups))


def _whole(operation: Operation, operations: Sequence[Operation]) -> bool:
    """Whether it is the only one that writes its target."""
    return sum(other.target == operation.target for other in operations) == 1
