"""The register table and its encoding."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hdl.bundles import Job
from hdl.registers import (
    BY_NAME,
    JOB_BASE,
    JOB_REGISTERS,
    LOOPS,
    REGISTERS,
    Field,
    Register,
    check_table,
)
from tests.hdl.bench import small_config


def test_table_is_sound() -> None:
    check_table()
    assert len(BY_NAME) == len(REGISTERS)
    assert JOB_REGISTERS[-1].name == "JOB_COMMAND", "writing the last job register starts a job"
    assert [r.name for r in JOB_REGISTERS[: len(LOOPS)]] == [f"LOOP_{n.upper()}" for n in LOOPS]
    assert all(r.access == "rw" for r in JOB_REGISTERS)
    assert all(r.offset >= JOB_BASE for r in JOB_REGISTERS)


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: register.name)
def test_every_register_is_described(register: Register) -> None:
    assert register.doc.endswith(".")
    assert all(item.doc for item in register.fields)
    assert len({item.name for item in register.fields}) == len(register.fields)


@pytest.mark.parametrize("register", REGISTERS, ids=lambda register: register.name)
@given(word=st.integers(0, 2**32 - 1))
def test_decode_inverts_encode(register: Register, word: int) -> None:
    named = word & sum(item.mask for item in register.fields)
    assert register.encode(**register.decode(word)) == named


def test_negative_values_are_wrapped() -> None:
    register = BY_NAME["LOOP_ROW"]
    word = register.encode(last=2, jump=-5)
    assert word == 2 | (2**16 - 5) << 16
    assert register.decode(word) == {"last": 2, "jump": 2**16 - 5}


@pytest.mark.parametrize(
    ("register", "values", "message"),
    [
        ("JOB_SCALE", {"shift": 128}, "JOB_SCALE.shift must fit 7 bits, not 128"),
        ("JOB_SCALE", {"shift": -65}, "JOB_SCALE.shift must fit 7 bits, not -65"),
        ("JOB_LOW", {"value": 2**32}, "JOB_LOW.value must fit 32 bits, not 4294967296"),
        ("JOB_FILTERS", {"last": 2**16}, "JOB_FILTERS.last must fit 16 bits, not 65536"),
        ("LOOP_X", {"jump": -(2**15) - 1}, "LOOP_X.jump must fit 16 bits, not -32769"),
    ],
)
def test_values_that_do_not_fit(register: str, values: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BY_NAME[register].encode(**values)


def test_unknown_field() -> None:
    with pytest.raises(KeyError, match="register JOB_OUTPUT has no field depth"):
        BY_NAME["JOB_OUTPUT"].encode(depth=1)


@pytest.mark.parametrize(
    "fields",
    [
        (Field("a", 0, 8, "low"), Field("b", 7, 2, "overlaps")),
        (Field("a", 30, 3, "too wide"),),
    ],
)
def test_fields_must_fit_and_not_overlap(fields: tuple[Field, ...]) -> None:
    message = rf"field R.{fields[-1].name} must fit and not overlap"
    with pytest.raises(ValueError, match=message):
        Register("R", 0, "rw", "A register.", fields)


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        ((0, 6), r"offset of R1 must be a multiple of 4 above 0x00, not 0x06"),
        ((0, 0), r"offset of R1 must be a multiple of 4 above 0x00, not 0x00"),
        ((8, 4), r"offset of R1 must be a multiple of 4 above 0x08, not 0x04"),
    ],
)
def test_offsets_are_aligned_and_ascending(offsets: tuple[int, ...], message: str) -> None:
    table = tuple(
        Register(f"R{index}", offset, "rw", "A register.") for index, offset in enumerate(offsets)
    )
    with pytest.raises(ValueError, match=message):
        check_table(table)


@pytest.mark.parametrize("parts", [False, True])
def test_every_job_field_has_a_signal_of_its_own(parts: bool) -> None:
    job = Job(small_config(kind="list", activation_elements=65536, partial_sums=parts))
    signals = {
        f"{register.name}.{item.name}": job.signal_of(register, item)
        for register in JOB_REGISTERS
        for item in filter(job.has, register.fields)
    }
    assert ("JOB_COMMAND.partial_sums" in signals) == parts
    assert len({id(signal) for signal in signals.values()}) == len(signals)
    assert {id(signal) for signal in signals.values()} == {id(s) for s in vars(job).values()}
    for register in JOB_REGISTERS:
        for item in filter(job.has, register.fields):
            signal = signals[f"{register.name}.{item.name}"]
            assert 1 <= (len(signal) or 1) <= item.width, f"{register.name}.{item.name}"
