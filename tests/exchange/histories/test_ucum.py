"""Units after UCUM: laws with a known number, what is no unit, and what may not be turned into each other."""

from __future__ import annotations

import pytest

from trialsim.errors import HistoryError
from trialsim.exchange.histories import conversion
from trialsim.exchange.histories.ucum import unit_of
from trialsim.exchange.histories.ucum_table import OFTEN_MEANT

GLUCOSE, CREATININE, CHOLESTEROL = 180.156, 113.12, 386.65


@pytest.mark.parametrize(
    ("value", "given", "wanted", "mass", "expected"),
    [
        (5.5, "mmol/L", "mg/dL", GLUCOSE, 99.0858),
        (99.0858, "mg/dL", "mmol/L", GLUCOSE, 5.5),
        (88.4, "umol/L", "mg/dL", CREATININE, 0.99998),
        (5.0, "mmol/L", "mg/dL", CHOLESTEROL, 193.325),
        (120, "mm[Hg]", "kPa", None, 15.99864),
        (250, "10*3/uL", "10*9/L", None, 250),
        (250, "10^9/L", "10*3/uL", None, 250),
        (98.6, "[degF]", "Cel", None, 37.0),
        (37, "Cel", "[degF]", None, 98.6),
        (300, "K", "Cel", None, 26.85),
        (1, "[lb_av]", "kg", None, 0.45359237),
        (70, "[in_i]", "cm", None, 177.8),
        (30, "U/L", "ukat/L", None, 0.5),
        (2.5, "m[iU]/L", "u[iU]/mL", None, 2.5),
        (12, "g/dL", "g/L", None, 120),
        (30, "mg/g", "mg/mmol", CREATININE, 3.3936),
        (72, "{beats}/min", "/min", None, 72),
        (90, "mL/min/{1.73_m2}", "mL/min", None, 90),
        (1, "a", "mo", None, 12),
        (3, "wk", "d", None, 21),
        (45, "%", "1", None, 0.45),
        (1, "(mg/dL)/(mmol/L)", "mg/mmol", None, 10),
        (1, "kg.m/s2", "N", None, 1),
        (1, "m2.kg-1", "m2/kg", None, 1),
        (140, "mmol/L", "meq/L", None, None),
        (48, "mmol/mol", "%", None, None),
        (48, "mmol/L", "mg/dL", None, None),
        (1, "[iU]/L", "U/L", None, None),
        (1, "mg", "mL", None, None),
    ],
)
def test_numbers_of_one_unit_in_another(
    value: float, given: str, wanted: str, mass: float | None, expected: float | None
) -> None:
    if expected is None:
        with pytest.raises(HistoryError, match=r"measures|moles and grams"):
            conversion(given, wanted, mass)
        return
    law = conversion(given, wanted, mass)
    assert law.times * value + law.plus == pytest.approx(expected, rel=1e-5)


def test_counts_in_two_spellings_are_equal_to_the_last_bit() -> None:
    assert conversion("10*3/uL", "10*9/L").times == 1.0
    assert conversion("dL", "L").times == 0.1


@pytest.mark.parametrize(
    "code",
    ["", "mmHg", "MG/DL", "mg / dL", "/", "mg/", "a.u", "mg//dL", "mm[Hg", "{a", "(mg", "mg)", "mg0", "Cel/d",
     "µg", "m99999", "kk", "Ym30.Ym30", "mg" * 40, "(" * 300 + "m" + ")" * 300, "9" * 30, "mg{é}"],
)  # fmt: skip
def test_what_is_no_unit_is_refused_by_its_name(code: str) -> None:
    with pytest.raises(HistoryError, match="is no unit of UCUM"):
        unit_of(code)


def test_what_people_write_has_a_meaning_that_is_a_unit() -> None:
    for meant in OFTEN_MEANT.values():
        unit_of(meant)
    with pytest.raises(HistoryError, match=r"'mm\[Hg\]' meant"):
        unit_of("mmHg")


def test_every_law_has_its_inverse() -> None:
    codes = ["mg/dL", "g/L", "ug/mL", "kg/m3", "ng/uL", "Cel", "[degF]", "K", "mm[Hg]", "kPa", "bar"]
    for given in codes:
        for wanted in codes:
            if unit_of(given).dimensions == unit_of(wanted).dimensions:
                there, back = conversion(given, wanted), conversion(wanted, given)
                assert back.times * (there.times * 3.7 + there.plus) + back.plus == pytest.approx(3.7)
