"""Every bundle of signals, declared once; directions as the accelerator sees them."""

from myhdl import Signal, intbv

from hdl.config import BANK_COPIES, SECTION_BITS, STREAM_BITS, AcceleratorConfig
from hdl.lists import ListLayout
from hdl.registers import REGISTERS, Field, Register

EMIT, FINAL, BEGIN, WRAP = range(4)
"""Bits of the flags that travel with the end of a window: it ends a pooling window, a filter's last
one; and in `list`, where units go through all their filters at every window: it begins a pooling
window; its filter is the unit's last."""


def operand_latency_cycles(config: AcceleratorConfig) -> int:
    """From a pair that is read, or kept waiting, to the multiplier that has it, or has none."""
    return 1 if config.kind == "list" else 2


def flag_bits(config: AcceleratorConfig) -> int:
    """Width of the flags of a window."""
    return 1 + (WRAP if config.kind == "list" else FINAL)


REGISTER_ADDRESS_BITS = max(register.offset for register in REGISTERS).bit_length()


def bit() -> Signal:
    """A one-bit signal, low at power-up."""
    return Signal(bool(0))


def word(bits: int) -> Signal:
    """An unsigned signal of that many bits."""
    return Signal(intbv(0)[bits:])


def number(bits: int) -> Signal:
    """A two's complement signal of that many bits."""
    return Signal(intbv(0, min=-(1 << (bits - 1)), max=1 << (bits - 1)))


class AxiLite:
    """An AXI4-Lite slave port, 32 data bits."""

    def __init__(self) -> None:
        self.awaddr = word(REGISTER_ADDRESS_BITS)  # in, byte address
        self.awvalid = bit()  # in
        self.awready = bit()  # out
        self.wdata = word(32)  # in
        self.wstrb = word(4)  # in; partial writes are refused with SLVERR
        self.wvalid = bit()  # in
        self.wready = bit()  # out
        self.bresp = word(2)  # out, OKAY or SLVERR
        self.bvalid = bit()  # out
        self.bready = bit()  # in
        self.araddr = word(REGISTER_ADDRESS_BITS)  # in, byte address
        self.arvalid = bit()  # in
        self.arready = bit()  # out
        self.rdata = word(32)  # out
        self.rresp = word(2)  # out, OKAY or SLVERR
        self.rvalid = bit()  # out
        self.rready = bit()  # in


class AxiStream:
    """An AXI4-Stream port."""

    def __init__(self) -> None:
        self.tdata = word(STREAM_BITS)
        self.tvalid = bit()
        self.tready = bit()
        self.tlast = bit()


class Monitor:
    """What each stage does in a cycle, for counters and waveforms; may be left open.

    It carries no data and feeds nothing back. Bit `u` of a vector belongs to unit `u`. A pair whose
    operands are read in one cycle enters the multiplier `operand_latency_cycles` later.
    """

    def __init__(self, config: AcceleratorConfig) -> None:
        self.job = bit()  # a job is running
        self.storing = bit()  # ... and sends words out
        self.load = bit()  # the loader takes a word
        self.store = bit()  # the store stage sends a word
        self.write = bit()  # the write-back stage writes an element
        self.collect = bit()  # a finished window passes the collector
        self.fetch = word(config.units)  # the unit has steps of this job before it
        self.match = word(config.units)  # a section is searched for pairs (bitmap)
        self.operands = word(config.units)  # a pair's operands are read
        self.multiply = word(config.units)  # a pair of operands enters the multiplier
        self.useful = word(config.units)  # ... and neither is zero
        self.conflict = word(config.units)  # a pair waits for a bank of the activation memory
        self.blocked = word(config.units)  # a finished window waits for the collector


class Job:
    """The job registers, as fields (`hdl.registers`); stable while a job runs."""

    def __init__(self, config: AcceleratorConfig) -> None:
        address_bits = config.element_address_bits
        self.last_step = word(16)  # iterations minus one of each loop
        self.last_row = word(16)
        self.last_pool_x = word(16)
        self.last_pool_y = word(16)
        self.last_x = word(16)
        self.last_y = word(16)
        self.jump_step = word(address_bits)  # added modulo the size of the activation memory
        self.jump_row = word(address_bits)
        self.jump_pool_x = word(address_bits)
        self.jump_pool_y = word(address_bits)
        self.jump_x = word(address_bits)
        self.jump_y = word(address_bits)
        self.input = word(address_bits)  # first element of the first window
        self.output = word(address_bits)  # first element written
        self.values = word(16)  # first weight value, in elements
        self.bitmaps = word(16)  # first weight section
        self.last_filter = word(16)  # output channels minus one
        self.bias = word(16)  # first entry in the bias memory
        self.pitch = word(address_bits)  # elements between output positions
        self.shift = word(6)  # requantisation
        self.relu = bit()
        self.store = bit()  # 1: a store job
        self.interrupt = bit()  # 1: tell the host at the end
        self.last_word = word(16)  # words of a store job, minus one

    def signal_of(self, register: Register, item: Field) -> Signal:
        """The signal that carries a field of a job register."""
        if register.name.startswith("LOOP_"):
            name = f"{item.name}_{register.name.removeprefix('LOOP_').lower()}"
        else:
            name = {"last": "last_filter", "words": "last_word"}.get(item.name, item.name)
        return getattr(self, name)


