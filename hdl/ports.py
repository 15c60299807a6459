"""The ports of an accelerator, as signals ready to be connected."""

from dataclasses import dataclass, field
from typing import Any

from myhdl import ResetSignal, Signal

from hdl.bundles import AxiLite, AxiStream, Monitor, bit
from hdl.config import AcceleratorConfig


@dataclass(frozen=True)
class Ports:
    """One signal or bundle a port of `hdl.accelerator.accelerator`."""

    config: AcceleratorConfig
    aclk: Signal = field(default_factory=bit)
    aresetn: ResetSignal = field(default_factory=lambda: ResetSignal(0, active=0, isasync=False))
    s_axi: AxiLite = field(default_factory=AxiLite)
    s_axis: AxiStream = field(default_factory=AxiStream)
    m_axis: AxiStream = field(default_factory=AxiStream)
    interrupt: Signal = field(default_factory=bit)
    monitor: Monitor = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "monitor", Monitor(self.config))

    def arguments(self) -> dict[str, Any]:
        """The ports by name, to pass to the block."""
        names = ("aclk", "aresetn", "s_axi", "s_axis", "m_axis", "interrupt", "monitor")
        return {name: getattr(self, name) for name in names}
