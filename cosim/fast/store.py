"""The store stage, cycle by cycle; see `hdl.store`."""

import numpy as np
from numpy.typing import NDArray

from cosim.fast.memories import Memories
from hdl.registers import BY_NAME


class Store:
    """The store stage's registers; `valid`, `last` and `data` are the output stream's.

    `done` pulses when the last word has been taken.
    """

    def __init__(self, memories: Memories) -> None:
        self._memories = memories
        self._word = self._left = 0
        self._read = self.data = 0
        self._read_last = False
        self.reset()

    def reset(self) -> None:
        """Sends nothing any more."""
        self.valid = self.last = self.done = False
        self._active = self._read_valid = False

    @property
    def rests(self) -> bool:
        """Whether nothing changes until a job starts."""
        return not (self.valid or self.done or self._active or self._read_valid)

    @property
    def plain_words(self) -> int:
        """How many words can be sent with `send`: all but a job's last three."""
        return self._left if self.valid and self._read_valid and self._active else 0

    def send(self, count: int) -> NDArray[np.uint32]:
        """Plays cycles in each of which a word is taken, at most `plain_words`; returns them."""
        words = self._memories.words
        places = (self._word + np.arange(count)) % len(words)
        ahead = np.concatenate((np.array([self.data, self._read], np.uint32), words[places]))
        self.data, self._read = int(ahead[count]), int(ahead[count + 1])
        self._word = (self._word + count) % len(words)
        self._left -= count
        return ahead[:count]

    def cycle(self, job: dict[str, int] | None, ready: bool, reset: bool) -> None:
        """Plays an edge; `job`: registers of the store job that starts with it."""
        advance = not self.valid or ready
        read = self._read
        if self._active and advance:
            self._read = int(self._memories.words[self._word])
        if advance and self._read_valid:
            self.data = read
        if reset:
            self.reset()
            return
        self.done = self.valid and ready and self.last
        if job is not None:
            address = BY_NAME["JOB_ADDRESS"].decode(job["JOB_ADDRESS"])["input"]
            config = self._memories.config
            self._active = True
            self._left = BY_NAME["JOB_COMMAND"].decode(job["JOB_COMMAND"])["words"]
            self._word = address % config.activation_elements // config.lanes
        elif advance:
            self.valid = self._read_valid
            self.last = self._read_valid and self._read_last
            self._read_valid = self._active
            if self._active:
                self._word = (self._word + 1) % len(self._memories.words)
                self._read_last = self._left == 0
                if self._left == 0:
                    self._active = False
                else:
                    self._left -= 1
