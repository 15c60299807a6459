"""The MyHDL hardware itself, played in step with somebody else's clock."""

from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from typing import Any

from myhdl import Simulation, block, delay, instance

from cosim.engine import Inputs, Outputs, Stretch, play_by_cycle
from cosim.monitor import MonitorLog
from cosim.stream import Beat, Stream
from hdl.accelerator import accelerator
from hdl.config import AcceleratorConfig
from hdl.elaboration import elaborate, forget
from hdl.ports import Ports


@block
def _bench(ports: Ports, drive: Callable[[], Generator[Any, None, None]]) -> Any:
    """The accelerator under the engine's stimulus."""
    top = accelerator(**ports.arguments(), config=ports.config)

    @instance
    def stimulus() -> Generator[Any, None, None]:
        yield from drive()

    return top, stimulus


class _PauseError(Exception):
    """Yielded to MyHDL's scheduler to return from `Simulation.run`, which can then be resumed."""


class RtlEngine:
    """The MyHDL accelerator itself; `vcd` names a waveform file to write.

    MyHDL keeps one live simulation a process: `close` this one before the next is made.
    """

    jobs = None
    """They are counted from the log."""

    def __init__(self, config: AcceleratorConfig, period_ps: int, vcd: Path | None = None) -> None:
        self.config = config
        self.ports = Ports(config)
        self._monitored = tuple(vars(self.ports.monitor).items())
        self._half_ps = period_ps // 2
        self._time_ps = 0
        self._edge_ps = 0
        self._outputs: Outputs | None = None
        top = elaborate(_bench, self.ports, self._drive)
        if vcd is not None:
            top.config_sim(
                trace=True,
                directory=str(vcd.parent),
                filename=vcd.name.removesuffix(".vcd"),
                timescale="1ps",
                tracebackup=False,
            )
        self._simulation = Simulation(top)

    def cycle(self, edge_ps: int, inputs: Inputs) -> Outputs:
        """Plays the cycle that ends with the rising edge at `edge_ps`, later than the last one."""
        self._apply(inputs)
        self._edge_ps = edge_ps
        with suppress(_PauseError):
            self._simulation.run()
        assert self._outputs is not None
        return self._outputs

    def play(self, stretch: Stretch, stream: Stream, log: MonitorLog) -> None:
        """Plays a stretch: takes beats from `stream`, notes each cycle in `log`, which has room."""
        play_by_cycle(self, stretch, stream, log)

    def interrupt(self) -> bool:
        """The level of the interrupt line after the last edge."""
        return bool(self.ports.interrupt)

    def close(self) -> None:
        """Ends the simulation; the waveform file is complete after it."""
        self._simulation.quit()
        forget()

    def _drive(self) -> Generator[Any, None, None]:
        clock = self.ports.aclk
        while True:
            yield delay(self._edge_ps - self._time_ps)
            self._outputs = self._sample()
            clock.next = True
            yield delay(self._half_ps)
            clock.next = False
            self._time_ps = self._edge_ps + self._half_ps
            # the scheduler returns once all is settled, before it comes to the empty delay
            yield _PauseError()
            yield delay(0)

    def _apply(self, inputs: Inputs) -> None:
        s_axi, s_axis = self.ports.s_axi, self.ports.s_axis
        s_axi.awvalid.next = s_axi.wvalid.next = inputs.write is not None
        if inputs.write is not None:
            s_axi.awaddr.next, s_axi.wdata.next = inputs.write
            s_axi.wstrb.next = 15
        s_axi.bready.next = s_axi.rready.next = True
        s_axi.arvalid.next = inputs.read is not None
        if inputs.read is not None:
            s_axi.araddr.next = inputs.read
        s_axis.tvalid.next = inputs.beat is not None
        if inputs.beat is not None:
            s_axis.tdata.next, s_axis.tlast.next = inputs.beat
        self.ports.m_axis.tready.next = inputs.ready
        self.ports.aresetn.next = not inputs.reset

    def _sample(self) -> Outputs:
        s_axi, s_axis, m_axis = self.ports.s_axi, self.ports.s_axis, self.ports.m_axis
        return Outputs(
            write_taken=bool(s_axi.awvalid and s_axi.awready and s_axi.wready),
            write_response=int(s_axi.bresp) if s_axi.bvalid else None,
            read_taken=bool(s_axi.arvalid and s_axi.arready),
            read_data=(int(s_axi.rdata), int(s_axi.rresp)) if s_axi.rvalid else None,
            beat_taken=bool(s_axis.tvalid and s_axis.tready),
            beat=Beat(int(m_axis.tdata), bool(m_axis.tlast)) if m_axis.tvalid else None,
            monitor={name: int(signal) for name, signal in self._monitored},
        )
