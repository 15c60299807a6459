"""Number formats: integers with a scale and zero point 0; fixed point if it is a power of two."""

from dataclasses import dataclass
from math import frexp, ldexp

import numpy as np
from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True)
class Format:
    """A stored integer `q` of `bits` bits stands for the real `q * mantissa / 2^frac_bits`.

    `mantissa` is 1 for fixed point, which is all that accelerators know. `frac_bits` may be
    negative or larger than `bits`. Raises ValueError if `bits` is not 2 to 62 or `mantissa` not
    from 1 up to 2.
    """

    bits: int
    frac_bits: int
    signed: bool = True
    mantissa: float = 1.0

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 62:
            raise ValueError(f"bits of a format must be 2 to 62, not {self.bits}")
        if not 1 <= self.mantissa < 2:
            raise ValueError(f"mantissa of a format must be 1 to 2, not {self.mantissa}")

    @classmethod
    def of_scale(cls, bits: int, scale: float, *, signed: bool = True) -> "Format":
        """The format in which the stored integer 1 stands for `scale`.

        Raises ValueError if the scale is not positive.
        """
        if not 0 < scale < float("inf"):
            raise ValueError(f"scale must be positive, not {scale:.6g}")
        mantissa, exponent = frexp(scale)
        return cls(bits, 1 - exponent, signed, 2 * mantissa)

    @property
    def is_fixed_point(self) -> bool:
        """Whether the scale is a power of two."""
        return self.mantissa == 1

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
        return ldexp(self.mantissa, -self.frac_bits)

    def quantise(self, real: ArrayLike) -> NDArray[np.int64]:
        """Nearest stored integers, halves to even, saturated to `min` to `max`."""
        scaled = np.rint(np.asarray(real, dtype=np.float64) / self.scale)
        return np.clip(scaled, self.min, self.max).astype(np.int64)

    def dequantise(self, stored: ArrayLike) -> NDArray[np.float64]:
        """Real numbers that stored integers stand for."""
        return np.asarray(stored, dtype=np.float64) * self.scale

    @property
    def type_name(self) -> str:
        """Name of the stored type: int8, uint8, ..."""
        return f"{'int' if self.signed else 'uint'}{self.bits}"

    def __str__(self) -> str:
        if self.is_fixed_point:
            return f"{self.type_name}/2^{self.frac_bits}"
        return f"{self.type_name}*{self.scale:.6g}"
