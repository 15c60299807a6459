"""The progress of a run on the terminal: layer, jobs, simulated time, speed, time left."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from cosim.position import Position

SPEED_PERIOD_S = 300.0
"""Time left follows from the speed in so much time: jobs differ, images do not."""


class RunBar:
    """A bar on `console`, a context manager; not shown if `silent`."""

    def __init__(self, console: Console, *, silent: bool) -> None:
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=12),
            TextColumn("{task.fields[state]}"),
            TimeRemainingColumn(),
            TextColumn("left"),
            console=console,
            disable=silent,
            speed_estimate_period=SPEED_PERIOD_S,
        )
        self._task = self._bar.add_task("starting", total=None, state="")
        self._start: tuple[float, int] | None = None

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def show(self, position: Position) -> None:
        """Shows where the run is now."""
        self._bar.update(
            self._task,
            description=position.layer or "setting up",
            completed=position.done,
            total=1.0,
            state=f"image {min(position.images + 1, position.all_images)}/{position.all_images} "
            f"job {position.jobs}/{position.all_jobs} {position.simulated} "
            f"{self._cycles_per_s(position)}",
        )

    def show_images(self, done: int, images: int) -> None:
        """Shows how many images are done, of a run on several processes."""
        self._bar.update(
            self._task,
            description="images",
            completed=done,
            total=images,
            state=f"{done}/{images}",
        )

    def note(self, text: str) -> None:
        """Prints a line above the bar."""
        if not self._bar.disable:
            self._bar.console.print(text)

    def _cycles_per_s(self, position: Position) -> str:
        now_s = time.monotonic()
        if self._start is None:
            self._start = now_s, position.cycles
        start_s, start_cycles = self._start
        if position.cycles == start_cycles:
            return ""
        return f"{(position.cycles - start_cycles) / (now_s - start_s):,.0f} cycles/s"
