"""Where the accelerator of a run comes from: the engine that simulates it."""

from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from simpy import Environment

from cosim.accelerator import Accelerator
from cosim.cache import Note
from cosim.interrupt import InterruptLine
from cosim.options import SIMULATORS
from cosim.stream import Stream
from cosim.trace import Trace
from cosim.units import ClockDomain
from hdl.config import AcceleratorConfig

if TYPE_CHECKING:
    from cosim.engine import Engine


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


def create_engine(
    config: AcceleratorConfig,
    engine: str,
    clock: ClockDomain,
    vcd: Path | None = None,
    note: Note | None = None,
) -> "Engine":
    """Makes the engine of that name (`options.SIMULATORS`); raises ValueError on any other.

    `vcd`: where it writes waveforms; `note` is told what takes long before the engine is there.
    Raises ToolError if a program that the engine needs is missing.
    """
    # Imported here: only a run needs MyHDL, checking its inputs does not.
    if engine == "rtl":
        from cosim.rtl_engine import RtlEngine

        return RtlEngine(config, clock.period_ps, vcd)
    if engine == "compiled":
        from cosim.compiled_engine import CompiledEngine

        return CompiledEngine(config, clock.period_ps, vcd, note)
    if engine == "fast":
        from cosim.fast.engine import FastEngine

        return FastEngine(config, clock.period_ps)
    raise ValueError(f"engine must be one of {', '.join(SIMULATORS)}, not {engine}")


class EngineFactory:
    """Makes one accelerator simulated by the named engine; `vcd`, `note`: see `create_engine`.

    `close` ends the engine; the waveform file is complete after it.
    """

    def __init__(
        self,
        config: AcceleratorConfig,
        engine: str,
        vcd: Path | None = None,
        note: Note | None = None,
    ) -> None:
        self._config = config
        self._name = engine
        self._vcd = vcd
        self._note = note
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
        from cosim.bridge import AcceleratorPort

        self._engine = create_engine(self._config, self._name, clock, self._vcd, self._note)
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
