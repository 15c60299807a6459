"""Where the worlds meet: MyHDL hardware, clock by clock, inside a SimPy system.

SimPy owns time. `AcceleratorPort` is a SimPy process that wakes at every rising edge of the
accelerator's clock at which the hardware can do anything, and has an engine play that one cycle:

    SimPy time   T - period            T (rising edge)               T + period
                 ----+-----------------------+-----------------------------+----
    system           | beats put, registers  |                             |
                     | asked for: seen at T  |                             |
    port             |                       | 1 drives the inputs         |
    engine (MyHDL)   |                       | 2 lets them settle, samples |
                     |                       |   outputs: the handshakes   |
                     |                       | 3 clock rises, state moves  |
    port             |                       | 4 moves beats, answers, line|

At one instant nothing depends on the order of events: an edge at T sees only beats put before T and
room made before T (`cosim.stream`), and register requests made before T. What the edge does is
visible to the system at T, that is to bus edges after T. So both directions are exact to the cycle.

The clock is gated while nothing can change: no job, no valid input or output for `QUIET_CYCLES`.
The hardware keeps its state then (`tests/cosim/test_bridge.py`); gated cycles are counted, and
simulated time in waveforms jumps over them. An arrival wakes the port for the next edge.
"""

from collections import deque
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from myhdl import Simulation, block, delay, instance
from simpy import Environment, Event

from cosim.interrupt import InterruptLine
from cosim.stream import Beat, Stream
from cosim.trace import Trace
from cosim.units import ClockDomain
from hdl.accelerator import accelerator
from hdl.bundles import REGISTER_ADDRESS_BITS, operand_latency_cycles
from hdl.config import AcceleratorConfig
from hdl.ports import Ports
from hdl.register_file import SLAVE_ERROR

QUIET_CYCLES = 8
"""Idle cycles after which no register of the hardware changes any more."""

STALL_CAUSES = (
    "bank_conflict",
    "result_blocked",
    "no_pair",
    "zero_operand",
    "unit_finished",
    "storing",
)
"""Why a unit made no useful product in a cycle of a job; with the useful ones they sum to
units x cycles.

`bank_conflict`: its pair waited for a bank; `result_blocked`: a finished window waited for the
collector; `no_pair`: nothing to multiply yet, from empty sections, start and drain; `zero_operand`:
it multiplied a zero (dense); `unit_finished`: its filters were done before those of others;
`storing`: the job only sends results out.
"""

ENGINES = ("rtl",)
"""Engines there are; `rtl` is the MyHDL hardware itself."""

RESET_CYCLES = 2
"""Clock cycles of reset at power-up."""

STAGES = ("load", "fetch", "match", "operands", "multiply", "collect", "write", "store")
"""Stages with a track of their own in a trace, as `hdl.bundles.Monitor` shows them."""


@dataclass
class Inputs:
    """What drives the input ports during one cycle."""

    write: tuple[int, int] | None = None
    """AXI4-Lite write still to be accepted: offset, value."""
    read: int | None = None
    """AXI4-Lite read still to be accepted: offset."""
    beat: Beat | None = None
    ready: bool = False
    reset: bool = False


@dataclass(frozen=True)
class Outputs:
    """What the output ports showed just before the edge."""

    write_taken: bool
    write_response: int | None
    read_taken: bool
    read_data: tuple[int, int] | None
    beat_taken: bool
    beat: Beat | None
    monitor: dict[str, int]


class Engine(Protocol):
    """Plays the accelerator one clock cycle at a time."""

    config: AcceleratorConfig

    def cycle(self, edge_ps: int, inputs: Inputs) -> Outputs:
        """Plays the cycle that ends with the rising edge at `edge_ps`, later than the last one."""

    def interrupt(self) -> bool:
        """The level of the interrupt line after the last edge."""

    def close(self) -> None:
        """Ends the simulation; waveforms are complete after it."""


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

    def __init__(self, config: AcceleratorConfig, period_ps: int, vcd: Path | None = None) -> None:
        self.config = config
        self.ports = Ports(config)
        self._monitored = tuple(vars(self.ports.monitor).items())
        self._half_ps = period_ps // 2
        self._time_ps = 0
        self._edge_ps = 0
        self._outputs: Outputs | None = None
        top = _bench(self.ports, self._drive)
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

    def interrupt(self) -> bool:
        """The level of the interrupt line after the last edge."""
        return bool(self.ports.interrupt)

    def close(self) -> None:
        """Ends the simulation; the waveform file is complete after it."""
        self._simulation.quit()

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


