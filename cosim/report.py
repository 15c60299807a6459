"""Results of a run: the JSON document, whose keys are fixed, and the summary for a reader."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cosim.accelerator import JobRecord
from cosim.areas import Area, area_model
from cosim.breakdown import Activity, classify, to_whole_ns
from cosim.constants import constants_of
from cosim.driver import host_layer_cycles
from cosim.energy import EnergyCounts, energy_uj
from cosim.energy import total as total_energy
from cosim.errors import ScenarioError, SimulationError
from cosim.scenario import Scenario
from cosim.system import RunRecord
from cosim.timeline import timeline
from cosim.trace import Trace
from cosim.units import ps_to_ns
from networks.program import HostStep, Job, Offload, Program

SCHEMA = 1

NS_PER_MS = 1_000_000


@dataclass(frozen=True, eq=False)
class Run:
    """A finished run and what it was a run of; `labels` are true classes or None."""

    scenario: Scenario
    network: str
    program: Program
    record: RunRecord
    labels: NDArray[np.int64] | None
    output_scale: float
    wall_s: float


def build_report(run: Run) -> dict[str, Any]:
    """The run's JSON document, schema 1.

    Counts of a layer are summed over the images. Times in nanoseconds: `latency_ns.total` and
    `breakdown_ns` are whole numbers, and the latter sum to the former exactly. Raises
    SimulationError if the accelerator ran other jobs than the program says.
    """
    scenario, record, images = run.scenario, run.record, run.record.images
    jobs = match_jobs(run.program, record)
    breakdown_ns = to_whole_ns(breakdown_ps(run, jobs))
    area = area_of(scenario)
    layers = _layers(run, jobs, area)
    latency = _latency(run, sum(breakdown_ns.values()))
    predictions = [image.prediction for image in images]
    accuracy = None
    if run.labels is not None:
        accuracy = float(np.mean(np.array(predictions) == run.labels))
    return {
        **scenario_keys(scenario, run.network, len(images)),
        "outputs": [list(image.logits) for image in images],
        "output_scale": run.output_scale,
        "predictions": predictions,
        "accuracy": accuracy,
        "latency_ns": latency,
        "setup_ns": ps_to_ns(record.setup_ps),
        "breakdown_ns": breakdown_ns,
        "host_ns": _host_steps(run),
        "timeline": timeline(run.program, record, jobs),
        "layers": layers,
        **energy_keys(scenario, _energy_counts(run, area), len(images), latency),
        "traffic_bytes": {
            "dram": record.traffic.dram_bytes,
            "bus": record.traffic.bus_bytes,
            "other_masters": record.other_masters_bytes,
        },
        "accelerator_cycles": {
            "jobs": sum(job.cycles for _, job in jobs),
            "simulated": record.active_cycles,
            "gated": record.gated_cycles,
        },
        "wall_s": round(run.wall_s, 3),
    }


def scenario_keys(scenario: Scenario, network: str, images: int) -> dict[str, Any]:
    """What a document says of what was run on what, estimated or simulated."""
    accelerator, board = scenario.accelerator, scenario.board
    area = area_of(scenario)
    return {
        "schema": SCHEMA,
        "estimated": scenario.run.engine == "estimate",
        "network": network,
        "accelerator": accelerator.kind,
        "bits": accelerator.bits,
        "units": accelerator.units,
        "configuration": accelerator.model_dump(),
        "engine": scenario.run.engine,
        "board": board.name,
        "images": images,
        "area": area.report() if area else None,
        "clock_mhz": board.clocks.accelerator_mhz,
        "board_constants": constants_of(board),
    }


def energy_keys(
    scenario: Scenario, counts: EnergyCounts, images: int, latency_ns: Mapping[str, float]
) -> dict[str, Any]:
    """Energy by part and in all, with its bounds, its product with the latency, and the power."""
    energy = energy_uj(counts, scenario.board.energy)
    spent = total_energy(energy)
    return {
        "energy_uj": {part: round(each.value, 6) for part, each in energy.items()},
        "energy_band_uj": {"low": round(spent.low, 6), "high": round(spent.high, 6)},
        "energy_delay_uj_ms": round(spent.value / images * latency_ns["mean"] / NS_PER_MS, 6),
        "power_w": round(spent.value * NS_PER_MS / latency_ns["total"] / 1000, 6),
    }


def energy_counts(scenario: Scenario, area: Area | None, **counts: float) -> EnergyCounts:
    """Counts of a scenario's accelerator; nothing is taken where its area is not known."""
    return EnergyCounts(
        **counts,
        bits=scenario.accelerator.bits,
        block_ram=area.block_ram if area else 0,
        lut=area.lut if area else 0,
    )


def check_report(report: object, origin: str) -> None:
    """Raises ScenarioError unless `report` is a JSON document of this schema."""
    schema = report.get("schema") if isinstance(report, dict) else None
    if schema != SCHEMA:
        raise ScenarioError(f"{origin}: must be the JSON of a run, schema {SCHEMA}, not {schema}")


def match_jobs(program: Program, record: RunRecord) -> list[tuple[Job, JobRecord]]:
    """The program's jobs with their records, image after image; they run in order of start."""
    per_image = [job for step in program.steps if isinstance(step, Offload) for job in step.jobs]
    planned = per_image * len(record.images)
    if len(planned) != len(record.jobs):
        raise SimulationError(
            f"accelerator must have run {len(planned)} jobs, not {len(record.jobs)}"
        )
    return list(zip(planned, record.jobs, strict=True))


