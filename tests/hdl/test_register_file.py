"""Every register over AXI4-Lite against the table: access rights, refusals, back-pressure."""

import random
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from myhdl import ResetSignal

from hdl.bundles import REGISTER_ADDRESS_BITS, AxiLite, Job, RegisterWrite, Status, bit
from hdl.register_file import OKAY, SLAVE_ERROR, register_file, version_word
from hdl.registers import BY_NAME, JOB_REGISTERS, KIND_CODES, REGISTERS, TABLE_VERSION, Register
from tests.drivers import Access, Pace, axi_lite_master, reset_source
from tests.hdl.axi_rules import LiteRules, lite_rules
from tests.hdl.bench import run, small_config

CONFIG = small_config(units=3)
OFFSETS = {register.offset for register in REGISTERS}
UNKNOWN = [o for o in range(0, 1 << REGISTER_ADDRESS_BITS, 4) if o not in OFFSETS]
BY_OFFSET = {register.offset: register for register in REGISTERS}
COMMAND = BY_NAME["JOB_COMMAND"].offset


def named_bits(register: Register) -> int:
    return sum(item.mask for item in register.fields)


class Bench:
    """The register file with its neighbours' signals, and what it has told them."""

    def __init__(self) -> None:
        self.clock = bit()
        self.resetn = ResetSignal(0, active=0, isasync=False)
        self.port, self.inside = AxiLite(), RegisterWrite()
        self.job, self.status = Job(CONFIG), Status()
        self.start, self.clear = bit(), bit()
        self.starts = self.clears = 0
        self.acknowledged: list[int] = []
        self.rules = LiteRules()
        self.dut = register_file(
            self.clock, self.resetn, self.port, self.inside, self.job, self.status, self.start,
            self.clear, config=CONFIG,
        )  # fmt: skip

    def watch(self) -> None:
        """Notes the pulses of one cycle."""
        self.starts += bool(self.start)
        self.clears += bool(self.clear)
        if self.status.acknowledge:
            self.acknowledged.append(int(self.status.acknowledge))

    def check_job(self, words: dict[Register, int]) -> None:
        """The job's signals must show the fields of these words; addresses wrap in the memory."""
        for register, word in words.items():
            for item in filter(self.job.has, register.fields):
                signal = self.job.signal_of(register, item)
                value = register.decode(word)[item.name]
                assert int(signal) == value % 2 ** (len(signal) or 1), (
                    f"{register.name}.{item.name}"
                )

    def play(
        self,
        accesses: Sequence[Access],
        pace: float = 1.0,
        *,
        each_cycle: Callable[[], None] = lambda: None,
        at_end: Callable[[], None] = lambda: None,
    ) -> None:
        """Makes the accesses; calls `each_cycle` at each edge and `at_end` at the last."""

        def script() -> Iterator[Any]:
            while accesses[-1].response is None:
                yield self.clock.posedge
                self.watch()
                each_cycle()
            for _ in range(3):
                yield self.clock.posedge
                self.watch()
            at_end()

        run(
            self.clock,
            self.dut,
            reset_source(self.clock, self.resetn),
            axi_lite_master(self.clock, self.resetn, self.port, accesses, Pace(pace, 5)),
            lite_rules(self.clock, self.port, self.rules),
            script=script,
        )
        writes = sum(access.data is not None for access in accesses)
        assert (self.rules.b.transfers, self.rules.r.transfers) == (writes, len(accesses) - writes)


@pytest.fixture
def bench() -> Bench:
    return Bench()


PACES = pytest.mark.parametrize("pace", [0.2, 0.6, 1.0])


@PACES
def test_read_write_registers_hold_what_is_written(bench: Bench, pace: float) -> None:
    """Named fields; the rest is reserved (`hdl.registers.Register`)."""
    random_ = random.Random(1)
    writable = [register for register in REGISTERS if register.access == "rw"]
    assert len(writable) == len(JOB_REGISTERS) + 1
    words = {register: random_.getrandbits(32) for register in writable}
    writes = [Access(register.offset, word) for register, word in words.items()]
    reads = [Access(register.offset) for register in words]
    bench.play([*writes, *reads], pace)
    assert {access.response for access in [*writes, *reads]} == {OKAY}
    for read, (register, word) in zip(reads, words.items(), strict=True):
        seen, wanted = register.decode(read.read_data or 0), register.decode(word)
        assert seen == wanted, register.name
    assert bench.starts == 1


