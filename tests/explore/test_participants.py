"""One participant: by a twin what `twins whatif` computes, by a disease model what its dials do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from trialsim.data import Covariates
from trialsim.errors import InputError
from trialsim.explore import start_with
from trialsim.explore.participants.people import People
from trialsim.prognosis import Prognosis, TreatmentTerm, what_if
from trialsim.streams import stream

RUN, DIABETES = Path("reports/example"), Path("cohorts/type2_diabetes_trial.toml")
SWITCH = {"dials_now": {"metformin": 1}, "dials": {"dapagliflozin": 1}, "week": 24}


@pytest.fixture(scope="module")
def of_run() -> People:
    return People(start_with(RUN))


@pytest.fixture(scope="module")
def of_card() -> People:
    return People(start_with(DIABETES))


def asked(people: People, **question: Any) -> Any:
    return people.what_if({"view": "model:type2_diabetes", **question})


def test_the_twin_of_one_participant_is_what_whatif_computes(of_run: People) -> None:
    offer = of_run.offer()["views"]["twin"]
    person = {one["name"]: one["value"] for one in offer["fields"]}
    treatment = {"name": "drug", "source": "trial X", "effect": -0.5, "effect_sd": 0.2, "full_by_week": 26}
    found = of_run.what_if(
        {"view": "twin", "person": person, "change": {"age": person["age"] + 8}, "treatment": treatment}
    )
    model = Prognosis.load(RUN / "inputs" / "posterior.npz")
    one = Covariates(model.names, np.array([[person[name] for name in model.names]]))
    trial = start_with(RUN).trial
    assert trial is not None
    wanted = what_if(
        model, one, np.array([person["baseline"]]), model.weeks, set_to={"age": person["age"] + 8},
        treatment=TreatmentTerm("drug", "trial X", -0.5, 0.2, 1.0, 26.0),
        generator=stream(trial.seed, "what-if", 0, "twins"),
    )  # fmt: skip
    np.testing.assert_allclose(found["difference"]["mean"], wanted.mean)
    np.testing.assert_allclose(found["difference"]["low"], wanted.low)
    np.testing.assert_allclose(found["after"]["score"][1:], wanted.after.score[0])
    assert found["before"]["score"][0] == person["baseline"]


def test_nothing_changed_is_no_difference(of_run: People) -> None:
    found = of_run.what_if({"view": "twin"})
    assert set(found["difference"]["mean"]) == {0.0}
    assert found["before"] == found["after"]
    assert "Nothing is changed" in found["words"]


def test_what_leaves_the_evidence_is_said_or_refused(of_run: People, of_card: People) -> None:
    assert "leaves the evidence" in of_run.what_if({"view": "twin", "change": {"age": 400}})["warnings"][0]
    with pytest.raises(InputError, match="must lie between week"):
        of_run.what_if({"view": "twin", "week": 500})
    assert "only goes on" in asked(of_card, endpoint="hba1c", week=2000)["warnings"][0]
    with pytest.raises(InputError, match="outside"):
        asked(of_card, endpoint="hba1c", change={"age": 300})


@pytest.mark.parametrize(
    "question",
    [
        {"person": {"shoe_size": 43}}, {"change": {"age": "old"}}, {"change": {"age": float("nan")}},
        {"person": [1]}, {"treatment": {"effect": 1.0}}, {"treatment": {"source": " ", "effect": 1}},
        {"treatment": {"source": "x"}}, {"treatment": {"source": "x", "effect": 1, "cost": 2}}, {"week": "x"},
        {"view": "nobody"},
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(of_run: People, question: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        of_run.what_if({"view": "twin", **question})


def test_a_switch_from_metformin_to_dapagliflozin(of_card: People) -> None:
    """As Henry 2012: from 9.1 % both lower HbA1c by 1.4 to 1.5, so a switch moves it by hardly anything."""
    person = {"hba1c": 9.1}
    switch = asked(of_card, endpoint="hba1c", person=person, **SWITCH)
    assert abs(switch["difference"]["mean"][-1]) < 0.05
    added = asked(of_card, endpoint="hba1c", person=person, dials={"dapagliflozin": 1}, week=24)
    assert -1.6 < added["difference"]["mean"][-1] < -1.3
    # Weight falls by more on dapagliflozin, and fewer are admitted for heart failure.
    assert asked(of_card, endpoint="weight", person=person, **SWITCH)["difference"]["mean"][-1] < -0.5
    failures = asked(of_card, endpoint="heart_failure", person=person, **(SWITCH | {"week": 500}))
    assert failures["difference"]["mean"][-1] < 0


def test_a_dose_scales_what_dials_do(of_card: People) -> None:
    def fall(dose: float) -> float:
        found = asked(
            of_card, endpoint="hba1c", person={"hba1c": 9.1}, dials={"hba1c": -1}, dose=dose, week=52
        )
        return float(found["difference"]["mean"][-1])

    assert fall(0.0) == 0.0
    assert fall(1.0) == pytest.approx(2 * fall(0.5), rel=0.02)


def test_shares_with_an_event_only_rise(of_card: People) -> None:
    found = asked(of_card, endpoint="death", dials={"death": 0.5})
    for course in ("before", "after"):
        assert (np.diff(found[course]["score"]) >= 0).all()
    assert found["after"]["score"][-1] < found["before"]["score"][-1]


def test_another_participant_is_the_same_for_the_same_number(of_card: People) -> None:
    one, again, other = (of_card.person({"number": number})["person"] for number in (3, 3, 4))
    assert one == again != other
    assert set(one) == set(start_with(DIABETES).card.names)  # type: ignore[union-attr]


def test_a_protocol_learns_its_twins_when_it_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fit itself is that of `twins whatif`; here it is taken from the run."""
    import time

    import trialsim.prognosis

    people = People(start_with(Path("protocols/alzheimers_phase2.toml")))
    assert people.offer()["can_learn"]
    model = Prognosis.load(RUN / "inputs" / "posterior.npz")
    monkeypatch.setattr(trialsim.prognosis, "fit_prognosis", lambda *_, **__: model)
    people.learn()
    end = time.monotonic() + 120
    while "twin" not in people.offer()["views"] and time.monotonic() < end:
        assert people.offer()["problem"] is None
        time.sleep(0.05)
    assert people.what_if({"view": "twin"})["words"]


def test_nobody_is_asked_where_there_are_no_people() -> None:
    nobody = People(start_with(None))
    assert not start_with(None).has_people
    with pytest.raises(InputError):
        nobody.learn()
    with pytest.raises(InputError):
        nobody.person({"number": 0})
