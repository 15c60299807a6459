"""The register table: one description for the RTL decoder, the driver and the documents.

The accelerator has two groups of 32-bit registers on its AXI4-Lite port. The control group works at
any time. The job group describes one job, a layer or a tile of it; it can be written while no job
runs, over AXI4-Lite or by a `REGISTERS` packet on the input stream (`hdl.packets`), and writing its
last register, `JOB_COMMAND`, starts the job.

A job walks its windows in nested loops (see `LOOPS`), innermost first: the columns and rows of a
pooling window, the output columns and rows. At each window every unit goes through all its filters:
unit `u` of `n` computes output channels `u`, `u + n`, `u + 2n`, ... In `dense` and `bitmap` a
filter reads its window in two more loops inside: the steps of one contiguous run of a kernel row,
and kernel rows. A `list` holds its own offsets and does not use these two.
"""

from dataclasses import dataclass, field
from typing import Literal

Access = Literal["rw", "ro", "w1c", "wo"]


@dataclass(frozen=True)
class Field:
    """Bits `low` to `low + width - 1` of a register."""

    name: str
    low: int
    width: int
    doc: str

    @property
    def mask(self) -> int:
        """The field's bits, in place."""
        return ((1 << self.width) - 1) << self.low


@dataclass(frozen=True)
class Register:
    """One 32-bit register at byte `offset`.

    Bits without a name are reserved: write zeros. They read as zero, but for those of the job
    registers, which read as written.
    """

    name: str
    offset: int
    access: Access
    doc: str
    fields: tuple[Field, ...] = field(default=())

    def __post_init__(self) -> None:
        used = 0
        for item in self.fields:
            if item.low + item.width > 32 or used & item.mask:
                raise ValueError(f"field {self.name}.{item.name} must fit and not overlap")
            used |= item.mask

    def encode(self, **values: int) -> int:
        """Packs field values into a word; signed values are wrapped to their field's width."""
        word = 0
        for name, value in values.items():
            item = self.field(name)
            if not -(1 << (item.width - 1)) <= value < 1 << item.width:
                raise ValueError(f"{self.name}.{name} must fit {item.width} bits, not {value}")
            word |= (value & ((1 << item.width) - 1)) << item.low
        return word

    def decode(self, word: int) -> dict[str, int]:
        """Unpacks a word into its fields, unsigned."""
        return {item.name: (word & item.mask) >> item.low for item in self.fields}

    def field(self, name: str) -> Field:
        """The field of that name; raises KeyError."""
        for item in self.fields:
            if item.name == name:
                return item
        raise KeyError(f"register {self.name} has no field {name}")


WALK_LOOPS = ("step", "row")
"""Loop levels inside a window, innermost first (`dense` and `bitmap`)."""

WINDOW_LOOPS = ("pool_x", "pool_y", "x", "y")
"""Loop levels over windows, innermost first."""

LOOPS = WALK_LOOPS + WINDOW_LOOPS
"""Loop levels of a job, innermost first."""

JOB_BASE = 0x40

_LOOP_DOCS = {
    "step": "steps of a contiguous run (one step: a bitmap section, or one element if dense)",
    "row": "rows of the kernel",
    "pool_x": "columns of the max-pooling window (1: no pooling)",
    "pool_y": "rows of the max-pooling window (1: no pooling)",
    "x": "output columns, after pooling",
    "y": "output rows, after pooling",
}

_LOOP_WIDTHS = {"step": 16, "row": 8, "pool_x": 4, "pool_y": 4, "x": 12, "y": 12}


def _loop_register(index: int, level: str) -> Register:
    start = "address" if level in WALK_LOOPS else "address of the window's first element"
    return Register(
        f"LOOP_{level.upper()}",
        JOB_BASE + 4 * index,
        "rw",
        f"Loop over the {_LOOP_DOCS[level]}.",
        (
            Field("last", 0, _LOOP_WIDTHS[level], "iterations minus one"),
            Field("jump", 16, 16, f"signed elements added to the {start} when it advances"),
        ),
    )