def breakdown_ps(run: Run, jobs: Sequence[tuple[Job, JobRecord]]) -> dict[str, int]:
    """Picoseconds of all images by category; see `cosim.breakdown`."""
    spans = run.record.host_spans
    stores = [(job.start_ps, job.end_ps) for plan, job in jobs if plan.kind == "store"]
    activity = Activity(
        host=[(span.start_ps, span.end_ps) for span in spans if span.step != "notice"],
        compute=[(job.start_ps, job.end_ps) for plan, job in jobs if plan.kind == "compute"],
        transfer=[*run.record.transfers_ps, *stores],
        interrupt=[(span.start_ps, span.end_ps) for span in spans if span.step == "notice"],
    )
    return classify(activity, [(image.start_ps, image.end_ps) for image in run.record.images])


def trace_jobs(trace: Trace, run: Run) -> None:
    """Adds a span for each job, named after its layer."""
    for plan, job in match_jobs(run.program, run.record):
        layer = run.program.layers[plan.layer_index].name
        trace.span(
            "jobs",
            f"{layer} {plan.kind}",
            job.start_ps,
            job.end_ps,
            cycles=job.cycles,
            macs_useful=job.macs_useful,
        )


def _latency(run: Run, total_ns: int) -> dict[str, float]:
    each_ns = [ps_to_ns(image.end_ps - image.start_ps) for image in run.record.images]
    return {
        "total": total_ns,
        "mean": round(float(np.mean(each_ns)), 3),
        "min": min(each_ns),
        "max": max(each_ns),
        "p99": round(float(np.percentile(each_ns, 99)), 3),
    }


def _host_steps(run: Run) -> dict[str, float]:
    """Nanoseconds of each kind of host work while images ran; they sum to the category `host`."""
    start_ps = run.record.setup_ps
    end_ps = run.record.images[-1].end_ps
    totals_ps: dict[str, int] = {}
    for span in run.record.host_spans:
        if span.step != "notice" and start_ps <= span.start_ps and span.end_ps <= end_ps:
            totals_ps[span.step] = totals_ps.get(span.step, 0) + span.end_ps - span.start_ps
    return {step: ps_to_ns(value) for step, value in totals_ps.items()}


def area_of(scenario: Scenario) -> Area | None:
    """What the scenario's accelerator takes of the board's device, None if that is not known."""
    fpga = scenario.board.fpga
    if fpga is None:
        return None
    try:
        return area_model(fpga.family).area(scenario.accelerator)
    except ScenarioError:
        return None  # never measured: the report says so by leaving it out


def _layers(
    run: Run, jobs: Sequence[tuple[Job, JobRecord]], area: Area | None
) -> list[dict[str, Any]]:
    images = len(run.record.images)
    host_cycles = {
        step.layer: images
        * host_layer_cycles(run.scenario.board.host, run.program.layers[step.layer], step)
        for step in run.program.steps
        if isinstance(step, HostStep)
    }
    layers = []
    for index, info in enumerate(run.program.layers):
        own = [(plan, job) for plan, job in jobs if plan.layer_index == index]
        computes = [job for plan, job in own if plan.kind == "compute"]
        cycles = sum(job.cycles for job in computes)
        useful = sum(job.macs_useful for job in computes)
        stalls: dict[str, int] = {}
        for job in computes:
            for cause, count in job.stall_cycles.items():
                stalls[cause] = stalls.get(cause, 0) + count
        unit_cycles = cycles * run.scenario.accelerator.units
        on_host = info.runs_on == "host"
        spent_cycles = host_cycles[index] if on_host else sum(job.cycles for _, job in own)
        moved_bytes = (info.bytes_in + info.bytes_out) * images
        counts = energy_counts(
            run.scenario,
            area,
            dram_bytes=moved_bytes,
            bus_bytes=moved_bytes,
            job_cycles=spent_cycles,
            macs=sum(job.multiplications for _, job in own),
        )
        layers.append(
            {
                "name": info.name,
                "op": info.op,
                "runs_on": info.runs_on,
                "cycles": host_cycles[index] if on_host else cycles,
                "macs_dense": info.macs_dense * images,
                "macs_useful": None if on_host else useful,
                "utilisation": round(useful / unit_cycles, 6) if unit_cycles else None,
                "bytes_in": info.bytes_in * images,
                "bytes_out": info.bytes_out * images,
                "stall_cycles": stalls,
                "store_cycles": sum(job.cycles for plan, job in own if plan.kind == "store"),
                "jobs": len(own),
                "weights_resident": info.weights_resident,
                "positions": info.positions,
                "parts": info.parts,
                "host_reason": info.host_reason,
                "energy_uj": round(layer_energy_uj(run.scenario, counts, on_host), 6),
            }
        )
    return layers


def layer_energy_uj(scenario: Scenario, counts: EnergyCounts, on_host: bool) -> float:
    """All that a layer costs while it computes or stores, and its data; what lies between layers
    (driver, waiting) is in none of them. `counts.job_cycles` are the host's for a host layer."""
    clocks = scenario.board.clocks
    time_ps = counts.job_cycles * (clocks.host if on_host else clocks.accelerator).period_ps
    if on_host:
        counts = replace(counts, host_busy_ps=time_ps, job_cycles=0)
    parts = energy_uj(replace(counts, time_ps=time_ps), scenario.board.energy)
    return total_energy(parts).value


def _energy_counts(run: Run, area: Area | None) -> EnergyCounts:
    record = run.record
    return energy_counts(
        run.scenario,
        area,
        time_ps=sum(image.end_ps - image.start_ps for image in record.images),
        host_busy_ps=round(sum(_host_steps(run).values()) * 1000),
        dram_bytes=record.traffic.dram_bytes,
        bus_bytes=record.traffic.bus_bytes,
        job_cycles=sum(job.cycles for job in record.jobs),
        macs=sum(job.multiplications for job in record.jobs),
    )
