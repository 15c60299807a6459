"""One run from scenario to results: inputs, network, program, system, report."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cosim.cache import Note
from cosim.engines import EngineFactory
from cosim.errors import Interrupted, ScenarioError
from cosim.inputs import Inputs, load_inputs
from cosim.position import Course, Position, Snapshot
from cosim.report import Run, trace_jobs
from cosim.scenario import InputSection, MappingChoice, NetworkSection, Scenario
from cosim.system import System
from cosim.trace import Trace
from hdl.config import AcceleratorConfig
from networks import builtin, importers, published
from networks.activity import measure_activity
from networks.graph import LayerGraph
from networks.program import Program
from networks.quantise import quantise
from networks.schedule import compile_network
from networks.schedule.pools_apart import pools_apart
from networks.synthetic import synthetic, synthetic_images

CALIBRATION_IMAGES = 64
"""Most images that a float network is calibrated on, from the start of the inputs."""

Progress = Callable[[Position], None]
"""Is told how far the run is, a few times a second."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything checked before simulated time starts; `images` are stored integers, NCHW."""

    scenario: Scenario
    name: str
    graph: LayerGraph
    program: Program
    images: NDArray[np.int64]
    labels: NDArray[np.int64] | None
    output_scale: float


@dataclass(frozen=True, eq=False)
class LoadedNetwork:
    """A quantised network and what is run on it: stored integers `images`, NCHW, with labels.

    `activity`: how often each activation is not zero, if the scenario wants it measured.
    """

    name: str
    graph: LayerGraph
    images: NDArray[np.int64]
    labels: NDArray[np.int64] | None
    activity: Mapping[str, NDArray[np.float64]] | None


def load_network(scenario: Scenario) -> LoadedNetwork:
    """Inputs and network of a scenario; the same object for scenarios that ask for the same.

    Raises ScenarioError or NetworkError, one line.
    """
    return _load_network(
        scenario.network,
        scenario.input,
        scenario.accelerator.bits,
        scenario.run.activity_images,
    )


def prepare(scenario: Scenario) -> Prepared:
    """Loads inputs and network and compiles; raises ScenarioError or NetworkError, one line."""
    return prepare_loaded(scenario, load_network(scenario))


def prepare_loaded(scenario: Scenario, loaded: LoadedNetwork) -> Prepared:
    """Compiles a network, whatever the scenario's is, unless it just was for the same accelerator.

    Raises NetworkError, one line.
    """
    loaded = fitted(loaded, scenario.accelerator)
    output_format = loaded.graph.format_of(loaded.graph.output.name)
    assert output_format is not None
    program = _compile(
        loaded,
        scenario.accelerator,
        scenario.board.memory.base_bytes,
        scenario.run.mapping,
    )
    return Prepared(
        scenario,
        loaded.name,
        loaded.graph,
        program,
        loaded.images,
        loaded.labels,
        output_format.scale,
    )


def execute(
    prepared: Prepared,
    *,
    vcd: Path | None = None,
    trace: Trace | None = None,
    progress: Progress | None = None,
    note: Note | None = None,
) -> Run:
    """Runs what was prepared; raises SimulationError if the simulated system cannot go on, and
    Interrupted, which says how far it came, if the user ends it.

    `note` is told what takes long before simulated time starts. Raises ToolError if a program that
    the engine needs is missing.
    """
    scenario, program = prepared.scenario, prepared.program
    course = Course(program, prepared.graph, scenario.accelerator, len(prepared.images))
    reached: Position | None = None

    def follow(snapshot: Snapshot) -> None:
        nonlocal reached
        reached = course.position(snapshot)
        if progress is not None:
            progress(reached)

    start_s = time.perf_counter()
    factory = EngineFactory(scenario.accelerator, scenario.run.engine, vcd, note)
    try:
        system = System(scenario, prepared.graph, program, factory, trace)
        record = system.run(prepared.images, follow)
    except KeyboardInterrupt as interrupt:
        # the last known place: the system may have been caught within an event
        where = str(reached) if reached is not None else "before the first clock cycle"
        raise Interrupted(where) from interrupt
    finally:
        factory.close()
    run = Run(
        scenario,
        prepared.name,
        program,
        record,
        prepared.labels,
        prepared.output_scale,
        time.perf_counter() - start_s,
    )
    if trace is not None:
        trace_jobs(trace, run)
    return run


@lru_cache(maxsize=16)
def _load_network(
    network: NetworkSection, wanted: InputSection, bits: int, activity_images: int
) -> LoadedNetwork:
    source = network.source
    if source in published.names():
        return _load_synthetic(source, wanted, bits)
    if source not in builtin.names() and not Path(source).is_file():
        known = ", ".join((*builtin.names(), *published.names()))
        raise ScenarioError(f"network.source must be a file or one of {known}, not '{source}'")
    inputs = load_inputs(wanted.file, source)
    selected = inputs.select(wanted.first, wanted.images)
    graph = _load_graph(source, inputs, bits)
    number_format = graph.input.format
    assert number_format is not None
    shape = graph.input.shape
    activity = None
    if activity_images:
        measured = number_format.quantise(inputs.shaped_for(shape)[:activity_images])
        activity = measure_activity(graph, measured)
    return LoadedNetwork(
        source if source in builtin.names() else Path(source).stem,
        graph,
        number_format.quantise(selected.shaped_for(shape)),
        selected.labels,
        activity,
    )


def fitted(loaded: LoadedNetwork, accelerator: AcceleratorConfig) -> LoadedNetwork:
    """The network as the accelerator takes it: pooling apart where both together are too large."""
    return _with_graph(loaded, pools_apart(loaded.graph, accelerator))


@lru_cache(maxsize=16)
def _with_graph(loaded: LoadedNetwork, graph: LayerGraph) -> LoadedNetwork:
    return loaded if graph is loaded.graph else replace(loaded, graph=graph)


@lru_cache(maxsize=8)
def _compile(
    loaded: LoadedNetwork,
    accelerator: AcceleratorConfig,
    memory_base_bytes: int,
    mapping: MappingChoice,
) -> Program:
    return compile_network(
        loaded.graph,
        accelerator,
        memory_base_bytes=memory_base_bytes,
        **mapping._asdict(),
        activity=loaded.activity,
    )


def _load_synthetic(source: str, wanted: InputSection, bits: int) -> LoadedNetwork:
    """A published network with weights at random; its images are noise unless a file is given."""
    if bits != 8:
        raise ScenarioError(f"accelerator.bits must be 8 for {source}, not {bits}")
    graph = synthetic(source)
    if wanted.file is None:
        images = synthetic_images(source, wanted.first + wanted.images)
        inputs = Inputs(images, None, f"noise for {source}")
    else:
        inputs = load_inputs(wanted.file, source)
    selected = inputs.select(wanted.first, wanted.images)
    stored = graph.quantise_input(selected.shaped_for(graph.input.shape))
    return LoadedNetwork(source, graph, stored, selected.labels, None)


def _load_graph(source: str, inputs: Inputs, bits: int) -> LayerGraph:
    graph = importers.load(source)
    calibration = inputs.shaped_for(graph.input.shape)[:CALIBRATION_IMAGES]
    return graph if graph.is_integer else quantise(graph, calibration, bits=bits)
