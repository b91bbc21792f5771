"""What must hold of every disease model that protocols can name."""

from __future__ import annotations

import pickle
from functools import partial
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from trialsim import offered
from trialsim.data import Covariates
from trialsim.disease import DiseaseModel, Parameter, Table, disease_model, disease_models
from trialsim.disease.interface import Endpoint
from trialsim.disease.registry import register
from trialsim.errors import InputError
from trialsim.streams import stream

ROOT = Path(__file__).parents[2]
NAMES = disease_models()
PAIRS = [(name, one.name) for name in NAMES for one in disease_model(name).endpoints]
# Given for other dials to matter: nobody clears a drug that is not there, and few livers are injured.
GIVEN = {"theophylline": {"dose": 1.0}, "liver_safety": {"injury": 100.0}}
DIALS = [(name, one.name) for name in NAMES for one in disease_model(name).dials]


def people_of(model: DiseaseModel, n: int = 300) -> Covariates:
    """People within every range of the model."""
    g = np.random.default_rng(7)
    columns = []
    for one in model.inputs:
        if one.unit == "0 or 1":
            columns.append(g.integers(0, 2, n).astype(float))
        else:
            low, high = one.low, min(one.high, one.low + 1e4)
            columns.append(low + (high - low) * g.uniform(0.05, 0.95, n))
    return Covariates(tuple(one.name for one in model.inputs), np.column_stack(columns))


def drawn(model: DiseaseModel, endpoint: Endpoint, people: Covariates, **dials: float) -> np.ndarray:
    weeks = {"score": np.array([0.0, 12.0, 26.0]), "time_to_event": np.array([np.inf])}
    asked = weeks.get(endpoint.kind, np.array([26.0]))
    found = model.draw(people, endpoint.name, dials, asked, partial(stream, 3, "test", 0))
    if found.ends is not None:
        assert found.ends.shape == (len(people),)
        assert (found.ends > 0).all()
    return found.outcomes


@pytest.mark.parametrize("name", NAMES)
def test_every_number_says_where_it_comes_from(name: str) -> None:
    model = disease_model(name)
    assert model.name == name
    assert model.title
    assert model.sources
    assert sum(model.evidence().values()) >= 1
    for parameter in model.parameters.values():
        assert parameter.unit
        assert parameter.source
        again = pickle.loads(pickle.dumps(parameter))
        assert again == parameter
        assert again.evidence == parameter.evidence
    for one in model.inputs:
        assert one.source
        assert one.low < one.high


@pytest.mark.parametrize(("name", "endpoint"), PAIRS)
def test_outcomes_are_of_their_kind(name: str, endpoint: str) -> None:
    model = disease_model(name)
    own, people = model.endpoint_named(endpoint), people_of(model)
    found = drawn(model, own, people)
    assert len(found) == len(people)
    if own.kind == "score":
        assert found.shape[1] == 3
        assert ((found >= own.lower) & (found <= own.upper)).all()
    elif own.kind == "recurrent":
        steps = np.diff(found, axis=1)
        assert (np.isnan(steps) | (steps >= 0)).all()
        assert (np.isnan(found[:, :-1]) <= np.isnan(found[:, 1:])).all()
        assert (np.isnan(found) | (found > 0)).all()
    elif own.kind == "time_to_event":
        assert (found > 0).all()
    else:
        assert (found == np.floor(found)).all()
        assert (found >= 0).all()


@pytest.mark.parametrize(("name", "endpoint"), PAIRS)
def test_dials_that_change_nothing_change_no_digit(name: str, endpoint: str) -> None:
    model = disease_model(name)
    own, people = model.endpoint_named(endpoint), people_of(model)
    idle = {one.name: one.idle for one in model.dials}
    assert np.array_equal(drawn(model, own, people), drawn(model, own, people, **idle), equal_nan=True)


@pytest.mark.parametrize(("name", "dial"), DIALS)
def test_every_dial_moves_an_endpoint(name: str, dial: str) -> None:
    model = disease_model(name)
    (own,) = (one for one in model.dials if one.name == dial)
    value = 0.5 if own.operation == "multiply" else min(max(1.0, own.low), own.high)
    people = people_of(model)
    given = {other: number for other, number in GIVEN.get(name, {}).items() if other != dial}
    assert not all(
        np.array_equal(
            drawn(model, one, people, **given),
            drawn(model, one, people, **given, **{dial: value}),
            equal_nan=True,
        )
        for one in model.endpoints
    )