def create_engine(
    config: AcceleratorConfig, engine: str, clock: ClockDomain, vcd: Path | None = None
) -> Engine:
    """Makes the engine of that name (`ENGINES`); raises ValueError on any other."""
    if engine not in ENGINES:
        raise ValueError(f"engine must be one of {', '.join(ENGINES)}, not {engine}")
    return RtlEngine(config, clock.period_ps, vcd)


@dataclass
class JobRecord:
    """One job the accelerator has run; unit counts are sums over its cycles."""

    start_ps: int
    end_ps: int = 0
    cycles: int = 0
    macs_useful: int = 0
    multiplications: int = 0
    stall_cycles: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STALL_CAUSES, 0))


class JobMonitor:
    """Turns the monitor port's bits into job records and stage spans."""

    def __init__(self, config: AcceleratorConfig, period_ps: int, trace: Trace | None) -> None:
        self.jobs: list[JobRecord] = []
        self._every_unit = (1 << config.units) - 1
        self._period_ps = period_ps
        self._trace = trace
        self._running = False
        self._late = deque([(0, 0)] * operand_latency_cycles(config))
        self._stage_start_ps: dict[str, int] = {}

    def observe(self, edge_ps: int, monitor: dict[str, int]) -> None:
        """Counts the cycle that ended at `edge_ps`."""
        # what kept a pair from being read shows at the multiplier only later
        conflict, blocked = self._late.popleft()
        self._late.append((monitor["conflict"], monitor["blocked"]))
        if monitor["job"]:
            if not self._running:
                self.jobs.append(JobRecord(edge_ps - self._period_ps))
            job = self.jobs[-1]
            job.end_ps = edge_ps
            job.cycles += 1
            if monitor["storing"]:
                job.stall_cycles["storing"] += self._every_unit.bit_count()
            else:
                self._count(job, monitor, conflict, blocked)
        self._running = bool(monitor["job"])
        if self._trace is not None:
            self._follow_stages(self._trace, edge_ps, monitor)

    def _count(self, job: JobRecord, monitor: dict[str, int], conflict: int, blocked: int) -> None:
        multiply, useful = monitor["multiply"], monitor["useful"]
        idle = self._every_unit & ~multiply
        job.multiplications += multiply.bit_count()
        job.macs_useful += useful.bit_count()
        stalls = job.stall_cycles
        stalls["zero_operand"] += (multiply & ~useful).bit_count()
        if idle:
            conflicts = idle & conflict
            blocks = idle & blocked & ~conflict
            starved = idle & monitor["fetch"] & ~(conflict | blocked)
            stalls["bank_conflict"] += conflicts.bit_count()
            stalls["result_blocked"] += blocks.bit_count()
            stalls["no_pair"] += starved.bit_count()
            stalls["unit_finished"] += (idle & ~(conflicts | blocks | starved)).bit_count()

    def _follow_stages(self, trace: Trace, edge_ps: int, monitor: dict[str, int]) -> None:
        for stage in STAGES:
            start_ps = self._stage_start_ps.get(stage)
            if monitor[stage]:
                if start_ps is None:
                    self._stage_start_ps[stage] = edge_ps - self._period_ps
            elif start_ps is not None:
                del self._stage_start_ps[stage]
                trace.span(f"stage {stage}", stage, start_ps, edge_ps - self._period_ps)


