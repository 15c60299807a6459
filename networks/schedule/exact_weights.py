"""Integer weights that make the accelerator's one rounding the one a layer's description asks for.

The accelerator computes `round_half_even(sum(w_i * x_i) * multiplier / 2^shift)` with integer
weights of its operand width. What a layer asks for are real factors of `x_i`.
"""

from collections.abc import Sequence
from math import gcd

from hdl.config import AcceleratorConfig
from hdl.packets import CHANNEL_SHIFT_WIDTH, MULTIPLIER_WIDTH
from hdl.registers import BY_NAME
from networks.rescale import Factor

LARGEST_MULTIPLIER = (1 << MULTIPLIER_WIDTH) - 1
"""The largest multiplier of a channel."""


def largest_shift(accelerator: AcceleratorConfig) -> int:
    """The largest right shift."""
    width = BY_NAME["JOB_SCALE"].field("shift").width
    return (1 << (CHANNEL_SHIFT_WIDTH if accelerator.channel_scales else width)) - 1


def stored_factor(factor: Factor, accelerator: AcceleratorConfig) -> Factor | None:
    """The same factor as the accelerator can hold it, None if it cannot."""
    left = max(0, -factor.shift)
    held = Factor(factor.multiplier << left, factor.shift + left)
    most = LARGEST_MULTIPLIER if accelerator.channel_scales else 1
    return held if held.multiplier <= most and held.shift <= largest_shift(accelerator) else None


def exact_weights(
    factors: Sequence[Factor], accelerator: AcceleratorConfig
) -> tuple[list[int], Factor] | None:
    """Weights, and a factor of their sum, whose products are exactly `factors`; None if none are.

    Common divisors go into the factor, but without channel scales only powers of two.
    """
    shift = max(0, *(factor.shift for factor in factors))
    numerators = [factor.multiplier << (shift - factor.shift) for factor in factors]
    common = gcd(*numerators)
    power = (common & -common).bit_length() - 1
    multiplier = common >> power if accelerator.channel_scales else 1
    kept = power if shift > power else shift
    weights = [number // multiplier >> kept for number in numerators]
    held = Factor(multiplier, shift - kept)
    fits = max(weights) < 1 << (accelerator.bits - 1)
    return (weights, held) if fits and held.shift <= largest_shift(accelerator) else None