@pytest.mark.parametrize(("name", "dial"), DIALS)
def test_an_impossible_setting_is_refused_with_the_range(name: str, dial: str) -> None:
    model = disease_model(name)
    (own,) = (one for one in model.dials if one.name == dial)
    for value in (np.nan, own.low - 1, own.high * 2 + 1):
        with pytest.raises(InputError, match="between") as caught:
            drawn(model, model.endpoints[0], people_of(model), **{dial: value})
        assert caught.value.field == f"dials.{dial}"


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_dial_is_refused_with_the_list(name: str) -> None:
    model = disease_model(name)
    with pytest.raises(InputError, match="no such dial") as caught:
        drawn(model, model.endpoints[0], people_of(model), no_such_dial=1.0)
    assert all(one.name in str(caught.value) for one in model.dials)


@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_endpoint_is_refused_with_the_list(name: str) -> None:
    model = disease_model(name)
    with pytest.raises(InputError, match=model.endpoints[0].name):
        model.draw(people_of(model), "no_such", {}, np.array([12.0]), partial(stream, 3, "test", 0))


@pytest.mark.parametrize("name", NAMES)
def test_covariates_that_are_missing_or_out_of_range_are_refused(name: str) -> None:
    model, endpoint = disease_model(name), disease_model(name).endpoints[0]
    whole = people_of(model, 5)
    for position, one in enumerate(model.inputs):
        rest = [other for other in whole.names if other != one.name]
        with pytest.raises(InputError, match=one.name):
            drawn(model, endpoint, whole.select(rest))
        for value in (np.nan, one.low - 1, one.high + 1):
            values = whole.values.copy()
            values[3, position] = value
            with pytest.raises(InputError, match=r"for everybody|row 3 .* outside") as caught:
                drawn(model, endpoint, Covariates(whole.names, values))
            assert caught.value.field == one.name


@pytest.mark.parametrize("name", NAMES)
def test_a_protocol_runs_it_and_published_numbers_hold_it(name: str) -> None:
    protocols = [path.read_text(encoding="utf-8") for path in (ROOT / "protocols").glob("*.toml")]
    assert any(f'model = "{name}"' in text for text in protocols)
    called = type(disease_model(name)).__name__
    tests = (ROOT / "tests" / "conformance" / "disease").rglob("test_*.py")
    texts = [path.read_text(encoding="utf-8") for path in tests]
    assert any(name in text or called in text for text in texts)
    # A model without code of its own is listed by its card.
    assert f'"{name}": "' in (ROOT / "trialsim" / "disease" / "registry.py").read_text(encoding="utf-8")


class Other(DiseaseModel):
    """A model of another package."""

    name = "other_disease"

    def draw(self, people, endpoint, dials, weeks, chance):
        raise NotImplementedError


def fake(monkeypatch: pytest.MonkeyPatch, *points: EntryPoint) -> None:
    monkeypatch.setattr(offered, "entry_points", lambda group: [p for p in points if p.group == group])


def test_a_model_of_another_package_is_found_by_its_entry_point(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trialsim.disease.events.OtherDisease", Other, raising=False)
    point = EntryPoint("other_disease", "trialsim.disease.events:OtherDisease", "trialsim.models")
    fake(monkeypatch, point)
    assert "other_disease" in disease_models()
    assert isinstance(disease_model("other_disease"), Other)
    with pytest.raises(InputError, match="another disease model"):
        register(type("Twice", (Other,), {}))


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("other", "trialsim.disease.no_such:Model", "cannot be imported"),
        ("other", "trialsim.disease.events:MOST_EVENTS", "is no DiseaseModel"),
        ("other", "trialsim.disease.neurology.delor2013:DelorCdrSb", "names itself otherwise"),
    ],
)
def test_an_entry_point_that_cannot_be_used_is_refused(
    name: str, value: str, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(monkeypatch, EntryPoint(name, value, "trialsim.models"))
    with pytest.raises(InputError, match=problem):
        disease_model(name)


def test_the_name_of_two_models_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    fake(monkeypatch, EntryPoint("delor2013_cdr_sb", "other:Model", "trialsim.models"))
    with pytest.raises(InputError, match="name of two disease models"):
        disease_models()


def test_an_unknown_name_is_refused_with_the_list() -> None:
    with pytest.raises(InputError, match="no disease model has this name") as caught:
        disease_model("delor_cdr")
    assert all(name in str(caught.value) for name in NAMES)


def test_numbers_with_evidence_calculate_like_numbers() -> None:
    rate = Parameter(0.5, "a year", "assumed", "test")
    assert np.array_equal(np.where([True, False], rate, 2 * rate), [0.5, 1.0])
    assert (np.arange(2.0) * rate).dtype == np.float64
    assert sum(Table((1.0, 2.0), "points", "assumed", "test")) == 3
