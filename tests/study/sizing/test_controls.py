"""Controls beside a fixed active arm: the search finds the closed form, and refuses what none can give."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from scipy.special import ndtr, ndtri

from tests.declared_files import STRATA, tables
from trialsim.errors import DesignError, ProtocolError
from trialsim.protocol.declared import trial_from_dict
from trialsim.study.people.registers import Registers
from trialsim.study.sizing.prepare import prepare_trial
from trialsim.study.sizing.search import search_sizes
from trialsim.study.sizing.sizes import size_trial
from trialsim.study.sizing.varied import ControlsAlone, varied_of

Z = float(-ndtri(0.025))
NEEDED = (Z + float(ndtri(0.9))) ** 2


def z_test(effect: float, active: int, rng: np.random.Generator):
    """Return trials of a mean with SD 1 in both arms."""

    def claims(size: int, names: Sequence[str], trials: int) -> dict[str, int]:
        power = float(ndtr(effect * np.sqrt(size * active / (size + active)) - Z))
        return {name: int(rng.binomial(trials, power)) for name in names}

    return claims


def beside(active: int) -> ControlsAlone:
    return ControlsAlone(trial_from_dict(tables("score")), active, 50_000)


@pytest.mark.parametrize(("effect", "active"), [(0.4, 150), (0.4, 100), (0.4, 80), (0.2, 600), (0.8, 40)])
def test_the_controls_of_a_z_test_are_those_of_the_closed_form(effect: float, active: int) -> None:
    varied, information = beside(active), NEEDED / effect**2
    exact = information * active / (active - information)
    found = search_sizes(
        z_test(effect, active, np.random.default_rng(5)), ["z"], power=0.9, alpha=0.025, guess=active,
        step=1, largest=varied.largest, trials=60_000, scale=varied,
    )["z"]  # fmt: skip
    # Few active participants make the controls steep in the information: the interval says so.
    assert found.lower < exact < found.upper
    assert found.size == np.ceil(found.exact)


@pytest.mark.parametrize("active", [20, 60, 65])
def test_an_active_arm_too_small_is_refused_and_not_searched_for_long(active: int) -> None:
    asked: list[int] = []
    trials = z_test(0.4, active, np.random.default_rng(5))

    def claims(size: int, names: Sequence[str], number: int) -> dict[str, int]:
        asked.append(size)
        return trials(size, names, number)

    varied = beside(active)
    with pytest.raises(DesignError, match="out of reach") as fault:
        search_sizes(claims, ["z"], power=0.9, alpha=0.025, guess=active, step=1, largest=varied.largest,
                     scale=varied)  # fmt: skip
    assert fault.value.field == "sizing.active"
    assert "larger active arm" in fault.value.mend
    assert max(asked) <= 20 * active


def controls(kind: str = "score", **changes: object) -> dict:
    made = {"participants": None, "simulation": {"replicates": 100, "block": 500}} | changes
    return tables(kind, sizing={"vary": "controls", "active": 120, "power": 0.9, "trials": 8000}, **made)


def test_a_score_saves_controls_while_the_active_arm_stays() -> None:
    made = controls(
        twins={"source": "assumed", "partial_correlation": 0.5},
        analyses=[{"kind": "ancova", "name": "twin", "adjust": ["score"]}],
    )
    made["costs"] = {"currency": "EUR", "control": 1000.0, "active": 2000.0, "month": 500.0, "source": "t"}
    trial = trial_from_dict(made)
    found = size_trial(trial, Registers())
    rows = found.sizes.set_index(["analysis", "score"])
    for key, left in (
        (("twin_without_score", "not used"), 1 - 0.25**2),
        (("twin", "as declared"), (1 - 0.25**2) * 0.75),
    ):
        information = NEEDED * left / 0.25
        closed = information * 120 / (120 - information)
        # HC3 and Student's law cost a few controls.
        assert closed < rows.loc[key, "controls"] < closed + 6
        assert rows.loc[key, "participants"] == rows.loc[key, "controls"] + 120
        assert rows.loc[key, "participants_by_formula"] == pytest.approx(
            rows.loc[key, "participants"], rel=0.03
        )
    saved = found.savings[found.savings["best"] & (found.savings["score"] == "as declared")].iloc[0]
    assert saved["participants_saved"] == pytest.approx(saved["controls_saved"])
    # Ten enter a month: each participant saved is a tenth of one.
    assert saved["months_saved"] == pytest.approx(saved["controls_saved"] / 10, abs=0.11)
    assert saved["cost_saved"] == pytest.approx(
        1000 * saved["controls_saved"] + 500 * saved["months_saved"], rel=1e-9
    )
    prepared = prepare_trial(trial, Registers())
    assert prepared.sizes is not None
    active = [arm.allocation for arm in prepared.trial.arms][1]
    ratio = prepared.sizes.size / 120
    assert prepared.trial.arms[0].allocation / active == pytest.approx(ratio)
    assert prepared.trial.participants == prepared.sizes.size + 120


@pytest.mark.parametrize("kind", ["response", "time_to_event"])
def test_a_sequential_design_keeps_its_looks_and_its_events_per_participant(kind: str) -> None:
    looks: dict[str, object] = {"timing": "information", "information": [0.5, 1.0]}
    if kind == "time_to_event":
        looks = {"timing": "events", "events": [40, 80]}
    made = controls(
        kind, participants=160,
        design={"kind": "group_sequential", "efficacy": {"rule": "lan_demets_obf"}, **looks},
    )  # fmt: skip
    made["sizing"] |= {"active": 160, "power": 0.8, "trials": 4000}
    trial = trial_from_dict(made)
    row = size_trial(trial, Registers()).sizes.iloc[0]
    assert row["participants_by_formula"] == pytest.approx(row["participants"], rel=0.06)
    resized = varied_of(trial).at(100)
    assert resized.participants == 260
    if kind == "time_to_event":
        assert resized.design.events == (65, 130)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"sizing": {"vary": "controls"}}, "sizing.active"),
        ({"sizing": {"active": 100}}, "sizing.active"),
        ({"arms": [{"name": "control", "role": "control"},
                   {"name": "active", "role": "active", "allocation": 2.0}]}, "arms.allocation"),
        ({"strata": STRATA, "randomisation": {"kind": "permuted_blocks", "block_sizes": [4],
                                              "strata": ["sex"]}}, "randomisation.strata"),
    ],
)  # fmt: skip
def test_what_controls_alone_leave_unread_is_refused(changes: dict, field: str) -> None:
    with pytest.raises(ProtocolError, match=field):
        trial_from_dict(controls() | changes)


def test_an_active_arm_as_large_as_the_largest_trial_is_refused() -> None:
    made = controls(participants=200)
    made["sizing"] |= {"largest_trial": 120}
    with pytest.raises(ProtocolError, match="no room for controls"):
        varied_of(trial_from_dict(made))
