"""Ports of an elaborated block as its converted HDL has them, and a recorder of their values."""

import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from myhdl import SignalType, block, instance


@dataclass(frozen=True)
class Port:
    """One port of the converted top level, a `std_logic` if `single`, else a vector of bits."""

    name: str
    is_output: bool
    width_bits: int
    single: bool

    @classmethod
    def of(cls, name: str, signal: Any, is_output: bool) -> "Port":
        """The port that MyHDL makes of `signal`; raises ValueError if it is not of integer type."""
        single = isinstance(signal.val, bool)
        if not single and not len(signal):
            raise ValueError(f"port {name} must be a bit or have a width, not {signal!r}")
        return cls(name, is_output, 1 if single else len(signal), single)

    def __post_init__(self) -> None:
        if self.width_bits < 1:
            raise ValueError(f"port {self.name} must be 1 bit wide or more, not {self.width_bits}")


def _signals(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Signals in an argument under their converted names, as MyHDL flattens interface objects."""
    if isinstance(value, SignalType):
        yield name, value
    elif hasattr(value, "__dict__"):
        for attribute, item in vars(value).items():
            yield from _signals(f"{name}_{attribute}", item)


def _driven(parts: Iterable[Any]) -> Iterator[int]:
    """Identities of the signals that the processes below a block assign."""
    for part in parts:
        if hasattr(part, "subs"):
            yield from _driven(part.subs)
        else:
            for name in (*part.outputs, *part.inouts):
                signal = part.symdict[name]
                yield from (id(item) for item in (signal if isinstance(signal, list) else [signal]))


def find_ports(top: Any) -> dict[Port, Any]:
    """Ports of an elaborated MyHDL block and their signals, in the order of the converted entity.

    A signal that no process of the block drives is an input, as in MyHDL's conversion.
    """
    driven = set(_driven(top.subs))
    positional = [
        name
        for name, parameter in inspect.signature(top.func).parameters.items()
        if parameter.kind is not inspect.Parameter.KEYWORD_ONLY
    ]
    arguments = {**dict(zip(positional, top.args, strict=False)), **top.kwargs}
    return {
        Port.of(flat_name, signal, id(signal) in driven): signal
        for name in positional
        for flat_name, signal in _signals(name, arguments[name])
    }


class PortRecorder:
    """Records every port of `top` but its clock, one sample a rising edge of that clock.

    `process` returns the MyHDL block to simulate beside `top`. `samples` holds a tuple a cycle, in
    the order of `ports`, of unsigned patterns (negative values in two's complement).
    """

    def __init__(self, top: Any, *, clock: str = "aclk") -> None:
        ports = find_ports(top)
        clocks = [port for port in ports if port.name == clock]
        if not clocks:
            raise ValueError(f"block {top.func.__name__} must have a port {clock}")
        self.top_name: str = top.func.__name__
        self.clock = clock
        self._clock_signal = ports.pop(clocks[0])
        self.ports = tuple(ports)
        self._signals = tuple(ports.values())
        self.samples: list[tuple[int, ...]] = []

    def port_index(self, name: str) -> int:
        """Position of a port in every sample; raises KeyError."""
        for index, port in enumerate(self.ports):
            if port.name == name:
                return index
        raise KeyError(f"block {self.top_name} has no port {name}")

    def process(self) -> Any:
        """The sampling block; a second one would record every cycle twice."""
        masks = tuple((1 << port.width_bits) - 1 for port in self.ports)
        pairs = tuple(zip(self._signals, masks, strict=True))
        clock, samples = self._clock_signal, self.samples

        @block
        def port_recorder() -> Any:
            @instance
            def seq_sample() -> Iterator[Any]:
                while True:
                    yield clock.posedge
                    samples.append(tuple(int(signal.val) & mask for signal, mask in pairs))

            return seq_sample

        return port_recorder()
