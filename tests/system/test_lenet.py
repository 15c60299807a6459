"""Published-size networks on real images: golden logits, and what sparsity buys."""

from typing import Any

import numpy as np
import pytest

from networks import builtin
from tests.system.conftest import SCENARIOS, RunToJson
from tests.system.test_small_network import check_account


def check_golden(report: dict[str, Any], network: str) -> None:
    vectors = builtin.test_vectors(network)
    images = report["images"]
    np.testing.assert_array_equal(report["outputs"], vectors.logits[:images])
    predictions = vectors.logits[:images].argmax(axis=1)
    assert report["predictions"] == predictions.tolist()
    assert report["accuracy"] == float(np.mean(predictions == vectors.labels[:images]))
    check_account(report)


@pytest.mark.parametrize(
    ("engine", "images"), [pytest.param("rtl", 1, marks=pytest.mark.slow), ("fast", 64)]
)
def test_lenet300_bitmap(run_to_json: RunToJson, engine: str, images: int) -> None:
    scenario = SCENARIOS / "lenet300-bitmap.toml"
    report = run_to_json(scenario, "--engine", engine, "--images", images)
    check_golden(report, "lenet300")
    # Eight ideal dense multipliers need 29,400 + 3,750 + 125 cycles an image.
    assert sum(layer["cycles"] for layer in report["layers"]) < images * 33_275 / 10


@pytest.mark.parametrize("engine", ["fast", pytest.param("rtl", marks=pytest.mark.slow)])
def test_lenet300_dense(run_to_json: RunToJson, engine: str) -> None:
    report = run_to_json(SCENARIOS / "lenet300-dense.toml", "--images", 1, "--engine", engine)
    check_golden(report, "lenet300")
    for layer, ideal_cycles in zip(report["layers"], (29_400, 3_750, 125), strict=True):
        assert ideal_cycles <= layer["cycles"] <= 1.1 * ideal_cycles + 100


@pytest.mark.slow
def test_lenet300_dense_8_images(run_to_json: RunToJson) -> None:
    check_golden(run_to_json(SCENARIOS / "lenet300-dense.toml", "--images", 8), "lenet300")


@pytest.mark.slow
@pytest.mark.parametrize("accelerator", ["bitmap", "dense"])
def test_lenet5(run_to_json: RunToJson, accelerator: str) -> None:
    report = run_to_json(SCENARIOS / f"lenet5-{accelerator}.toml", "--images", 1)
    check_golden(report, "lenet5")
