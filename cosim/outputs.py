"""Output files, whole or not there at all: checked first, written aside, then renamed."""

import os
from collections.abc import Iterable
from pathlib import Path

from cosim.errors import ScenarioError


class OutputFile:
    """A file to be written at `path`; raises ScenarioError if that cannot work.

    What writes while the run goes on writes to `temporary`, in the same directory. `commit` puts it
    in place, `discard` removes it. A path that is a device or a pipe is written directly.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()
        directory = self.path.parent
        if not directory.is_dir():
            raise ScenarioError(f"{path}: directory must exist to write there")
        if self.path.is_dir():
            raise ScenarioError(f"{path}: must be a file to write, not a directory")
        self._special = self.path.exists() and not self.path.is_file()
        target = self.path if self.path.exists() else directory
        if not os.access(target, os.W_OK) or not os.access(directory, os.W_OK):
            raise ScenarioError(f"{path}: must be writable")
        # The suffix stays last: waveform writers choose their format by it.
        self.temporary = directory / f".{self.path.stem}.{os.getpid()}{self.path.suffix}"
        if self._special:
            self.temporary = self.path

    def write(self, text: str) -> None:
        """Writes the temporary file; raises ScenarioError if the disk does not take it."""
        try:
            self.temporary.write_text(text, encoding="utf-8")
        except OSError as error:
            raise ScenarioError(f"{self.path}: cannot be written ({error.strerror})") from error

    def commit(self) -> None:
        """Puts the temporary file in place; raises ScenarioError if that fails."""
        if self._special:
            return
        try:
            os.replace(self.temporary, self.path)
        except OSError as error:
            raise ScenarioError(f"{self.path}: cannot be written ({error.strerror})") from error

    def discard(self) -> None:
        """Removes the temporary file, if it is there."""
        if not self._special:
            self.temporary.unlink(missing_ok=True)


def check_distinct(files: Iterable[OutputFile]) -> None:
    """Raises ScenarioError if two outputs would go to one file."""
    seen: set[Path] = set()
    for file in files:
        if file.path in seen:
            raise ScenarioError(f"{file.path}: must be given for one output only")
        seen.add(file.path)