def test_bits_without_a_name(bench: Bench) -> None:
    """Job registers keep them, others read as zero (`hdl.registers.Register`)."""
    writable = [register for register in REGISTERS if register.access == "rw"]
    writes = [Access(register.offset, 2**32 - 1) for register in writable]
    reads = [Access(register.offset) for register in writable]
    bench.play([*writes, *reads])
    seen = [hex(read.read_data or 0) for read in reads]
    assert dict(zip([register.name for register in writable], seen, strict=True)) == {
        register.name: hex(2**32 - 1 if register in JOB_REGISTERS else named_bits(register))
        for register in writable
    }


@PACES
def test_job_fields_follow_their_registers(bench: Bench, pace: float) -> None:
    random_ = random.Random(2)
    words = {register: random_.getrandbits(32) for register in JOB_REGISTERS}
    bench.play(
        [Access(register.offset, word) for register, word in words.items()],
        pace,
        at_end=lambda: bench.check_job(words),
    )


@PACES
def test_read_only_registers_refuse_writes(bench: Bench, pace: float) -> None:
    status = {"STATUS": 0b101, "VERSION": version_word(CONFIG), "ERROR": 2, "CYCLES": 77, "JOBS": 9}
    names = [register.name for register in REGISTERS if register.access == "ro"]
    assert sorted(names) == sorted(status)
    writes = [Access(BY_NAME[name].offset, 0xFFFFFFFF) for name in names]
    reads = [Access(BY_NAME[name].offset) for name in names]

    def drive() -> None:
        bench.status.busy.next, bench.status.error.next = True, 2
        bench.status.cycles.next, bench.status.jobs.next = 77, 9

    bench.play([*writes, *reads], pace, each_cycle=drive)
    assert {access.response for access in writes} == {SLAVE_ERROR}
    assert {access.response for access in reads} == {OKAY}
    assert {name: read.read_data for name, read in zip(names, reads, strict=True)} == status


@pytest.mark.parametrize(
    ("busy", "loading", "error", "word"),
    [(0, 0, 0, 0), (1, 0, 0, 1), (0, 1, 0, 2), (0, 0, 2, 4), (1, 1, 1, 7)],
)
def test_status_bits(bench: Bench, busy: int, loading: int, error: int, word: int) -> None:
    def drive() -> None:
        bench.status.busy.next, bench.status.loading.next = bool(busy), bool(loading)
        bench.status.error.next = error

    read = Access(BY_NAME["STATUS"].offset)
    bench.play([read], each_cycle=drive)
    assert read.read_data == word


def test_version_names_the_accelerator() -> None:
    for kind, units in (("bitmap", 1), ("dense", 16)):
        fields = BY_NAME["VERSION"].decode(version_word(small_config(kind=kind, units=units)))
        assert fields == {
            "units": units, "bits": 8, "kind": KIND_CODES[kind], "version": TABLE_VERSION,
        }  # fmt: skip


@PACES
def test_control_clears_and_reads_as_zero(bench: Bench, pace: float) -> None:
    control = BY_NAME["CONTROL"].offset
    accesses = [Access(control, 1), Access(control), Access(control, 0xFFFFFFFE), Access(control)]
    bench.play(accesses, pace)
    assert [access.response for access in accesses] == [OKAY] * 4
    assert [accesses[1].read_data, accesses[3].read_data] == [0, 0]
    assert bench.clears == 1, "clear must pulse for one cycle, and for a written one only"


@PACES
def test_interrupt_status_is_acknowledged_by_ones(bench: Bench, pace: float) -> None:
    offset = BY_NAME["INTERRUPT_STATUS"].offset

    def drive() -> None:
        bench.status.interrupts.next = 2

    accesses = [*(Access(offset, value) for value in (1, 2, 0, 0xFFFFFFFF)), Access(offset)]
    bench.play(accesses, pace, each_cycle=drive)
    assert [access.response for access in accesses] == [OKAY] * 5
    assert bench.acknowledged == [1, 2, 3], "an acknowledgement must last one cycle"
    assert accesses[-1].read_data == 2


@PACES
def test_refused_accesses(bench: Bench, pace: float) -> None:
    """Unknown offsets, partial writes and unaligned addresses change nothing."""
    first = JOB_REGISTERS[0].offset
    bad = [
        *(Access(offset) for offset in UNKNOWN),
        *(Access(offset, 0x12345678) for offset in UNKNOWN),
        *(Access(first, 0x12345678, strobe=strobe) for strobe in range(15)),
        *(Access(COMMAND, 1, strobe=strobe) for strobe in (0, 1, 14)),
        *(Access(BY_NAME["CONTROL"].offset, 1, strobe=strobe) for strobe in (0, 1, 14)),
        *(Access(first + low, 0x12345678) for low in (1, 2, 3)),
        *(Access(first + low) for low in (1, 2, 3)),
    ]
    before, after = Access(first), Access(first)
    bench.play([Access(first, 0xABCD), before, *bad, after], pace)
    assert {access.response for access in bad} == {SLAVE_ERROR}
    assert (before.read_data, after.read_data) == (0xABCD, 0xABCD)
    assert (bench.starts, bench.clears) == (0, 0)


