"""The AXI4-Lite slave and the registers behind it, decoded from the table in `hdl.registers`."""

from myhdl import always, always_comb, always_seq, block, intbv

from hdl.bundles import bit, word
from hdl.config import AcceleratorConfig
from hdl.registers import BY_NAME, JOB_BASE, JOB_REGISTERS, KIND_CODES, REGISTERS, TABLE_VERSION

OKAY, SLAVE_ERROR = 0, 2


def version_word(config: AcceleratorConfig) -> int:
    """What the VERSION register of that accelerator reads."""
    return BY_NAME["VERSION"].encode(
        units=config.units,
        bits=config.bits,
        kind=KIND_CODES[config.kind],
        version=TABLE_VERSION,
    )


def _index(name: str) -> int:
    return BY_NAME[name].offset // 4


@block
def job_field(words, field, *, index, low):
    """Connects bits of job register `index` to a field of the job bundle."""
    high = low + len(field)

    @always_comb
    def comb_field():
        field.next = words[index][high:low]

    return comb_field


@block
def job_flag(words, field, *, index, low):
    """Connects one bit of job register `index` to a flag of the job bundle."""

    @always_comb
    def comb_flag():
        field.next = words[index][low]

    return comb_flag


@block
def register_file(clock, reset, s_axi, inside, job, status, start, clear, *, config):
    """Serves AXI4-Lite; a write takes 1 cycle and its response the next, a read likewise.

    Writes from `inside` (the loader) go first. Refused with SLVERR: unknown or read-only offsets,
    partial writes, and writes to job registers while a job runs. `start` pulses when JOB_COMMAND
    is written, `clear` when CONTROL.clear is.
    """
    job_words = [word(32) for _ in JOB_REGISTERS]
    job_base = JOB_BASE // 4
    job_end = job_base + len(JOB_REGISTERS)
    job_command = _index("JOB_COMMAND")
    control = _index("CONTROL")
    status_index = _index("STATUS")
    enable_index = _index("INTERRUPT_ENABLE")
    interrupt_index = _index("INTERRUPT_STATUS")
    version_index = _index("VERSION")
    error_index = _index("ERROR")
    cycles_index = _index("CYCLES")
    jobs_index = _index("JOBS")
    version = version_word(config)
    index_bits = len(inside.index)
    write_index, read_index = word(index_bits), word(index_bits)
    writing, write_job, write_control, write_good = (bit() for _ in range(4))
    reading = bit()
    data = word(32)
    address_bits = len(s_axi.awaddr)

    fields = [
        (job_flag if item.width == 1 else job_field)(
            job_words, job.signal_of(register, item), index=index, low=item.low
        )
        for index, register in enumerate(JOB_REGISTERS)
        for item in register.fields
        if job.has(item)
    ]

    @always_comb
    def comb_write():
        place = intbv(0)[index_bits:]
        good = intbv(0)[1:]
        outside = intbv(0)[1:]
        outside[:] = 0
        if s_axi.awvalid and s_axi.wvalid and not s_axi.bvalid and not inside.enable:
            outside[:] = 1
        place[:] = s_axi.awaddr[address_bits:2]
        good[:] = 0
        if s_axi.wstrb == 15 and s_axi.awaddr[2:] == 0:
            good[:] = 1
        data.next = s_axi.wdata
        if inside.enable:
            place[:] = inside.index
            data.next = inside.data
            good[:] = 1
        writing.next = outside != 0
        s_axi.awready.next = outside != 0
        s_axi.wready.next = outside != 0
        write_index.next = place
        write_job.next = 0
        write_control.next = 0
        write_good.next = 0
        if place >= job_base and place < job_end:
            if good != 0 and not status.busy and not clear:
                write_job.next = inside.enable or outside != 0
                write_good.next = 1
        elif place == control or place == enable_index or place == interrupt_index:
            write_control.next = good != 0 and outside != 0
            write_good.next = good != 0

    @always(clock.posedge)
    def seq_job():
        if write_job:
            job_words[write_index - job_base].next = data

    @always_seq(clock.posedge, reset=reset)
    def seq_write():
        start.next = write_job and write_index == job_command
        clear.next = 0
        status.acknowledge.next = 0
        if write_control:
            if write_index == control:
                clear.next = data[0]
            elif write_index == enable_index:
                status.enable.next = data[2:]
            else:
                status.acknowledge.next = data[2:]
        if writing:
            s_axi.bvalid.next = 1
            if write_good:
                s_axi.bresp.next = OKAY
            else:
                s_axi.bresp.next = SLAVE_ERROR
        elif s_axi.bready:
            s_axi.bvalid.next = 0

    @always_comb
    def comb_read():
        reading.next = s_axi.arvalid and not s_axi.rvalid
        s_axi.arready.next = not s_axi.rvalid
        read_index.next = s_axi.araddr[address_bits:2]

    @always_seq(clock.posedge, reset=reset)
    def seq_read():
        if reading:
            s_axi.rvalid.next = 1
            s_axi.rresp.next = OKAY
            s_axi.rdata.next = 0
            if s_axi.araddr[2:] != 0:
                s_axi.rresp.next = SLAVE_ERROR
            elif read_index >= job_base and read_index < job_end:
                s_axi.rdata.next = job_words[read_index - job_base]
            elif read_index == status_index:
                s_axi.rdata.next[0] = status.busy
                s_axi.rdata.next[1] = status.loading
                s_axi.rdata.next[2] = status.error != 0
            elif read_index == enable_index:
                s_axi.rdata.next = status.enable
            elif read_index == interrupt_index:
                s_axi.rdata.next = status.interrupts
            elif read_index == version_index:
                s_axi.rdata.next = version
            elif read_index == error_index:
                s_axi.rdata.next = status.error
            elif read_index == cycles_index:
                s_axi.rdata.next = status.cycles
            elif read_index == jobs_index:
                s_axi.rdata.next = status.jobs
            elif read_index != control:
                s_axi.rresp.next = SLAVE_ERROR
        elif s_axi.rready:
            s_axi.rvalid.next = 0

    return fields, comb_write, seq_job, seq_write, comb_read, seq_read


assert len(REGISTERS) == len(JOB_REGISTERS) + 8, "register_file must serve every register"
