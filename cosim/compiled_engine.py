"""The accelerator's Verilog, compiled by Verilator into a shared library of this process."""

import ctypes
from pathlib import Path
from typing import Any

from cosim.cache import Note
from cosim.compiled_abi import CycleInputs, CycleOutputs, StretchStructure
from cosim.engine import Inputs, Outputs, Stretch
from cosim.errors import SimulationError
from cosim.monitor import MonitorLog, monitor_fields
from cosim.stream import Beat, Stream
from cosim.verilator_build import build_library
from hdl.config import AcceleratorConfig


class CompiledEngine:
    """The converted accelerator; `vcd` names a waveform file to write.

    `note` is told when something has to be built, which takes some seconds. Raises ToolError, one
    line, if Verilator or the C++ compiler is missing or fails.
    """

    jobs = None
    """They are counted from the log."""

    def __init__(
        self,
        config: AcceleratorConfig,
        period_ps: int,
        vcd: Path | None = None,
        note: Note | None = None,
    ) -> None:
        self.config = config
        self._library = _load(build_library(config, trace=vcd is not None, note=note))
        self._inputs, self._outputs = CycleInputs(), CycleOutputs()
        self._fields = tuple(monitor_fields(config))
        self._monitor = (ctypes.c_uint64 * len(self._fields))()
        self._stretch = StretchStructure()
        self._stream: Stream | None = None
        self._log: MonitorLog | None = None
        file = b"" if vcd is None else bytes(vcd)
        self._engine: int | None = self._library.engine_open(period_ps, file)
        if self._engine is None:
            raise SimulationError(f"waveforms cannot be written to {vcd}")

    def cycle(self, edge_ps: int, inputs: Inputs) -> Outputs:
        """Plays the cycle that ends with the rising edge at `edge_ps`, later than the last one."""
        given, shown = self._inputs, self._outputs
        given.reset = inputs.reset
        given.write, given.read = inputs.write is not None, inputs.read is not None
        if inputs.write is not None:
            given.offset, given.value = inputs.write
        elif inputs.read is not None:
            given.offset = inputs.read
        given.valid = inputs.beat is not None
        if inputs.beat is not None:
            given.data, given.last = inputs.beat
        given.ready = inputs.ready
        self._library.engine_cycle(self._engine, edge_ps, given, shown, self._monitor)
        read_data = (shown.read_value, shown.read_response) if shown.read_answered else None
        return Outputs(
            write_taken=bool(shown.write_taken),
            write_response=shown.write_response if shown.write_answered else None,
            read_taken=bool(shown.read_taken),
            read_data=read_data,
            beat_taken=bool(shown.beat_taken),
            beat=Beat(shown.data, bool(shown.last)) if shown.valid else None,
            monitor=dict(zip(self._fields, self._monitor, strict=True)),
        )

    def play(self, stretch: Stretch, stream: Stream, log: MonitorLog) -> None:
        """Plays a stretch: takes beats from `stream`, notes each cycle in `log`, which has room."""
        if stream is not self._stream or log is not self._log:
            self._bind(stream, log)
        shared = self._stretch
        access, burst, ring = stretch.access, stream.burst, stream.ring
        shared.edge_ps, shared.period_ps = stretch.edge_ps, stretch.period_ps
        shared.limit_ps = stretch.limit_ps
        shared.ready_first, shared.ready = stretch.ready_first, stretch.ready
        shared.interrupt = stretch.interrupt
        shared.quiet_cycles, shared.quiet_limit = stretch.quiet_cycles, stretch.quiet_limit
        shared.beat = shared.beat_taken = 0
        shared.access = access is not None
        if access is not None:
            shared.access_write = access.value is not None
            shared.access_made_ps, shared.access_offset = access.made_ps, access.offset
            shared.access_value = access.value or 0
            shared.access_taken, shared.access_answered = access.taken, 0
        shared.stream_blocked = stream.blocked
        shared.freed_ps, shared.freed_beats = stream.freed_ps, stream.freed_beats
        shared.ring_head, shared.ring_count = ring.head, ring.count
        shared.burst_words = shared.burst_sent = 0
        if burst is not None:
            shared.burst_words, shared.burst_sent = burst.words, burst.sent
            shared.burst_final, shared.burst_period_ps = burst.final, burst.clock.period_ps
            shared.burst_first_ps, shared.burst_step_ps = burst.first_ps, burst.step_ps
            shared.burst_words_per_step = burst.words_per_step
            shared.burst_slot_ps = burst.slot_ps
            shared.burst_data = ctypes.cast(ctypes.c_char_p(burst.data), ctypes.c_void_p).value
        shared.log_used = log.used
        self._library.engine_play(self._engine, shared)
        log.used = shared.log_used
        stretch.last_edge_ps = shared.last_edge_ps
        stretch.quiet_cycles = shared.quiet_cycles
        stretch.interrupt = bool(shared.interrupt)
        stretch.beat_taken = bool(shared.beat_taken)
        if shared.beat:
            stretch.beat = Beat(shared.beat_data, bool(shared.beat_last))
        if access is not None:
            access.taken = bool(shared.access_taken)
            if shared.access_answered:
                response = shared.access_response
                written = access.value is not None
                access.answer = response if written else (shared.access_read, response)
        ring.head, ring.count = shared.ring_head, shared.ring_count
        stream.freed_ps, stream.freed_beats = shared.freed_ps, shared.freed_beats
        if burst is not None:
            stream.beats += shared.burst_sent - burst.sent
            burst.sent, burst.slot_ps = shared.burst_sent, shared.burst_slot_ps
            if burst.sent == burst.words:
                stream.end_burst(shared.burst_end_ps)

    def interrupt(self) -> bool:
        """The level of the interrupt line after the last edge."""
        return bool(self._library.engine_interrupt(self._engine))

    def close(self) -> None:
        """Ends the simulation; the waveform file is complete after it."""
        if self._engine is not None:
            self._library.engine_close(self._engine)
            self._engine = None

    def _bind(self, stream: Stream, log: MonitorLog) -> None:
        """Points the shared structure to the memory of a stream and of a log."""
        self._stream, self._log = stream, log
        shared, ring = self._stretch, stream.ring
        shared.ring_places = ring.places
        shared.ring_put_ps = ring.put_ps.buffer_info()[0]
        shared.ring_data = ring.data.buffer_info()[0]
        shared.ring_last = ring.last.buffer_info()[0]
        shared.log_places = log.columns.shape[1]
        shared.log_edges_ps = log.edges_ps.ctypes.data
        shared.log_columns = log.columns.ctypes.data


def _load(path: Path) -> Any:
    library = ctypes.CDLL(str(path))
    engine, time_ps = ctypes.c_void_p, ctypes.c_int64
    library.engine_open.argtypes = [time_ps, ctypes.c_char_p]
    library.engine_open.restype = engine
    library.engine_close.argtypes = [engine]
    library.engine_close.restype = None
    library.engine_interrupt.argtypes = [engine]
    library.engine_interrupt.restype = ctypes.c_int
    library.engine_cycle.argtypes = [
        engine,
        time_ps,
        ctypes.POINTER(CycleInputs),
        ctypes.POINTER(CycleOutputs),
        ctypes.POINTER(ctypes.c_uint64),
    ]
    library.engine_cycle.restype = None
    library.engine_play.argtypes = [engine, ctypes.POINTER(StretchStructure)]
    library.engine_play.restype = None
    return library
