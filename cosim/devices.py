"""The driver's access to accelerator and DMA: registers by name, and the errors they report."""

from collections.abc import Generator
from typing import Any

from simpy import Event

from cosim import descriptors as layout
from cosim.errors import SimulationError
from cosim.host import Host, Step
from hdl.registers import BY_NAME


class AcceleratorDevice:
    """Registers of the accelerator, by the names of `hdl.registers`; all methods are processes."""

    def __init__(self, host: Host, base_bytes: int) -> None:
        self._host = host
        self._base_bytes = base_bytes

    def read(self, name: str, step: Step = "registers") -> Generator[Event, Any, int]:
        """Process: value of a register."""
        address_bytes = self._base_bytes + BY_NAME[name].offset
        return (yield from self._host.read_register(address_bytes, name, step))

    def write(self, name: str, value: int, step: Step = "registers") -> Generator[Event, Any, None]:
        """Process: writes a register."""
        address_bytes = self._base_bytes + BY_NAME[name].offset
        yield from self._host.write_register(address_bytes, value, name, step)

    def expect(self, name: str, expected: dict[str, int]) -> Generator[Event, Any, None]:
        """Process: raises SimulationError unless the register's fields have the values expected."""
        word = yield from self.read(name)
        found = BY_NAME[name].decode(word)
        for field, value in expected.items():
            if found[field] != value:
                raise SimulationError(
                    f"{name}.{field} of the accelerator must be {value}, not {found[field]}"
                )

    def acknowledge(self) -> Generator[Event, Any, bool]:
        """Process: acknowledges what has occurred; says whether the last job was done.

        Raises SimulationError if the accelerator reports an error.
        """
        status = yield from self.read("INTERRUPT_STATUS", "notice")
        conditions = BY_NAME["INTERRUPT_STATUS"].decode(status)
        if conditions["error"]:
            error = yield from self.read("ERROR", "notice")
            field = BY_NAME["ERROR"].field("code")
            code = BY_NAME["ERROR"].decode(error)["code"]
            raise SimulationError(f"accelerator reports error {code} ({field.doc})")
        if status:
            yield from self.write("INTERRUPT_STATUS", status, "notice")
        return bool(conditions["done"])


class DmaDevice:
    """Registers of one DMA channel; all methods are processes."""

    def __init__(self, host: Host, name: str, base_bytes: int) -> None:
        self._host = host
        self._name = name
        self._base_bytes = base_bytes

    def start(self, first_bytes: int, control: int) -> Generator[Event, Any, None]:
        """Process: resets the channel, points it at its first descriptor and lets it run."""
        yield from self._write(layout.DMACR, layout.CONTROL_RESET, "DMACR")
        yield from self._write(layout.CURDESC, first_bytes, "CURDESC")
        yield from self.control(control)

    def control(self, control: int) -> Generator[Event, Any, None]:
        """Process: writes DMACR."""
        yield from self._write(layout.DMACR, control, "DMACR")

    def advance(self, tail_bytes: int) -> Generator[Event, Any, None]:
        """Process: lets the channel go on to the descriptor at `tail_bytes`."""
        yield from self._write(layout.TAILDESC, tail_bytes, "TAILDESC")

    def acknowledge(self) -> Generator[Event, Any, bool]:
        """Process: acknowledges the interrupt; says whether all is done up to the tail.

        Raises SimulationError if the channel has stopped with an error.
        """
        address_bytes = self._base_bytes + layout.DMASR
        status = yield from self._host.read_register(address_bytes, f"{self._name} DMASR", "notice")
        if status & layout.STATUS_ERROR:
            raise SimulationError(f"DMA {self._name} stopped: {layout.error_text(status)}")
        if status & layout.STATUS_IOC:
            yield from self._write(layout.DMASR, layout.STATUS_IOC, "DMASR", "notice")
        return bool(status & layout.STATUS_IDLE)

    def _write(
        self, offset: int, value: int, name: str, step: Step = "registers"
    ) -> Generator[Event, Any, None]:
        address_bytes = self._base_bytes + offset
        yield from self._host.write_register(address_bytes, value, f"{self._name} {name}", step)
