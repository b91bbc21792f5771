"""Published bounds of group-sequential designs."""

from __future__ import annotations

from collections.abc import Sequence

from trialsim.design import (
    BetaSpending,
    HwangShihDeCani,
    OBrienFlemingSpending,
    PocockSpending,
    group_sequential_design,
)
from trialsim.design.group_sequential import (
    EfficacyRule,
    FutilityRule,
    HaybittlePeto,
    PowerSpending,
    WangTsiatis,
)
from trialsim.study.qualification.oracle import Oracle
from trialsim.study.qualification.sizes import GSDESIGN, RPACT

THIRDS = (1 / 3, 2 / 3, 1.0)
_DIGITS = 5e-6


def _upper(rule: EfficacyRule, information: Sequence[float] = THIRDS) -> list[float]:
    return list(group_sequential_design(information, efficacy=rule).upper)


def _both(futility: FutilityRule) -> list[float]:
    one = group_sequential_design((0.5, 1.0), efficacy=OBrienFlemingSpending(), futility=futility)
    return [*one.upper, one.lower[0], one.inflation]


ORACLES = (
    Oracle(
        "bounds/obrien_fleming",
        lambda: _upper(WangTsiatis(0.0)),
        (3.471091445, 2.454432299, 2.00403558),
        _DIGITS,
        RPACT,
    ),
    Oracle("bounds/pocock", lambda: _upper(WangTsiatis(0.5)), (2.289478456,) * 3, _DIGITS, RPACT),
    Oracle(
        "bounds/wang_tsiatis_.25",
        lambda: _upper(WangTsiatis(0.25)),
        (2.741136604, 2.305011944, 2.082813411),
        _DIGITS,
        RPACT,
    ),
    Oracle(
        "bounds/lan_demets_obrien_fleming",
        lambda: _upper(OBrienFlemingSpending()),
        (3.710302873, 2.511427484, 1.993047483),
        _DIGITS,
        RPACT,
    ),
    Oracle(
        "bounds/lan_demets_obrien_fleming_unequal",
        lambda: _upper(OBrienFlemingSpending(), (0.2, 0.5, 1.0)),
        (4.876884949, 2.962629251, 1.968596362),
        _DIGITS,
        RPACT,
    ),
    Oracle(
        "bounds/lan_demets_pocock",
        lambda: _upper(PocockSpending()),
        (2.279428239, 2.294911139, 2.295939587),
        _DIGITS,
        RPACT,
    ),
    Oracle(
        "bounds/hwang_shih_decani_-4",
        lambda: _upper(HwangShihDeCani(-4.0)),
        (3.010739485, 2.546530552, 1.999226354),
        _DIGITS,
        RPACT,
    ),
    Oracle(
        "bounds/power_spending_3",
        lambda: _upper(PowerSpending(3.0)),
        (3.113017263, 2.461934023, 2.008705281),
        _DIGITS,
        RPACT,
    ),
    Oracle(
        "bounds/haybittle_peto", lambda: _upper(HaybittlePeto(3.0)), (3.0, 3.0, 1.975097633), _DIGITS, RPACT
    ),
    Oracle(
        "bounds/futility_binding",
        lambda: _both(BetaSpending(HwangShihDeCani(-2.0), binding=True)),
        (2.96258804, 1.94852095, 0.392311184, 1.0252446),
        2e-5,
        GSDESIGN,
    ),
    Oracle(
        "bounds/futility_not_binding",
        lambda: _both(BetaSpending(HwangShihDeCani(-2.0))),
        (2.96258804, 1.96859553, 0.406378059, 1.03771046),
        _DIGITS,
        GSDESIGN,
    ),
)
