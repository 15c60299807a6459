"""What is inside an elaborated MyHDL block: its processes, its blocks, its ports."""

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from myhdl import ResetSignal, SignalType

Direction = Literal["in", "out"]


@dataclass(frozen=True)
class Process:
    """What one process reads and assigns, as identities of signals (`id`).

    A clocked one assigns at a clock edge; what it reads does not include that clock.
    """

    reads: frozenset[int]
    writes: frozenset[int]
    clocks: frozenset[int]

    @property
    def clocked(self) -> bool:
        """Whether its outputs are registers."""
        return bool(self.clocks)


@dataclass(frozen=True)
class BlockPort:
    """A signal, or a list of equal ones, that a block is given and uses."""

    name: str
    direction: Direction
    signals: tuple[Any, ...]

    @property
    def width_bits(self) -> int:
        """Width of one of the signals."""
        return 1 if isinstance(self.signals[0].val, bool) else len(self.signals[0])

    @property
    def signed(self) -> bool:
        """Whether it carries two's complement numbers."""
        return self.signals[0].min is not None and self.signals[0].min < 0

    @property
    def is_reset(self) -> bool:
        """Whether it is a reset by its type."""
        return isinstance(self.signals[0], ResetSignal)


def _identities(value: Any) -> Iterator[int]:
    """Of a signal, or of every signal in a list."""
    if isinstance(value, SignalType):
        yield id(value)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _identities(item)


def _process(part: Any) -> Process:
    def identities(names: set[str]) -> frozenset[int]:
        return frozenset(item for name in names for item in _identities(part.symdict[name]))

    edges = [item.sig for item in getattr(part, "senslist", ()) if hasattr(item, "sig")]
    reset = getattr(part, "reset", None)
    return Process(
        reads=identities(part.inputs | part.inouts) | frozenset(_identities(reset)),
        writes=identities(part.outputs | part.inouts),
        clocks=frozenset(id(signal) for signal in edges),
    )


def processes(block: Any) -> Iterator[Process]:
    """Every process in and below a block."""
    for part in block.subs:
        if hasattr(part, "subs"):
            yield from processes(part)
        else:
            yield _process(part)


def arguments(block: Any) -> dict[str, Any]:
    """What the block was given for its ports: its parameters but the keyword-only ones, by name."""
    names = [
        name
        for name, parameter in inspect.signature(block.func).parameters.items()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    given = {**dict(zip(names, block.args, strict=False)), **block.kwargs}
    return {name: given[name] for name in names if name in given}


def _groups(name: str, value: Any) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """Signals, and lists of equal signals, in an argument, under their flattened names."""
    if isinstance(value, SignalType):
        yield name, (value,)
    elif isinstance(value, (list, tuple)):
        signals = all(isinstance(item, SignalType) for item in value)
        if value and signals and len({(type(i.val), len(i), i.min) for i in value}) == 1:
            yield name, tuple(value)
        else:
            for index, item in enumerate(value):
                yield from _groups(f"{name}_{index}", item)
    elif hasattr(value, "__dict__"):
        for attribute, item in vars(value).items():
            yield from _groups(f"{name}_{attribute}", item)


@dataclass(frozen=True, eq=False)
class Block:
    """One block function in a design: an instance of it, all of them, and what they are in."""

    instance: Any
    instances: tuple[Any, ...]
    parents: tuple[str, ...]

    @property
    def name(self) -> str:
        """Name of the function."""
        return str(self.instance.func.__name__)

    @property
    def module(self) -> str:
        """Module that it is in."""
        return str(self.instance.func.__module__)

    @property
    def doc(self) -> str:
        """The docstring, or nothing."""
        return inspect.getdoc(self.instance.func) or ""

    @cached_property
    def processes(self) -> tuple[Process, ...]:
        """The processes in and below it."""
        return tuple(processes(self.instance))

    @cached_property
    def ports(self) -> tuple[BlockPort, ...]:
        """The ports it uses, in the order of its parameters.

        What it assigns is an output; of the rest, what it reads is an input.
        """
        writes = frozenset().union(*(process.writes for process in self.processes))
        reads = frozenset().union(*(part.reads | part.clocks for part in self.processes))
        found = []
        for name, value in arguments(self.instance).items():
            for flat_name, signals in _groups(name, value):
                identities = {id(signal) for signal in signals}
                if identities & writes:
                    found.append(BlockPort(flat_name, "out", signals))
                elif identities & reads:
                    found.append(BlockPort(flat_name, "in", signals))
        return tuple(found)

    def is_clock(self, port: BlockPort) -> bool:
        """Whether the edges of a port clock a process."""
        return any(id(port.signals[0]) in process.clocks for process in self.processes)


def find_blocks(top: Any) -> tuple[Block, ...]:
    """Every distinct block function of a design, from the top down, left to right."""
    instances: dict[Any, list[Any]] = {}
    parents: dict[Any, dict[str, None]] = {}

    def visit(block: Any, parent: str | None) -> None:
        # a function in a function is made anew for each call: its code is what stays
        key = block.func.__code__
        instances.setdefault(key, []).append(block)
        names = parents.setdefault(key, {})
        if parent is not None:
            names[parent] = None
        for part in block.subs:
            if hasattr(part, "subs"):
                visit(part, block.func.__name__)

    visit(top, None)
    return tuple(
        Block(found[0], tuple(found), tuple(parents[key])) for key, found in instances.items()
    )
