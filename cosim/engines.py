"""Where the accelerator of a run comes from: the engine that simulates it."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from simpy import Environment

from cosim.accelerator import Accelerator
from cosim.interrupt import InterruptLine
from cosim.stream import Stream
from cosim.trace import Trace
from cosim.units import ClockDomain
from hdl.config import AcceleratorConfig

if TYPE_CHECKING:
    from cosim.bridge import Engine


class AcceleratorFactory(Protocol):
    """Makes the accelerator of a system."""

    def __call__(
        self,
        env: Environment,
        clock: ClockDomain,
        *,
        stream_in: Stream,
        stream_out: Stream,
        interrupt: InterruptLine,
        trace: Trace | None,
    ) -> Accelerator:
        """The accelerator, its processes started."""


class EngineFactory:
    """Makes one accelerator simulated by the named engine; `vcd`: where it writes its waveforms.

    `close` ends the engine; the waveform file is complete after it.
    """

    def __init__(self, config: AcceleratorConfig, engine: str, vcd: Path | None = None) -> None:
        self._config = config
        self._name = engine
        self._vcd = vcd
        self._engine: Engine | None = None

    def __call__(
        self,
        env: Environment,
        clock: ClockDomain,
        *,
        stream_in: Stream,
        stream_out: Stream,
        interrupt: InterruptLine,
        trace: Trace | None,
    ) -> Accelerator:
        """The accelerator, its processes started."""
        # Imported here: only a run needs MyHDL, checking its inputs does not.
        from cosim.bridge import AcceleratorPort, create_engine

        self._engine = create_engine(self._config, self._name, clock, self._vcd)
        return AcceleratorPort(
            env,
            clock,
            self._engine,
            stream_in=stream_in,
            stream_out=stream_out,
            interrupt=interrupt,
            trace=trace,
        )

    def close(self) -> None:
        """Ends the engine, if it was made."""
        if self._engine is not None:
            self._engine.close()
            self._engine = None
