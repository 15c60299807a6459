"""Every bundle of signals, declared once; directions as the accelerator sees them."""

from myhdl import Signal, intbv

from hdl.config import SECTION_BITS, STREAM_BITS, AcceleratorConfig
from hdl.lists import ListLayout
from hdl.packets import CHANNEL_SHIFT_WIDTH, MULTIPLIER_WIDTH
from hdl.registers import REGISTERS, Field, Register

EMIT, FINAL, BEGIN = range(3)
"""Flags of a window: it ends a pooling window, is the job's last, begins a pooling window."""

WINDOW_FLAGS = 3


def result_depth(config: AcceleratorConfig) -> int:
    """Finished filters a unit can hold; more than one pays only where units have own paces."""
    if not config.independent_units:
        return 1
    return config.results or (2 if config.kind == "bitmap" else 1)


def result_places(config: AcceleratorConfig) -> int:
    """Registers of a unit in which the collector may find the oldest; more wait in a queue."""
    return 2 if result_depth(config) == 2 else 1


def entry_words(config: AcceleratorConfig) -> int:
    """Stream words of the largest entry that is written at once."""
    listed = ListLayout.of(config).stream_words if config.kind == "list" else 1
    return max(listed, config.bias_words)


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

    It carries no data and feeds nothing back. Bit `u` of a vector belongs to unit `u`. `multiply`,
    `useful`, `empty` and `blocked` tell of the multiplier's inputs in the same cycle.
    """

    def __init__(self, config: AcceleratorConfig) -> None:
        self.job = bit()  # a job is running
        self.storing = bit()  # ... and sends words out
        self.load = bit()  # the loader takes a word, or writes a repeated one
        self.store = bit()  # the store stage sends a word
        self.write = bit()  # the write-back stage writes an element
        self.collect = bit()  # a finished filter passes the collector
        self.fetch = word(config.units)  # the unit fetches an element, a list word or a section
        self.operands = word(config.units)  # ... which it searches for pairs (list, bitmap)
        self.multiply = word(config.units)  # a pair of operands enters the multiplier
        self.useful = word(config.units)  # ... and neither is zero
        self.empty = word(config.units)  # none does: a list word or section without a useful pair
        self.blocked = word(config.units)  # none does: a finished filter waits for the collector


class Job:
    """The job registers, as fields (`hdl.registers`); stable while a job runs."""

    def __init__(self, config: AcceleratorConfig) -> None:
        address_bits = config.element_address_bits
        channel_bits = (config.bias_entries - 1).bit_length()
        self.last_step = word(address_bits)  # iterations minus one of each loop
        self.last_row = word(8)
        self.last_pool_x = word(4)
        self.last_pool_y = word(4)
        self.last_x = word(12)
        self.last_y = word(12)
        self.jump_step = word(address_bits)  # added modulo the size of the activation memory
        self.jump_row = word(address_bits)
        self.jump_pool_x = word(address_bits)
        self.jump_pool_y = word(address_bits)
        self.jump_x = word(address_bits)
        self.jump_y = word(address_bits)
        self.input = word(address_bits)  # first element of the first window
        self.output = word(address_bits)  # where the first result of channel 0 goes
        self.values = word(16)  # first weight value, in elements, or first list word
        self.bitmaps = word(16)  # first weight section
        self.last_filter = word(channel_bits)  # filters minus one
        self.bias = word(channel_bits)  # first entry in the bias memory
        self.pitch = word(address_bits)  # elements to the next output position in a row
        self.line = word(address_bits)  # ... from a row's last to the next row
        self.shift = word(7)  # requantisation
        self.unsigned_input = bit()
        self.unsigned_output = bit()
        self.low = word(config.bits)  # bounds of the results
        self.high = word(config.bits)
        self.store = bit()  # 1: a store job
        self.interrupt = bit()  # 1: tell the host at the end
        self.in_step = bit()  # 1: units begin their next filters together
        if config.partial_sums:
            self.partial_sums = bit()  # 1: filters 2i and 2i + 1 are parts of output channel i
        self.last_word = word(16)  # words of a store job, minus one

    def has(self, item: Field) -> bool:
        """Whether this hardware has a use for a field."""
        return item.name != "partial_sums" or hasattr(self, "partial_sums")

    def signal_of(self, register: Register, item: Field) -> Signal:
        """The signal that carries a field of a job register."""
        if register.name.startswith("LOOP_"):
            name = f"{item.name}_{register.name.removeprefix('LOOP_').lower()}"
        else:
            name = {"last": "last_filter", "words": "last_word"}.get(item.name, item.name)
            if name == "value":
                name = register.name.removeprefix("JOB_").lower()
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
    """A payload word, or an entry of several, on its way to a weight or bias memory."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.values = word(config.units)  # to the weight values of unit u
        self.lists = word(config.units)  # to the weight list of unit u
        self.bitmaps = word(config.units)  # to the weight bitmaps of unit u
        self.first = bit()  # the packet's first word
        self.biases = bit()  # to the bias memory
        self.address = word(16)
        self.data = word(32)
        self.entry = word(32 * entry_words(config))  # the newest words, the last on top