REGISTERS: tuple[Register, ...] = (
    Register(
        "CONTROL",
        0x00,
        "wo",
        "Commands; reads as zero.",
        (Field("clear", 0, 1, "1: reset engine, loader, counters, error and interrupt status"),),
    ),
    Register(
        "STATUS",
        0x04,
        "ro",
        "What the accelerator is doing.",
        (
            Field("busy", 0, 1, "a job is running"),
            Field("loading", 1, 1, "a packet is partly received"),
            Field("failed", 2, 1, "an error stopped the loader; see ERROR"),
        ),
    ),
    Register(
        "INTERRUPT_ENABLE",
        0x08,
        "rw",
        "Conditions that raise the interrupt line.",
        (
            Field("done", 0, 1, "a job with JOB_COMMAND.interrupt has finished"),
            Field("error", 1, 1, "an error was detected"),
        ),
    ),
    Register(
        "INTERRUPT_STATUS",
        0x0C,
        "w1c",
        "Conditions that have occurred; write ones to acknowledge.",
        (
            Field("done", 0, 1, "a job with JOB_COMMAND.interrupt has finished"),
            Field("error", 1, 1, "an error was detected"),
        ),
    ),
    Register(
        "VERSION",
        0x10,
        "ro",
        "Which accelerator this is.",
        (
            Field("units", 0, 8, "processing units"),
            Field("bits", 8, 8, "operand width"),
            Field("kind", 16, 8, "1: bitmap, 2: list, 3: dense"),
            Field("version", 24, 8, "version of this register table"),
        ),
    ),
    Register(
        "ERROR",
        0x14,
        "ro",
        "The first error since the last clear.",
        (
            Field(
                "code", 0, 8, "0: none, 1: unknown packet destination, 2: stream ended in a packet"
            ),
        ),
    ),
    Register("CYCLES", 0x18, "ro", "Clock cycles during which a job was running, since clear."),
    Register("JOBS", 0x1C, "ro", "Jobs finished since clear."),
    *(_loop_register(index, level) for index, level in enumerate(LOOPS)),
    Register(
        "JOB_ADDRESS",
        JOB_BASE + 0x18,
        "rw",
        "Element addresses in the activation memory.",
        (
            Field("input", 0, 16, "first element of the input window at output (0, 0)"),
            Field("output", 16, 16, "element of output channel 0 at output (0, 0)"),
        ),
    ),
    Register(
        "JOB_WEIGHTS",
        JOB_BASE + 0x1C,
        "rw",
        "Where each unit's weights start; the same in all units.",
        (
            Field("values", 0, 16, "first element in the weight value memory, or first list word"),
            Field("bitmaps", 16, 16, "first section in the weight bitmap memory (bitmap only)"),
        ),
    ),
    Register(
        "JOB_FILTERS",
        JOB_BASE + 0x20,
        "rw",
        "Filters of this job, an output channel each unless JOB_COMMAND.partial_sums.",
        (
            Field("last", 0, 16, "filters minus one"),
            Field("bias", 16, 16, "entry of filter 0 in the bias memory; each has one"),
        ),
    ),
    Register(
        "JOB_OUTPUT",
        JOB_BASE + 0x24,
        "rw",
        "Where results go.",
        (
            Field("pitch", 0, 16, "elements from one output position to the next in its row"),
            Field("line", 16, 16, "elements from the last output position of a row to the next"),
        ),
    ),
    Register(
        "JOB_SCALE",
        JOB_BASE + 0x28,
        "rw",
        "How results are made.",
        (
            Field("shift", 0, 7, "right shift, to even (without channel scales)"),
            Field("unsigned_input", 8, 1, "1: activations read are unsigned"),
            Field("unsigned_output", 9, 1, "1: activations written are unsigned"),
        ),
    ),
    Register(
        "JOB_LOW",
        JOB_BASE + 0x2C,
        "rw",
        "Smaller results become this.",
        (Field("value", 0, 32, "an output activation; its low bits count"),),
    ),
    Register(
        "JOB_HIGH",
        JOB_BASE + 0x30,
        "rw",
        "Larger results become this.",
        (Field("value", 0, 32, "an output activation; its low bits count"),),
    ),
    Register(
        "JOB_COMMAND",
        JOB_BASE + 0x34,
        "rw",
        "Writing it starts the job.",
        (
            Field(
                "store", 0, 1, "0: compute; 1: send words of the activation memory to the stream"
            ),
            Field("interrupt", 1, 1, "1: set INTERRUPT_STATUS.done when the job has finished"),
            Field(
                "in_step",
                2,
                1,
                "1: units begin their next filters together (bitmap only; jobs of one window)",
            ),
            Field(
                "partial_sums",
                3,
                1,
                "1: filters 2i and 2i + 1 are parts of output channel i (list built for it only)",
            ),
            Field("words", 16, 16, "store only: words to send, minus one, from JOB_ADDRESS.input"),
        ),
    ),
)
"""Every register, by offset. A store job uses JOB_ADDRESS.input (word aligned) and JOB_COMMAND."""

TABLE_VERSION = 4
KIND_CODES = {"bitmap": 1, "list": 2, "dense": 3}
ERROR_UNKNOWN_DESTINATION = 1
ERROR_TRUNCATED_PACKET = 2

BY_NAME: dict[str, Register] = {register.name: register for register in REGISTERS}

JOB_REGISTERS: tuple[Register, ...] = tuple(r for r in REGISTERS if r.offset >= JOB_BASE)


def check_table(registers: tuple[Register, ...] = REGISTERS) -> None:
    """Raises ValueError unless offsets are aligned, ascending and unique."""
    previous = -4
    for register in registers:
        if register.offset % 4 or register.offset <= previous:
            raise ValueError(
                f"offset of {register.name} must be a multiple of 4 above 0x{previous:02x}, "
                f"not 0x{register.offset:02x}"
            )
        previous = register.offset


check_table()
