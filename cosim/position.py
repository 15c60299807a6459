"""How far a run has come: for who watches it, and for who ends it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cosim.accelerator import JobRecord
from cosim.units import PS_PER_US
from hdl.config import AcceleratorConfig
from networks.graph import LayerGraph
from networks.program import LayerInfo, Offload, Program
from networks.weighted import Compute


@dataclass(frozen=True)
class Snapshot:
    """What a system knows: images that are done, words sent to the accelerator, jobs started, time,
    simulated clock cycles."""

    images: int
    words: int
    jobs: Sequence[JobRecord]
    now_ps: int
    cycles: int


@dataclass(frozen=True)
class Position:
    """A snapshot against the whole run; `done` is the part of the work, 0 to 1, as expected.

    `layer`: the one whose job started last, None before the first.
    """

    images: int
    all_images: int
    jobs: int
    all_jobs: int
    layer: str | None
    now_ps: int
    cycles: int
    done: float

    @property
    def simulated(self) -> str:
        """Simulated time."""
        return f"{self.now_ps / PS_PER_US:,.3f} us"

    def __str__(self) -> str:
        where = "set-up" if self.layer is None else f"layer {self.layer}"
        return (
            f"in {where}, after {self.images} of {self.all_images} images, {self.jobs} of "
            f"{self.all_jobs} jobs started, {self.simulated} simulated"
        )


class Course:
    """The way a run takes: the words it sends, and its jobs in order, in accelerator cycles.

    A word takes a cycle; a job those of all multiplications that it may make, and what it has made
    of them shows how far it is. Zero weights count for `dense` only.
    """

    def __init__(
        self, program: Program, graph: LayerGraph, config: AcceleratorConfig, images: int
    ) -> None:
        self._images = images
        self._jobs = [
            job for step in program.steps if isinstance(step, Offload) for job in step.jobs
        ]
        self._names = [layer.name for layer in program.layers]
        computes = [job.layer_index for job in self._jobs if job.kind == "compute"]
        self._units = config.units
        work = [_cycles(info, graph, config) for info in program.layers]
        self._work = [
            work[job.layer_index] / computes.count(job.layer_index) if job.kind == "compute" else 0
            for job in self._jobs
        ]
        self._before = [0.0, *np.cumsum(self._work).tolist()]
        sent_bytes = sum(transfer.length_bytes for transfer in program.setup)
        sent_bytes += images * sum(layer.bytes_in for layer in program.layers)
        self._total = sent_bytes / 4 + images * self._before[-1]

    def position(self, snapshot: Snapshot) -> Position:
        """Where the system of that snapshot is."""
        started, per_image = len(snapshot.jobs), len(self._jobs)
        layer, done = None, 0.0
        if started:
            image, index = divmod(started - 1, per_image)
            layer = self._names[self._jobs[index].layer_index]
            under_way = min(snapshot.jobs[-1].multiplications / self._units, self._work[index])
            done = image * self._before[-1] + self._before[index] + under_way
        return Position(
            images=snapshot.images,
            all_images=self._images,
            jobs=started,
            all_jobs=per_image * self._images,
            layer=layer,
            now_ps=snapshot.now_ps,
            cycles=snapshot.cycles,
            done=min(1.0, (snapshot.words + done) / self._total) if self._total else 0.0,
        )


def _cycles(info: LayerInfo, graph: LayerGraph, config: AcceleratorConfig) -> float:
    layer = graph.layer(info.name)
    kept = 1.0
    if config.kind != "dense" and isinstance(layer, Compute):
        kept = np.count_nonzero(layer.weights) / layer.weights.size
    return info.macs_dense * kept / config.units