class ListLoad:
    """A list word as it is stored, on its way to the weight list of a unit."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.address = word(16)
        self.entry = word(ListLayout.of(config).stored_width)


class StoreRead:
    """How the store stage reads words of the activation memory; latency 1 cycle, then holds."""

    def __init__(self, config: AcceleratorConfig) -> None:
        lane_bits = (config.lanes - 1).bit_length()
        self.enable = bit()
        self.address = word(config.element_address_bits - lane_bits)  # in words
        self.data = word(STREAM_BITS)


class ActivationWrite:
    """A write into the activation memory: one element, or one whole word of elements (`wide`).

    With `marked`, each element has a mark above it (`hdl.activation_copy.mark_elements`).
    """

    def __init__(self, config: AcceleratorConfig, *, marked: bool = False) -> None:
        self.enable = bit()
        self.wide = bit()
        self.address = word(config.element_address_bits)  # in elements
        # a lone element sits in the low bits
        self.data = word(STREAM_BITS + config.lanes * marked)


class BitmapWrite:
    """A write of one whole section into every copy of the activation bitmaps."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.enable = bit()
        self.address = word(config.element_address_bits - 5)  # in sections
        self.data = word(SECTION_BITS)


class WindowPort:
    """How walkers get their windows (`hdl.windows`); index `c` is that of a client."""

    def __init__(self, config: AcceleratorConfig, clients: int) -> None:
        self.base = word(config.element_address_bits)  # first element of the window served
        self.wanted = [bit() for _ in range(clients)]  # the client can take a window
        self.serve = [bit() for _ in range(clients)]  # it is given `base` in this cycle


class Operands:
    """What enters the multiplier of one unit."""

    def __init__(self, config: AcceleratorConfig) -> None:
        self.valid = bit()
        self.weight = number(config.bits)
        self.activation = number(config.bits + 1)  # signed or unsigned
        self.last = bit()  # the filter's last, with or without operands
        self.empty = bit()  # nothing to multiply in what was searched
        self.blocked = bit()  # nothing, as a finished filter waits


class Results:
    """Finished filters of every unit, `result_places` registers a unit."""

    def __init__(self, config: AcceleratorConfig) -> None:
        units = range(config.units)
        self.valid = [bit() for _ in units]
        self.place = [bit() for _ in units]  # the oldest is in this one, from its `take` on
        places = range(config.units * result_places(config))
        self.total = [number(config.accumulator_bits) for _ in places]
        self.take = [bit() for _ in units]  # the collector takes the oldest in this cycle


class Sum:
    """A filter's sum, or its result, on its way to the write-back stage."""

    def __init__(self, config: AcceleratorConfig, bits: int) -> None:
        self.valid = bit()
        self.total = number(bits)
        self.multiplier = word(MULTIPLIER_WIDTH)  # with channel scales
        self.shift = word(CHANNEL_SHIFT_WIDTH)
        self.channel = word((config.bias_entries - 1).bit_length())  # of the job
        self.address = word(config.element_address_bits)  # where the result goes
        self.flags = word(WINDOW_FLAGS)
        self.end = bit()  # the unit's last filter of the window
