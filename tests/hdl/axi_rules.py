"""Checkers of the AXI handshake rules (AMBA AXI4-Stream 2.2.1, AXI A3.2.1 and A3.3.1).

A source holds `valid` and its payload until `ready`; a response comes after its request only.
"""

from collections.abc import Hashable, Iterator
from typing import Any

from myhdl import block, instance


class Handshake:
    """One channel, observed at every clock edge; `transfers` counts what has been taken.

    `observe` raises AssertionError, with the channel's name, when the source breaks a rule.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.transfers = 0
        self._waiting: Hashable | None = None

    def observe(self, valid: bool, ready: bool, payload: Hashable) -> bool:
        """Checks one cycle; returns whether a transfer takes place in it."""
        if self._waiting is not None:
            assert valid, f"{self.name} must stay valid until it is taken"
            assert payload == self._waiting, (
                f"{self.name} must stay {self._waiting} until it is taken, not become {payload}"
            )
        self._waiting = payload if valid and not ready else None
        self.transfers += bool(valid and ready)
        return bool(valid and ready)


@block
def stream_rules(clock: Any, stream: Any, channel: Handshake) -> Any:
    """Watches an AXI4-Stream link."""

    @instance
    def seq_watch() -> Iterator[Any]:
        while True:
            yield clock.posedge
            beat = (int(stream.tdata), bool(stream.tlast))
            channel.observe(bool(stream.tvalid), bool(stream.tready), beat)

    return seq_watch


class LiteRules:
    """The five channels of an AXI4-Lite port and the order between them."""

    def __init__(self) -> None:
        self.aw, self.w, self.b, self.ar, self.r = (
            Handshake(f"AXI4-Lite {name}") for name in ("AW", "W", "B", "AR", "R")
        )

    def observe(self, port: Any) -> None:
        """Checks one cycle of a `hdl.bundles.AxiLite`."""
        asked = min(self.aw.transfers, self.w.transfers)
        wanted = self.ar.transfers
        assert not port.bvalid or self.b.transfers < asked, "B must come after AW and W"
        assert not port.rvalid or self.r.transfers < wanted, "R must come after AR"
        self.aw.observe(bool(port.awvalid), bool(port.awready), int(port.awaddr))
        self.w.observe(bool(port.wvalid), bool(port.wready), (int(port.wdata), int(port.wstrb)))
        self.b.observe(bool(port.bvalid), bool(port.bready), int(port.bresp))
        self.ar.observe(bool(port.arvalid), bool(port.arready), int(port.araddr))
        self.r.observe(bool(port.rvalid), bool(port.rready), (int(port.rdata), int(port.rresp)))


@block
def lite_rules(clock: Any, port: Any, rules: LiteRules) -> Any:
    """Watches an AXI4-Lite port."""

    @instance
    def seq_watch() -> Iterator[Any]:
        while True:
            yield clock.posedge
            rules.observe(port)

    return seq_watch
