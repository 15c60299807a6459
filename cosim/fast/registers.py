"""The register file and the control of jobs, cycle by cycle; see `hdl.register_file`.

The interconnect always takes responses at once, so that they are there for one cycle.
"""

from hdl.config import AcceleratorConfig
from hdl.register_file import OKAY, SLAVE_ERROR, version_word
from hdl.registers import BY_NAME, JOB_REGISTERS, REGISTERS

_NAMES = {register.offset: register.name for register in REGISTERS}
_JOB_NAMES = frozenset(register.name for register in JOB_REGISTERS)
_CONTROLS = frozenset(("CONTROL", "INTERRUPT_ENABLE", "INTERRUPT_STATUS"))
_INTERRUPT = BY_NAME["JOB_COMMAND"].field("interrupt").mask
_WORD = (1 << 32) - 1


class Registers:
    """All registers; what is registered in the hardware is as it was after the last edge.

    `job` are the job registers by name. `start` and `clear` pulse after their writes. `response`
    and `read_data` (value, response) are on the port, or None. `finishing` pulses at a job's end.
    """

    def __init__(self, config: AcceleratorConfig) -> None:
        self._version = version_word(config)
        self.job = dict.fromkeys((register.name for register in JOB_REGISTERS), 0)
        self.reset()

    def reset(self) -> None:
        """Everything but the job registers, which keep what they have."""
        self.start = self.clear = False
        self._acknowledge = self._enable = 0
        self.response: int | None = None
        self.read_data: tuple[int, int] | None = None
        self._clear_status()

    def _clear_status(self) -> None:
        self.running = self.finishing = False
        self.interrupts = self.error = self.cycles = self.jobs = 0

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return self.start or self.running

    @property
    def storing(self) -> bool:
        """Whether the job in the registers is a store job."""
        return bool(self.job["JOB_COMMAND"] & 1)

    @property
    def interrupt(self) -> bool:
        """The interrupt line."""
        return self.interrupts & self._enable != 0

    @property
    def rests(self) -> bool:
        """Whether only the count of cycles changes with the next edge, if a job runs."""
        pulses = self.start or self.clear or self.finishing or self._acknowledge
        return not pulses and self.response is None and self.read_data is None

    @property
    def ends_quietly(self) -> bool:
        """Whether the end of the job in the registers raises no interrupt."""
        return not self.job["JOB_COMMAND"] & _INTERRUPT

    def skip(self, cycles: int, left: int) -> None:
        """Plays edges in which all rests, but that with edge `left` the job may end quietly."""
        if self.running:
            self.cycles = (self.cycles + min(cycles, left)) & _WORD
            self.running = cycles < left
            self.finishing = cycles == left
            self.jobs = (self.jobs + (cycles > left)) & _WORD

    def write_job(self, index: int, data: int) -> None:
        """Writes a job register, by its offset / 4, that does not start a job."""
        self.job[_NAMES[4 * index]] = data

    def takes_write(self, inside: tuple[int, int] | None) -> bool:
        """Whether a write at the port would be accepted now."""
        return self.response is None and inside is None

    def cycle(
        self,
        write: tuple[int, int] | None,
        read: int | None,
        inside: tuple[int, int] | None,
        *,
        loading: bool,
        error: int,
        ends: bool,
    ) -> None:
        """Plays an edge; `write` and `read` are those accepted, `ends`: the job's last cycle."""
        read_data = None if read is None else self._read(read, loading)
        offset, data = (inside[0] * 4, inside[1]) if inside is not None else write or (-1, 0)
        name = _NAMES.get(offset, "")
        writes_job = name in _JOB_NAMES and not self.busy and not self.clear
        start = writes_job and name == "JOB_COMMAND"
        clear, acknowledge, enable, response = False, 0, self._enable, None
        if inside is None and write is not None:
            response = OKAY if writes_job or name in _CONTROLS else SLAVE_ERROR
            if name == "CONTROL":
                clear = bool(data & 1)
            elif name == "INTERRUPT_ENABLE":
                enable = data & 3
            elif name == "INTERRUPT_STATUS":
                acknowledge = data & 3
        self._control(error, ends)
        if writes_job:
            self.job[name] = data
        self.start, self.clear, self._acknowledge, self._enable = start, clear, acknowledge, enable
        self.response, self.read_data = response, read_data

    def _control(self, error: int, ends: bool) -> None:
        if self.clear:
            self._clear_status()
            return
        busy, finishing = self.busy, self.finishing
        self.running = busy and not ends
        self.finishing = ends
        if busy:
            self.cycles = (self.cycles + 1) & _WORD
        self.interrupts &= ~self._acknowledge
        if finishing:
            self.jobs = (self.jobs + 1) & _WORD
            if not self.ends_quietly:
                self.interrupts |= 1
        if error:
            self.interrupts |= 2
            self.error = self.error or error

    def _read(self, offset: int, loading: bool) -> tuple[int, int]:
        name = _NAMES.get(offset)
        if name is None:
            return 0, SLAVE_ERROR
        if name in _JOB_NAMES:
            return self.job[name], OKAY
        values = {
            "CONTROL": 0,
            "STATUS": self.busy | loading << 1 | (self.error != 0) << 2,
            "INTERRUPT_ENABLE": self._enable,
            "INTERRUPT_STATUS": self.interrupts,
            "VERSION": self._version,
            "ERROR": self.error,
            "CYCLES": self.cycles,
            "JOBS": self.jobs,
        }
        return values[name], OKAY
