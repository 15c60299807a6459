"""The JSON document of a run, estimated: the same keys, nothing simulated."""

import time
from functools import lru_cache
from typing import Any

from cosim.breakdown import to_whole_ns
from cosim.driver import host_step_cycles
from cosim.estimate.plan import ImagePlan, plan_image
from cosim.estimate.system import ImageEstimate, estimate_image
from cosim.report import (
    area_of,
    energy_counts,
    energy_keys,
    layer_energy_uj,
    scenario_keys,
)
from cosim.run import LoadedNetwork, fitted, load_network
from cosim.scenario import Scenario
from cosim.units import PS_PER_NS
from networks import published
from networks.layers import Compute, elements
from networks.schedule.pools_apart import pools_apart
from networks.statistics import NetworkStatistics, measure_statistics

MEASURED_IMAGES = 64
"""Most images of a run that its statistics are measured on."""


def estimate_report(scenario: Scenario) -> dict[str, Any]:
    """The document of a scenario, schema 1, with `estimated` true; `outputs` are null.

    Statistics are measured on the scenario's images, once for all scenarios that ask for the same;
    of a published network (`networks.published`) only densities are known. Raises ScenarioError or
    NetworkError.
    """
    start_s = time.perf_counter()
    source, bits = scenario.network.source, scenario.accelerator.bits
    if source in published.names():
        known = {name: own.weights for name, own in published.densities(source).items()}
        graph = pools_apart(published.shape_graph(source, bits), scenario.accelerator, known)
        statistics = published.published_statistics(source, bits, graph)
    else:
        statistics = statistics_of(fitted(load_network(scenario), scenario.accelerator), bits)
    plan = plan_image(statistics, scenario.accelerator, *scenario.run.mapping)
    image = estimate_image(scenario, statistics.graph, plan)
    report = _document(scenario, statistics, plan, image, scenario.input.images)
    return report | {"wall_s": round(time.perf_counter() - start_s, 6)}


@lru_cache(maxsize=16)
def statistics_of(loaded: LoadedNetwork, bits: int) -> NetworkStatistics:
    """Statistics of a network, measured on its images."""
    images = loaded.images[:MEASURED_IMAGES]
    return measure_statistics(loaded.name, loaded.graph, bits, images)


def _document(
    scenario: Scenario,
    statistics: NetworkStatistics,
    plan: ImagePlan,
    image: ImageEstimate,
    images: int,
) -> dict[str, Any]:
    breakdown_ns = to_whole_ns(
        {name: round(value * images) for name, value in image.breakdown_ps.items()}
    )
    image_ns = round(image.total_ps / PS_PER_NS, 3)
    job_cycles = sum(layer.cycles + layer.store_cycles for layer in plan.layers) * images
    latency_ns = {
        "total": sum(breakdown_ns.values()),
        **dict.fromkeys(("mean", "min", "max", "p99"), image_ns),
    }
    counts = energy_counts(
        scenario,
        area_of(scenario),
        time_ps=image.total_ps * images,
        host_busy_ps=image.breakdown_ps["host"] * images,
        dram_bytes=image.dram_bytes * images,
        bus_bytes=image.dram_bytes * images,
        job_cycles=job_cycles,
        macs=sum(layer.multiplications for layer in plan.layers) * images,
    )
    output_format = statistics.graph.format_of(statistics.graph.output.name)
    return {
        **scenario_keys(scenario, statistics.name, images),
        "statistics": statistics.source,
        "outputs": None,
        "output_scale": output_format.scale if output_format else None,
        "predictions": None,
        "accuracy": None,
        "latency_ns": latency_ns,
        "setup_ns": round(image.setup_ps / PS_PER_NS, 3),
        "breakdown_ns": breakdown_ns,
        "host_ns": {
            step: round(value * images / PS_PER_NS, 3) for step, value in image.host_ps.items()
        },
        "layers": _layers(scenario, statistics, plan, images),
        **energy_keys(scenario, counts, images, latency_ns),
        "traffic_bytes": {
            "dram": round(counts.dram_bytes),
            "bus": round(counts.bus_bytes),
            "other_masters": {},
        },
        "accelerator_cycles": {"jobs": round(job_cycles), "simulated": 0, "gated": 0},
    }


def _layers(
    scenario: Scenario, statistics: NetworkStatistics, plan: ImagePlan, images: int
) -> list[dict[str, Any]]:
    graph, units = statistics.graph, scenario.accelerator.units
    area = area_of(scenario)
    found = []
    for index, (layer, own) in enumerate(zip(graph.layers[1:], plan.layers, strict=True)):
        macs = layer.dense_macs(graph.input_shape(layer)) if isinstance(layer, Compute) else 0
        host = index in plan.host_reasons
        cycles = round(own.cycles * images)
        if host:
            sizes = [elements(graph.shapes[name]) for name in (*layer.inputs, layer.name)]
            cycles = images * host_step_cycles(scenario.board.host, macs, sum(sizes))
        useful, made = own.macs_useful * images, own.multiplications * images
        lost = max(0.0, cycles * units - made)
        counts = energy_counts(
            scenario,
            area,
            dram_bytes=(own.bytes_in + own.bytes_out) * images,
            bus_bytes=(own.bytes_in + own.bytes_out) * images,
            job_cycles=cycles if host else cycles + own.store_cycles * images,
            macs=made,
        )
        found.append(
            {
                "name": layer.name,
                "op": layer.op,
                "runs_on": "host" if host else "accelerator",
                "cycles": cycles,
                "macs_dense": macs * images,
                "macs_useful": None if host else round(useful),
                "utilisation": round(useful / (cycles * units), 6) if cycles and not host else None,
                "bytes_in": own.bytes_in * images,
                "bytes_out": own.bytes_out * images,
                "stall_cycles": {}
                if host
                else {"zero_operand": round(made - useful), "not_told_apart": round(lost)},
                "store_cycles": round(own.store_cycles * images),
                "jobs": own.jobs * images,
                "weights_resident": own.weights_resident,
                "positions": own.division.positions,
                "parts": own.division.parts,
                "host_reason": plan.host_reasons.get(index),
                "energy_uj": round(layer_energy_uj(scenario, counts, host), 6),
            }
        )
    return found