@PACES
def test_job_registers_refuse_writes_while_busy(bench: Bench, pace: float) -> None:
    def drive() -> None:
        bench.status.busy.next = True

    writes = [Access(register.offset, 0xFFFFFFFF) for register in JOB_REGISTERS]
    reads = [Access(register.offset) for register in JOB_REGISTERS]
    enable = Access(BY_NAME["INTERRUPT_ENABLE"].offset, 3)

    def enabled() -> None:
        assert bench.status.enable == 3, "the control group must work at any time"

    bench.play([*writes, *reads, enable], pace, each_cycle=drive, at_end=enabled)
    assert {access.response for access in writes} == {SLAVE_ERROR}
    assert {access.response for access in reads} == {OKAY}
    assert {access.read_data for access in reads} == {0}
    assert enable.response == OKAY
    assert bench.starts == 0


def test_the_loader_writes_job_registers_and_goes_first() -> None:
    """Random writes from both sides, to registers of their own; none is lost, none is mixed up."""
    bench = Bench()
    random_ = random.Random(6)
    ours, theirs = JOB_REGISTERS[:5], JOB_REGISTERS[5:10]
    accesses = [Access(random_.choice(ours).offset, random_.getrandbits(16)) for _ in range(40)]
    words: dict[Register, int] = dict.fromkeys((*ours, *theirs), 0)
    words |= {BY_OFFSET[access.offset]: access.data or 0 for access in accesses}

    def drive() -> None:
        register = random_.choice(theirs)
        enable = random_.random() < 0.5
        bench.inside.enable.next = enable
        if enable:
            word = random_.getrandbits(16)
            bench.inside.index.next, bench.inside.data.next = register.offset // 4, word
            words[register] = word
        assert not (bench.inside.enable and bench.port.awready), "the loader must go first"

    def end() -> None:
        bench.check_job(words)

    bench.play([*accesses, Access(UNKNOWN[0])], 0.7, each_cycle=drive, at_end=end)
    assert {access.response for access in accesses} == {OKAY}


def test_the_loader_cannot_write_control_registers() -> None:
    bench = Bench()
    index = iter([BY_NAME[name].offset // 4 for name in ("CONTROL", "INTERRUPT_ENABLE")] * 3)

    def drive() -> None:
        place = next(index, None)
        bench.inside.enable.next = place is not None
        bench.inside.index.next = place or 0
        bench.inside.data.next = 0xFFFFFFFF

    def end() -> None:
        assert next(index, None) is None, "all must have been tried"
        assert bench.status.enable == 0

    bench.play([Access(UNKNOWN[0]) for _ in range(4)], each_cycle=drive, at_end=end)
    assert bench.clears == 0


def test_reads_and_writes_do_not_wait_for_each_other() -> None:
    """Two masters, one for each direction, at a random pace each."""
    bench = Bench()
    register = JOB_REGISTERS[3]
    writes = [Access(register.offset, value) for value in range(1, 31)]
    reads = [Access(register.offset) for _ in range(30)]

    def script() -> Iterator[Any]:
        while writes[-1].response is None or reads[-1].response is None:
            yield bench.clock.posedge

    run(
        bench.clock,
        bench.dut,
        reset_source(bench.clock, bench.resetn),
        axi_lite_master(bench.clock, bench.resetn, bench.port, writes, Pace(0.5, 1)),
        axi_lite_master(bench.clock, bench.resetn, bench.port, reads, Pace(0.5, 2)),
        lite_rules(bench.clock, bench.port, bench.rules),
        script=script,
    )
    values = [access.read_data or 0 for access in reads]
    assert values == sorted(values)
    assert len(set(values)) > 5
    assert {access.response for access in [*writes, *reads]} == {OKAY}


def test_responses_do_not_wait_for_ready() -> None:
    """Valid rises while ready is low, and stays."""
    bench = Bench()
    port = bench.port

    def script() -> Iterator[Any]:
        bench.resetn.next = True
        port.awaddr.next, port.wdata.next, port.wstrb.next = COMMAND - 4, 5, 15
        port.araddr.next = BY_NAME["VERSION"].offset
        port.awvalid.next = port.wvalid.next = port.arvalid.next = True
        yield bench.clock.posedge
        port.awvalid.next = port.wvalid.next = port.arvalid.next = False
        for _ in range(5):
            yield bench.clock.posedge
            assert port.bvalid
            assert port.rvalid
            assert port.rdata == version_word(CONFIG)

    run(bench.clock, bench.dut, lite_rules(bench.clock, port, bench.rules), script=script)