class AcceleratorPort:
    """The accelerator as the system sees it: registers, two streams, an interrupt line.

    `jobs` lists the jobs in order of start; `active_cycles` were simulated, `gated_cycles` skipped
    because nothing could change. Register requests are served one at a time and in order.
    """

    def __init__(
        self,
        env: Environment,
        clock: ClockDomain,
        engine: Engine,
        *,
        stream_in: Stream,
        stream_out: Stream,
        interrupt: InterruptLine,
        trace: Trace | None = None,
    ) -> None:
        self.env = env
        self.clock = clock
        self.active_cycles = 0
        self.gated_cycles = 0
        self._engine = engine
        self._stream_in = stream_in
        self._stream_out = stream_out
        self._interrupt = interrupt
        self._monitor = JobMonitor(engine.config, clock.period_ps, trace)
        self._requests: deque[_Request] = deque()
        self._wake = env.event()
        self._last_edge_ps = clock.align(int(env.now))
        stream_in.on_arrival = self._wake_up
        env.process(self._clock_engine())

    @property
    def jobs(self) -> list[JobRecord]:
        """The jobs started so far."""
        return self._monitor.jobs

    def write_register(self, offset: int, value: int) -> Generator[Event, Any, int]:
        """Process: writes a register over AXI4-Lite; returns the response (0 OKAY, 2 SLVERR).

        An offset beyond the port's address lines is refused by the interconnect, at once.
        """
        if offset >> REGISTER_ADDRESS_BITS:
            return SLAVE_ERROR
        response: int = yield self._request(_Request(self.env, offset, value))
        return response

    def read_register(self, offset: int) -> Generator[Event, Any, tuple[int, int]]:
        """Process: reads a register over AXI4-Lite; returns its value and the response."""
        if offset >> REGISTER_ADDRESS_BITS:
            return 0, SLAVE_ERROR
        value, response = yield self._request(_Request(self.env, offset, None))
        return value, response

    def describe(self) -> str:
        """What the accelerator is doing, for a system that cannot proceed."""
        running = self.jobs and self.jobs[-1].end_ps == self._last_edge_ps
        waits = f"{len(self._stream_in)} beats wait at its input"
        return f"accelerator {'runs a job' if running else 'idle'}, {waits}"

    def _request(self, request: "_Request") -> Event:
        self._requests.append(request)
        self._wake_up()
        return request.done

    def _wake_up(self) -> None:
        if not self._wake.triggered:
            self._wake.succeed()

    def _clock_engine(self) -> Generator[Event, Any, None]:
        edge_ps = self.clock.next_edge(int(self.env.now))
        for _ in range(RESET_CYCLES):
            yield self.env.timeout(edge_ps - int(self.env.now))
            self._engine.cycle(edge_ps, Inputs(reset=True))
            edge_ps += self.clock.period_ps
        quiet_cycles = 0
        while True:
            yield self.env.timeout(edge_ps - int(self.env.now))
            quiet_cycles = 0 if self._play(edge_ps) else quiet_cycles + 1
            if quiet_cycles > QUIET_CYCLES and not self._requests and not len(self._stream_in):
                self._wake = self.env.event()
                yield self._wake
                next_ps = self.clock.next_edge(int(self.env.now))
                self.gated_cycles += (next_ps - edge_ps) // self.clock.period_ps - 1
                edge_ps = next_ps
            else:
                edge_ps += self.clock.period_ps

    def _play(self, edge_ps: int) -> bool:
        """Plays one cycle; returns whether anything was going on."""
        request = self._requests[0] if self._requests else None
        if request is not None and request.made_ps >= edge_ps:
            request = None
        inputs = Inputs(beat=self._stream_in.first(edge_ps), ready=self._stream_out.room > 0)
        if request is not None and not request.taken:
            if request.is_write:
                inputs.write = request.offset, request.value
            else:
                inputs.read = request.offset
        outputs = self._engine.cycle(edge_ps, inputs)
        self.active_cycles += 1
        self._last_edge_ps = edge_ps
        if outputs.beat_taken:
            self._stream_in.take()
        if outputs.beat is not None and inputs.ready:
            self._stream_out.offer(outputs.beat)
        if request is not None:
            request.taken |= outputs.write_taken or outputs.read_taken
            answer = outputs.write_response if request.is_write else outputs.read_data
            if answer is not None:
                self._requests.popleft()
                request.done.succeed(answer)
        self._interrupt.set(self._engine.interrupt())
        self._monitor.observe(edge_ps, outputs.monitor)
        return bool(inputs.beat or request or outputs.beat or outputs.monitor["job"])


class _Request:
    """A register access on its way."""

    def __init__(self, env: Environment, offset: int, value: int | None) -> None:
        self.offset = offset
        self.value = value or 0
        self.is_write = value is not None
        self.made_ps = int(env.now)
        self.taken = False
        self.done = env.event()
