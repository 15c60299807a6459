"""LeNet-300, one real image: the emitted HDL gives the same outputs at the same cycles as MyHDL."""

from pathlib import Path

import numpy as np
import pytest

from hdl.config import AcceleratorConfig
from hdl.convert import Language, convert
from networks import builtin
from tests.conversion.accelerator_run import Run, random_accesses, run_image
from tests.conversion.harness import replay

CONFIGS = [
    pytest.param(AcceleratorConfig(kind="bitmap"), id="bitmap", marks=pytest.mark.slow),
    pytest.param(AcceleratorConfig(kind="dense"), id="dense", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=CONFIGS)
def lenet300(request: pytest.FixtureRequest) -> tuple[AcceleratorConfig, Run]:
    """All jobs of one image with all weights streamed in; the logits are the golden ones."""
    config: AcceleratorConfig = request.param
    graph = builtin.load("lenet300")
    vectors = builtin.test_vectors("lenet300")
    image = graph.input.format.quantise(vectors.real_images[:1])[0]
    run = run_image(graph, image, config, random_accesses(12), seed=11, limit_cycles=200_000)
    np.testing.assert_array_equal(run.logits[:, 0, 0], vectors.logits[0])
    return config, run


@pytest.mark.parametrize("language", ["vhdl", "verilog"])
def test_same_outputs_at_the_same_cycles(
    lenet300: tuple[AcceleratorConfig, Run], language: Language, tmp_path: Path
) -> None:
    config, run = lenet300
    files = convert(config, language, tmp_path)
    verdict = replay(files, run.recorder, language, tmp_path)
    assert verdict == f"passed {len(run.recorder.samples)} cycles"
