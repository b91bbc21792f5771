"""USDM 4: what is mapped, what is a blank, what is refused, and what stays untouched."""

from __future__ import annotations

import copy
import json
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from trialsim.cli.commands import commands
from trialsim.errors import ProtocolError
from trialsim.exchange import draft_protocol, read_usdm, to_usdm
from trialsim.exchange.usdm.reading import duration_in_weeks
from trialsim.protocol.declared import read_trial

PILOT = "protocols/cdisc_pilot.toml"


@pytest.fixture
def own(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes our own pilot as USDM, changed, to a file."""
    made = to_usdm(read_trial(PILOT))

    def write(change: Callable[[dict[str, Any], dict[str, Any]], Any] = lambda content, design: None) -> Path:
        content = copy.deepcopy(made)
        change(content, content["study"]["versions"][0]["studyDesigns"][0])
        path = tmp_path / "study.json"
        path.write_text(json.dumps(content))
        return path

    return write


def test_our_own_study_comes_back_as_a_draft(own: Callable[..., Path], tmp_path: Path) -> None:
    draft = tmp_path / "draft.toml"
    draft.write_text(draft_protocol(read_usdm(own())))
    with pytest.raises(ProtocolError, match="is a draft with") as refusal:
        read_trial(draft)
    for field in (
        "design.alpha",
        "sizing.power",
        "arms[0].allocation",
        "effects[0].value",
        "enrolment.rates",
    ):
        assert field in str(refusal.value)
    text = draft.read_text()
    assert 'name = "sim_cdisc_pilot"' in text
    assert 'role = "control"' in text


def test_a_draft_whose_blanks_are_filled_runs(own: Callable[..., Path], tmp_path: Path) -> None:
    text = draft_protocol(read_usdm(own()))
    filled = {
        "allocation = ": "1.0", "direction = ": '"higher_is_worse"', "value = ": "0.6", "rates = ": "[20.0]",
        "durations = ": "[24.0]", "source = ": '"Assumed"', "alpha = ": "0.025", "power = ": "0.9",
    }  # fmt: skip
    lines, kinds = [], iter(['"time_to_event"', '"hazard_ratio"', '"law"', '"simple"', '"log_rank"'])
    for line in text.splitlines():
        key = line.partition("=")[0] + "= "
        if "TODO" in line and key.startswith("kind"):
            lines.append(key + next(kinds))
        elif "TODO" in line:
            lines.append(key + filled.get(key, '"Assumed"'))
        else:
            lines.append(line)
    whole = "\n".join(lines)
    for table in ("[population]", "[[discontinuation]]"):
        start = whole.index(table)
        whole = whole[:start] + whole[whole.index("\n[", start) + 1 :]
    whole = "\n".join(line for line in whole.splitlines() if not line.startswith("course"))
    whole = whole.replace(
        'name = "primary"', 'name = "primary"\nlaw = { kind = "median", median = 12.0 }\nsource = "Assumed"'
    )
    whole = whole.replace("seed = 1", "seed = 1\nparticipants = 200")
    path = tmp_path / "trial.toml"
    path.write_text(whole)
    assert read_trial(path).design.alpha == 0.025


def refuse_single(content: dict[str, Any], design: dict[str, Any]) -> None:
    design["arms"] = design["arms"][:1]


def refuse_model(content: dict[str, Any], design: dict[str, Any]) -> None:
    design["model"] |= {"code": "C82637", "decode": "Crossover Study"}


def refuse_observational(content: dict[str, Any], design: dict[str, Any]) -> None:
    design["instanceType"] = "ObservationalStudyDesign"


def refuse_control(content: dict[str, Any], design: dict[str, Any]) -> None:
    design["arms"][0]["type"] = design["arms"][1]["type"]


def refuse_version(content: dict[str, Any], design: dict[str, Any]) -> None:
    content["usdmVersion"] = "3.0.0"


def refuse_designs(content: dict[str, Any], design: dict[str, Any]) -> None:
    content["study"]["versions"][0]["studyDesigns"].append(design)


def refuse_missing(content: dict[str, Any], design: dict[str, Any]) -> None:
    del design["arms"]


def refuse_order(content: dict[str, Any], design: dict[str, Any]) -> None:
    first = design["epochs"][0]
    design["epochs"].append(first | {"id": "StudyEpoch_9"})
    one, other = design["studyCells"]
    design["studyCells"] += [
        one | {"id": "StudyCell_8", "epochId": "StudyEpoch_9", "elementIds": other["elementIds"]},
        other | {"id": "StudyCell_9", "epochId": "StudyEpoch_9", "elementIds": one["elementIds"]},
    ]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (refuse_single, "has a single arm"),
        (refuse_model, "is not of parallel arms"),
        (refuse_observational, "is not interventional"),
        (refuse_control, "has no single control arm"),
        (refuse_version, "must be USDM 4"),
        (refuse_designs, "is one of several designs"),
        (refuse_missing, "lacks what every USDM study has"),
        (refuse_order, "crosses over"),
    ],
)
def test_what_no_randomised_parallel_trial_is_is_refused_with_its_reason(
    own: Callable[..., Path], change: Callable[..., None], says: str
) -> None:
    with pytest.raises(ProtocolError, match=says):
        read_usdm(own(change))


def without_origin(content: dict[str, Any]) -> dict[str, Any]:
    """Return a study without what an export may change."""
    found = copy.deepcopy(content)
    design = found["study"]["versions"][0]["studyDesigns"][0]
    design.pop("extensionAttributes", None)
    for arm in design["arms"]:
        del arm["dataOriginType"], arm["dataOriginDescription"]
    return found


def test_onto_a_study_all_else_stays_and_a_second_time_changes_nothing(own: Callable[..., Path]) -> None:
    study = read_usdm(
        own(lambda content, design: design.update(others="kept", extensionAttributes=[{"url": "x"}]))
    )
    once = to_usdm(read_trial(PILOT), study)
    assert without_origin(once) == without_origin(study.content)
    design = once["study"]["versions"][0]["studyDesigns"][0]
    assert design["extensionAttributes"][0] == {"url": "x"}
    assert {arm["dataOriginType"]["code"] for arm in design["arms"]} == {"C176263"}
    identifiers = json.dumps(once).count('"id": "ExtensionAttribute_')
    again = to_usdm(read_trial(PILOT), study)
    assert json.dumps(again) == json.dumps(once)
    assert identifiers == len(design["extensionAttributes"]) - 1


def test_texts_are_never_marks_or_conditions(own: Callable[..., Path]) -> None:
    hostile = '<script>alert(1)</script>\x1b[31m "quoted"\n[[arms]]\nname = "x"'

    def change(content: dict[str, Any], design: dict[str, Any]) -> None:
        content["study"]["versions"][0]["titles"][0]["text"] = hostile
        design["eligibilityCriteria"] = [{"criterionItemId": "E1", "category": {"decode": hostile}}]
        content["study"]["versions"][0]["eligibilityCriterionItems"] = [{"id": "E1", "text": hostile}]

    text = draft_protocol(read_usdm(own(change)))
    assert "<script>" not in text
    assert "\x1b" not in text
    assert len(tomllib.loads(text)["arms"]) == 2


@pytest.mark.parametrize(
    ("text", "weeks"),
    [
        ("P2W", 2.0),
        ("P14D", 2.0),
        ("P1M", 365.25 / 84),
        ("PT0M", 0.0),
        ("P", None),
        ("2 weeks", None),
        (3, None),
    ],
)
def test_durations(text: object, weeks: float | None) -> None:
    assert duration_in_weeks(text) == (None if weeks is None else pytest.approx(weeks))


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("EliLilly_NCT03421379_Diabetes", "crosses over"),
        ("Alexion_NCT04573309_Wilsons", "has a single arm"),
        ("observational", "is not interventional"),
    ],
)
def test_official_examples_that_are_no_randomised_parallel_trial_are_refused(
    shared: Callable[[str], Path], name: str, says: str
) -> None:
    with pytest.raises(ProtocolError, match=says):
        read_usdm(shared(f"data/usdm/{name}.json"))


@pytest.mark.parametrize("name", ["CDISC_Pilot_Study", "devices"])
def test_official_examples_of_the_cdisc_pilot_are_drafted(shared: Callable[[str], Path], name: str) -> None:
    study = read_usdm(shared(f"data/usdm/{name}.json"))
    text = draft_protocol(study)
    assert "participants = 300" in text
    assert "ADAS-Cog (11)] at Week 24" in text
    assert [arm["name"] for arm in study.arms] == ["Placebo", "Xanomeline Low Dose", "Xanomeline High Dose"]
    # Visits at home stand two weeks after another visit, and not after the first dose.
    assert study.weeks() == [2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0, 22.0, 24.0, 26.0]
    assert without_origin(to_usdm(read_trial(PILOT), study)) == without_origin(study.content)


def test_options_about_participants_are_refused_beside_a_digital_protocol(
    own: Callable[..., Path], tmp_path: Path
) -> None:
    out = tmp_path / "draft.toml"
    for option, value in (("--outcome", "adas"), ("--filter", "arm=placebo"), ("--allocation", "1:1")):
        done = CliRunner().invoke(commands, ["new", str(own()), option, value, "-o", str(out)])
        assert done.exit_code != 0
        assert f"{option}: says nothing about a digital protocol" in f"{done.output}{done.exception}"
        assert not out.exists()
    done = CliRunner().invoke(commands, ["export", "usdm", PILOT, "-o", str(tmp_path / "study.txt")])
    assert done.exit_code != 0
    assert "--output: unknown kind of file" in f"{done.output}{done.exception}"