class Status:
    """What the registers of the control group show."""

    def __init__(self) -> None:
        self.busy = bit()  # a job runs
        self.loading = bit()  # a packet is partly received
        self.error = word(8)  # first error
        self.interrupts = word(2)  # pending conditions: done, error
        self.enable = word(2)  # ... that raise the line
        self.acknowledge = word(2)  # ... that the host clears in this cycle
        self.cycles = word(32)  # busy cycles
        self.jobs = word(32)  # finished jobs


class RegisterWrite:
    """A write into the register file from inside."""

    def __init__(self) -> None:
        self.enable = bit()
        self.index = word(REGISTER_ADDRESS_BITS - 2)  # register offset / 4
        self.data = word(32)


class LoadWrite:
    """A payload word on its way to a weight or bias memory."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.values = word(config.units)  # to the weight values of unit u
        self.lists = word(config.units)  # to the weight list of unit u
        self.bitmaps = word(config.units)  # to the weight bitmaps of unit u
        self.biases = bit()  # to the bias memory
        self.address = word(16)
        self.data = word(32)
        self.list_word = word(ListLayout.of(config).stream_words * 32)  # of `unit`, whole


class StoreRead:
    """How the store stage reads words of the activation memory; latency 1 cycle, then holds."""

    def __init__(self, config: AcceleratorConfig) -> None:
        lane_bits = (config.lanes - 1).bit_length()
        self.enable = bit()
        self.address = word(config.element_address_bits - lane_bits)  # in words
        self.data = word(STREAM_BITS)


class ActivationWrite:
    """A write into the activation memory: one element, or one whole word of elements (`wide`)."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.enable = bit()
        self.wide = bit()
        self.address = word(config.element_address_bits)  # in elements
        self.data = word(STREAM_BITS)  # a lone element sits in the low bits


class BitmapWrite:
    """A write of one whole section into every copy of the activation bitmaps."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.enable = bit()
        self.address = word(config.element_address_bits - 5)  # in sections
        self.data = word(SECTION_BITS)


class Step:
    """One step of a unit's walk over its windows."""

    def __init__(self, config: AcceleratorConfig, weight_bits: int) -> None:
        self.valid = bit()
        self.address = word(config.element_address_bits)  # first input element of the step
        self.weight = word(weight_bits)  # index of the step's weights
        self.channel = word(16)  # output channel
        self.window = bit()  # last step of a window
        self.flags = word(3 if config.kind == "list" else 2)  # ... of that window, but WRAP


class Section:
    """One section of weights and the matching section of activations."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.valid = bit()
        self.weights = word(SECTION_BITS)  # bitmap of non-zero weights
        self.matches = word(SECTION_BITS)  # ... whose activation is non-zero too
        self.address = word(config.element_address_bits)  # element of bit 0
        self.value = word((config.weight_elements - 1).bit_length())  # weight value of lowest one
        self.window = bit()
        self.flags = word(flag_bits(config))


class Pairs:
    """The oldest matched pair of every unit."""

    def __init__(self, config: AcceleratorConfig) -> None:
        units = range(config.units)
        self.valid = [bit() for _ in units]
        self.needed = [bit() for _ in units]  # 0: only the end of a window, no operands
        bank_bits = (config.banks - 1).bit_length()
        self.bank = [word(bank_bits) for _ in units]  # of the activation
        self.row = [word(config.element_address_bits - bank_bits) for _ in units]
        self.value = [word((config.weight_elements - 1).bit_length()) for _ in units]
        self.window = [bit() for _ in units]
        self.flags = [word(flag_bits(config)) for _ in units]
        self.grant = [bit() for _ in units]  # the pair is taken in this cycle
        self.copy = [bit() for _ in units]  # ... with its activation from this copy of the bank


class ReadPort:
    """Read ports of the activation banks, latency 1; copy `c` of bank `b` is at `c*banks + b`."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.enable = bit()
        row_bits = config.element_address_bits - (config.banks - 1).bit_length()
        ports = range(BANK_COPIES * config.banks)
        self.row = [word(row_bits) for _ in ports]
        self.data = [word(config.bits) for _ in ports]


class Operands:
    """What enters the multiplier of one unit."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.valid = bit()
        self.weight = number(config.bits)
        self.activation = number(config.bits)
        self.window = bit()
        self.flags = word(flag_bits(config))


class Results:
    """The oldest finished window of every unit."""

    def __init__(self, config: AcceleratorConfig) -> None:
        units = range(config.units)
        self.valid = [bit() for _ in units]
        self.total = [number(config.accumulator_bits) for _ in units]
        self.flags = [word(flag_bits(config)) for _ in units]
        self.take = [bit() for _ in units]  # the collector takes it in this cycle


class Sum:
    """A window's sum with bias on its way to the write-back stage."""

    def __init__(self, config: AcceleratorConfig, bits: int) -> None:
        self.valid = bit()
        self.total = number(bits)
        self.unit = word(max(1, (config.units - 1).bit_length()))
        self.channel = word((config.bias_entries - 1).bit_length())  # its bias entry (list)
        self.flags = word(flag_bits(config))
