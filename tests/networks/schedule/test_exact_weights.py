"""Weights and factors against exact fractions."""

from fractions import Fraction

from hypothesis import assume, given
from hypothesis import strategies as st

from hdl.config import AcceleratorConfig
from networks.rescale import Factor
from networks.schedule.exact_weights import exact_weights, stored_factor
from tests.networks.graphs import accelerator_of

odd = st.integers(0, 32767).map(lambda n: 2 * n + 1)
factors = st.builds(Factor, st.one_of(st.just(1), odd), st.integers(-4, 30))
accelerators = st.builds(accelerator_of, st.sampled_from([8, 16, 32]), channel_scales=st.booleans())


def value(factor: Factor) -> Fraction:
    return Fraction(factor.multiplier) / Fraction(2) ** factor.shift


def fits(factor: Factor, accelerator: AcceleratorConfig) -> bool:
    most = 65535 if accelerator.channel_scales else 1
    return 1 <= factor.multiplier <= most and 0 <= factor.shift <= 127


@given(st.lists(factors, min_size=1, max_size=2), accelerators)
def test_products_are_the_factors(wanted: list[Factor], accelerator: AcceleratorConfig) -> None:
    found = exact_weights(wanted, accelerator)
    assume(found is not None)
    assert found is not None
    weights, factor = found
    assert fits(factor, accelerator)
    assert max(weights) < 1 << (accelerator.bits - 1)
    assert [weight * value(factor) for weight in weights] == [value(item) for item in wanted]


@given(st.integers(-4, 30), st.integers(0, 6))
def test_powers_of_two_that_are_near_are_always_found(shift: int, apart: int) -> None:
    wanted = [Factor(1, shift), Factor(1, shift + apart)]
    assert exact_weights(wanted, accelerator_of()) is not None


@given(factors, accelerators)
def test_stored_factor_is_the_same(wanted: Factor, accelerator: AcceleratorConfig) -> None:
    found = stored_factor(wanted, accelerator)
    if found is None:
        assert wanted.shift < 0 or not fits(wanted, accelerator)
    else:
        assert fits(found, accelerator)
        assert value(found) == value(wanted)
