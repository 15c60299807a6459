"""What the study's page says comes from its parts."""

from typing import Any

from cosim.study import text


def row(network: str, board: str, accelerator: str, latency: float, units: int) -> dict[str, Any]:
    return {
        "network": network,
        "bits": 8,
        "board": board,
        "accelerator": accelerator,
        "units": units,
        "latency_us": latency,
        "energy_uj": 2 * latency,
        "used": {"lut": 0.2, "block_ram": 0.9 if accelerator.startswith("list") else 0.1},
    }


ROWS = [
    row("a", "zynq7020", "list K=1", 10.0, 30),
    row("a", "zynq7020", "bitmap as published", 40.0, 20),
    row("a", "zynq7020", "dense", 20.0, 64),
    row("b", "zynq7020", "list K=1", 30.0, 30),
    row("b", "zynq7020", "dense", 15.0, 64),
    row("a", "small", "list K=1", 50.0, 3),
    row("a", "small", "list K=2", 45.0, 2),
    row("a", "small", "dense", 90.0, 4),
]
RELOAD = {
    "load_ms": 28.4,
    "stages": [{"name": "a", "images": 1000, "reload_pays_from_images": {"b": 96, "c": None}}],
    "plans": [
        {"policy": "never", "total_ps": 2 * 10**12, "loads": 0},
        {"policy": "look-ahead", "total_ps": 10**12, "loads": 1},
    ],
}


def claims() -> list[str]:
    return text.claims(ROWS, [], RELOAD, {"published": 0.5, "list": 0.75})


def test_units_of_the_smallest_board_and_what_runs_out_are_counted() -> None:
    assert "Yes, 2 to 3 units on small, the smallest board." in claims()[1]
    assert "Of 5 sparse designs 4 fill block RAM most" in claims()[1]


def test_wins_of_lists_are_counted_a_network() -> None:
    assert "at 8 bits, they win 2 of 2 (a), 0 of 1 (b)." in claims()[3]
    assert "loses to dense in 1 of 1 cases at 8 bits" in claims()[3]


def test_reloading_pays_from() -> None:
    assert "2,000.0 ms" in claims()[4]
    assert claims()[4].endswith("It pays from 96 images of a.")


def test_what_a_list_and_a_bitmap_send() -> None:
    (said,) = text.stream_text()
    assert "up to a density of 0.25, bitmaps up to 0.88" in said
