"""Job control: starts, busy, counters, interrupts and errors."""

from collections.abc import Iterator
from typing import Any

import pytest

from hdl.bundles import Job, Status, bit, word
from hdl.config import AcceleratorConfig
from hdl.control import control, drain_cycles
from tests.hdl.bench import run, small_config, stage_reset

DONE, ERROR = 1, 2
CONFIGS = [small_config(kind="bitmap"), small_config(kind="list"), small_config(kind="dense")]
DRAIN_CYCLES = {"bitmap": 1, "list": 0, "dense": 0}


class Bench:
    """The control block and the signals around it."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.clock, self.reset = bit(), stage_reset()
        self.job, self.status = Job(config), Status()
        self.drain_cycles = DRAIN_CYCLES[config.kind]
        assert drain_cycles(config) == self.drain_cycles
        self.start, self.compute_start, self.store_start = bit(), bit(), bit()
        self.finished, self.stored, self.interrupt, self.running = (bit() for _ in range(4))
        self.error = word(8)
        self.dut = control(
            self.clock, self.reset, self.job, self.status, self.start, self.compute_start,
            self.store_start, self.finished, self.stored, self.error, self.interrupt, self.running,
            config=config,
        )  # fmt: skip

    def pulse(self, signal: Any, value: int = 1) -> Iterator[Any]:
        """Drives a signal for one cycle; afterwards the script is at the edge that saw it."""
        signal.next = value
        yield self.clock.posedge
        signal.next = 0

    def run_job(self, *, store: bool, interrupt: bool, work_cycles: int) -> Iterator[Any]:
        """One job; checks starts and `busy`, returns when the accelerator is idle again."""
        yield self.clock.posedge
        self.job.store.next, self.job.interrupt.next = store, interrupt
        self.start.next = True
        yield self.clock.negedge
        assert (self.compute_start, self.store_start) == (not store, store)
        yield self.clock.posedge
        self.start.next = False
        busy_cycles = int(self.status.busy)
        for _ in range(work_cycles):
            yield self.clock.posedge
            assert not self.compute_start
            assert not self.store_start
            busy_cycles += int(self.status.busy)
        yield from self.pulse(self.stored if store else self.finished)
        while self.status.busy:
            busy_cycles += 1
            assert self.running
            yield self.clock.posedge
        assert busy_cycles == 1 + work_cycles + (1 if store else 1 + self.drain_cycles)
        assert not self.running
        yield self.clock.posedge
        yield self.clock.negedge


@pytest.fixture(params=CONFIGS, ids=lambda config: config.kind)
def bench(request: pytest.FixtureRequest) -> Bench:
    return Bench(request.param)


def test_jobs_and_cycles_are_counted(bench: Bench) -> None:
    def script() -> Iterator[Any]:
        total = 0
        for index, (store, work) in enumerate([(False, 5), (True, 3), (False, 0), (True, 0)]):
            yield from bench.run_job(store=store, interrupt=False, work_cycles=work)
            total += 1 + work + (1 if store else 1 + bench.drain_cycles)
            assert bench.status.cycles == total
            assert bench.status.jobs == index + 1
        assert bench.status.interrupts == 0

    run(bench.clock, bench.dut, script=script)


def test_only_jobs_that_ask_for_it_set_done(bench: Bench) -> None:
    def script() -> Iterator[Any]:
        bench.status.enable.next = DONE
        for store in (False, True):
            yield from bench.run_job(store=store, interrupt=False, work_cycles=2)
            assert bench.status.interrupts == 0
            yield from bench.run_job(store=store, interrupt=True, work_cycles=2)
            assert bench.status.interrupts == DONE
            assert bench.interrupt
            yield from bench.pulse(bench.status.acknowledge, ERROR)
            yield bench.clock.negedge
            assert bench.status.interrupts == DONE, "the other bit must not be acknowledged"
            yield from bench.pulse(bench.status.acknowledge, DONE)
            yield bench.clock.negedge
            assert bench.status.interrupts == 0
            assert not bench.interrupt

    run(bench.clock, bench.dut, script=script)


def test_enable_only_masks_the_line(bench: Bench) -> None:
    def script() -> Iterator[Any]:
        yield from bench.run_job(store=True, interrupt=True, work_cycles=1)
        yield from bench.pulse(bench.error, 2)
        for enable in (0, DONE, ERROR, DONE | ERROR):
            bench.status.enable.next = enable
            yield bench.clock.negedge
            assert bench.status.interrupts == DONE | ERROR
            assert bench.interrupt == (enable != 0)
            yield bench.clock.posedge
        yield from bench.pulse(bench.status.acknowledge, DONE)
        bench.status.enable.next = DONE
        yield bench.clock.negedge
        assert not bench.interrupt

    run(bench.clock, bench.dut, script=script)


def test_the_first_error_stays_until_reset(bench: Bench) -> None:
    def script() -> Iterator[Any]:
        yield from bench.pulse(bench.error, 2)
        yield bench.clock.posedge
        yield from bench.pulse(bench.error, 1)
        yield bench.clock.negedge
        assert bench.status.error == 2
        assert bench.status.interrupts == ERROR
        yield from bench.pulse(bench.status.acknowledge, ERROR)
        yield bench.clock.negedge
        assert (bench.status.error, bench.status.interrupts) == (2, 0)
        yield from bench.pulse(bench.reset, 1)
        yield bench.clock.negedge
        assert bench.status.error == 0

    run(bench.clock, bench.dut, script=script)


def test_a_condition_wins_over_its_acknowledgement(bench: Bench) -> None:
    def script() -> Iterator[Any]:
        yield from bench.pulse(bench.error, 1)
        bench.error.next = 1
        yield from bench.pulse(bench.status.acknowledge, ERROR)
        bench.error.next = 0
        yield bench.clock.negedge
        assert bench.status.interrupts == ERROR

    run(bench.clock, bench.dut, script=script)


def test_reset_ends_a_job_and_clears_the_counters(bench: Bench) -> None:
    def script() -> Iterator[Any]:
        yield from bench.run_job(store=False, interrupt=True, work_cycles=2)
        yield from bench.pulse(bench.start)
        yield bench.clock.posedge
        assert bench.status.busy
        yield from bench.pulse(bench.reset, 1)
        yield bench.clock.negedge
        assert not bench.status.busy
        assert (bench.status.cycles, bench.status.jobs, bench.status.interrupts) == (0, 0, 0)

    run(bench.clock, bench.dut, script=script)
