"""Number formats: fixed point with power-of-two scales and zero point 0."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Format:
    """Fixed point: a stored integer `q` of `bits` bits stands for the real `q / 2^frac_bits`.

    `frac_bits` may be negative or larger than `bits`. Raises ValueError if `bits` is not 2 to 62.
    """

    bits: int
    frac_bits: int
    signed: bool = True

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 62:
            raise ValueError(f"bits of a format must be 2 to 62, not {self.bits}")

    @property
    def min(self) -> int:
        """Smallest stored integer."""
        return -(1 << (self.bits - 1)) if self.signed else 0

    @property
    def max(self) -> int:
        """Largest stored integer."""
        return (1 << (self.bits - 1 if self.signed else self.bits)) - 1

    @property
    def scale(self) -> float:
        """Real number that the stored integer 1 stands for."""
        return 2.0**-self.frac_bits

    def quantise(self, real: ArrayLike) -> NDArray[np.int64]:
        """Nearest stored integers, halves to even, saturated to `min` to `max`."""
        scaled = np.rint(np.asarray(real, dtype=np.float64) * 2.0**self.frac_bits)
        return np.clip(scaled, self.min, self.max).astype(np.int64)

    def dequantise(self, stored: ArrayLike) -> NDArray[np.float64]:
        """Real numbers that stored integers stand for."""
        return np.asarray(stored, dtype=np.float64) * self.scale

    @property
    def type_name(self) -> str:
        """Name of the stored type: int8, uint8, ..."""
        return f"{'int' if self.signed else 'uint'}{self.bits}"

    def __str__(self) -> str:
        return f"{self.type_name}/2^{self.frac_bits}"


def requantise(accumulators: NDArray[np.int64], shift: int, target: Format) -> NDArray[np.int64]:
    """`saturate(round_half_even(accumulators / 2^shift))` in integers; `shift` may be negative."""
    if shift <= 0:
        rounded = accumulators << -shift
    else:
        rounded = accumulators >> shift
        remainder = accumulators - (rounded << shift)
        half = 1 << (shift - 1)
        rounded += (remainder > half) | ((remainder == half) & ((rounded & 1) == 1))
    return np.clip(rounded, target.min, target.max)
