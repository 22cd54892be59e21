import enum
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planfill.domain.numerals import exact, plain

IN_RANGE = st.decimals(min_value=-(10**15) + 1, max_value=10**15 - 1, places=9)


class Level(enum.IntEnum):
    LOW = 1


class Written(str, enum.Enum):  # noqa: UP042 - as engines before 3.11 wrote it
    TWELVE = "12"


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("1234.56", "1234.56"),
        ("-1234.56", "-1234.56"),
        ("+5", "5"),
        ("5.", "5"),
        (".5", "0.5"),
        ("007", "7"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("12.5e-1", "1.25"),
        ("0e999999", "0"),
        ("-0", "0"),
        ("0.10", "0.1"),
        (12, "12"),
        (-12, "-12"),
        (0.1, "0.1"),
        (1e-9, "0.000000001"),
        (123456789.125, "123456789.125"),
        (Decimal("1.50"), "1.5"),
        (Decimal("-0.00"), "0"),
        (Decimal("1E+2"), "100"),
        (Level.LOW, "1"),
        pytest.param(Written.TWELVE, "12", id="an enumeration of texts"),
        ("999999999999999.999999999", "999999999999999.999999999"),
        ("1e14", "100000000000000"),
        ("0.000000001", "0.000000001"),
        ("0.0000000010000", "0.000000001"),
        ("000000000000000000000000000001", "1"),
    ],
)
def test_a_number_however_written_is_the_decimal_it_shows(written: object, number: str) -> None:
    read = exact(written)
    assert isinstance(read, Decimal)
    assert f"{read:f}" == number


@pytest.mark.parametrize(
    "written",
    ["", " ", "1 ", " 1", "1\n", "1,000", "1_000", "$5", "five", "NaN", "nan", "Infinity", "-inf", "0x10",
     "1e", "--1", "1.2.3", ".", "1e1234567", "١٢", "½"],
)  # fmt: skip
def test_a_text_that_is_no_number_is_refused_and_shown(written: str) -> None:
    with pytest.raises(ValueError, match="is not a number such as") as caught:
        exact(written)
    assert str(caught.value) == f"{written!r} is not a number such as 1234.56"


def test_of_a_long_text_that_is_no_number_only_the_beginning_is_shown() -> None:
    with pytest.raises(ValueError, match="is not a number") as caught:
        exact("x" * 1000)
    assert str(caught.value) == f"'{'x' * 40}' is not a number such as 1234.56"


@pytest.mark.parametrize(
    "number",
    [float("nan"), float("inf"), -float("inf"), Decimal("NaN"), Decimal("sNaN"), Decimal("Infinity")],
)
def test_what_is_not_finite_is_refused(number: object) -> None:
    with pytest.raises(ValueError, match="is not an amount"):
        exact(number)


@pytest.mark.parametrize(
    "number",
    [
        "1000000000000000",
        "1e15",
        "1e999999",
        -(10**15),
        1e22,
        pytest.param(10**5000, id="5001 digits"),
        Decimal("1e999999999"),
        "-1e15",
    ],
)
def test_more_than_15_digits_before_the_point_are_refused(number: object) -> None:
    with pytest.raises(ValueError, match="more than 15 digits before the point"):
        exact(number)


@pytest.mark.parametrize(
    "number",
    ["0.0000000001", "1.0000000001", "1e-10", "1e-999999", 0.1 + 0.2, Decimal("1E-999999999"), "-1e-10"],
)
def test_more_than_9_digits_after_the_point_are_refused(number: object) -> None:
    with pytest.raises(ValueError, match="more than 9 digits after the point: round it"):
        exact(number)


@pytest.mark.parametrize("other", [None, True, False, [], {}, b"1", object])
def test_what_is_no_number_is_left_for_the_type_to_refuse(other: object) -> None:
    assert exact(other) is other


@given(IN_RANGE)
def test_a_decimal_in_range_is_read_unchanged_from_every_notation(number: Decimal) -> None:
    assert exact(number) == number
    assert exact(str(number)) == number
    assert exact(f"{number:e}") == number
    assert exact(plain(number)) == number


@given(IN_RANGE, st.integers(0, 5))
def test_there_is_one_plain_way_to_write_a_number(number: Decimal, zeros: int) -> None:
    padded = Decimal(f"{number:f}" + (("0" * zeros) if "." in f"{number:f}" else ""))
    assert plain(padded) == plain(number) == plain(number.normalize())


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0", "0"),
        ("-0.00", "0"),
        ("1E+3", "1000"),
        ("100", "100"),
        ("0.500", "0.5"),
        ("10.0", "10"),
        ("-1.10", "-1.1"),
    ],
)
def test_a_plain_number_has_no_exponent_no_trailing_zeros_and_no_sign_on_zero(number: str, text: str) -> None:
    assert plain(Decimal(number)) == text
