"""A folder of published curves: which control arms it holds, and one clear error for what it cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from trialsim.errors import HistoryError
from trialsim.study.starting.control_arms import CONTROL_WORDS, control_label, read_control_arms

ROWS = (
    "figure_id,time,event,arm\nA1,1,1,placebo\nA1,2,0,drug\nB1,0.5,1,ct\nB1,1,1,bev_ct\nC1,3,1,x\nC1,3,1,y\n"
)
FIGURES = (
    "figure_id,trial,registration,cancer,outcome,units\n"
    "A1,A,NCT0001,Lung,OS,months\nB1,B,NCT0002,Lung,OS,years\nC1,C,NCT0003,Lung,OS,months\n"
)


def folder(path: Path, rows: str = ROWS, figures: str | None = FIGURES) -> Path:
    (path / "participants.csv").write_text(rows)
    if figures is not None:
        (path / "figures.csv").write_text(figures)
    return path


def test_control_arms_in_months_and_what_is_left_out(tmp_path: Path) -> None:
    found = read_control_arms(folder(tmp_path))
    assert {arm.trial: (arm.group, arm.time.tolist()) for arm in found.arms} == {
        "A": ("Lung, OS", [1.0]),
        "B": ("Lung, OS", [6.0]),
    }
    assert found.left_out.values.tolist() == [["C1", "Lung, OS", "no arm is the control by its label"]]
    assert found.by == ("cancer", "outcome")
    more = read_control_arms(tmp_path, control=["Y"])
    assert [arm.trial for arm in more.arms] == ["A", "B", "C"]


def test_two_figures_of_one_registration_are_one_trial(tmp_path: Path) -> None:
    found = read_control_arms(folder(tmp_path, figures=FIGURES.replace("NCT0002", "NCT0001")))
    assert [arm.trial for arm in found.arms] == ["A"]
    assert "its trial has another figure in the group" in set(found.left_out["why"])
    apart = FIGURES.replace("NCT0002", "NCT0001").replace("Lung,OS,years", "Lung,PFS,years")
    both = read_control_arms(folder(tmp_path, figures=apart)).arms
    assert [(arm.trial, arm.group) for arm in both] == [("A", "Lung, OS"), ("A", "Lung, PFS")]


def test_trials_without_a_registration_are_not_one_trial(tmp_path: Path) -> None:
    found = read_control_arms(
        folder(tmp_path, figures=FIGURES.replace("NCT0001", "NR").replace("NCT0002", "NR"))
    )
    assert [arm.trial for arm in found.arms] == ["A", "B"]


def test_the_control_may_be_named(tmp_path: Path) -> None:
    named = FIGURES.replace("units\n", "units,control\n").replace("months\n", "months,drug\n")
    found = {arm.trial: arm for arm in read_control_arms(folder(tmp_path, figures=named)).arms}
    assert found["A"].time.tolist() == [2.0]
    assert "C" not in found


def test_files_of_trials_are_figures_of_their_names(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.csv").write_text(
            "participant,arm,time,event\n1,placebo,4,1\n2,drug,5,1\n3,placebo,9,0\n"
        )
    found = read_control_arms(tmp_path, until=6.0)
    assert [(arm.trial, arm.group, arm.time.tolist()) for arm in found.arms] == [
        ("one", "all", [4.0, 6.0]),
        ("two", "all", [4.0, 6.0]),
    ]


def test_follow_up_is_cut_and_later_events_are_not_seen(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("time,event\n4,1\n9,1\n")
    (arm,) = read_control_arms(tmp_path, until=6.0).arms
    assert (arm.time.tolist(), arm.event.tolist()) == ([4.0, 6.0], [True, False])


@pytest.mark.parametrize(
    ("labels", "control"),
    [
        (["drug"], "drug"),
        (["Placebo + CT", "drug"], "Placebo + CT"),
        (["placebo", "observation"], None),
        (["bev", "bev_erlotinib"], "bev"),
        (["bev_a", "bev_b"], None),
        (["placement", "drug"], None),
    ],
)
def test_labels(labels: list[str], control: str | None) -> None:
    assert control_label(labels, CONTROL_WORDS) == control


@pytest.mark.parametrize(
    ("rows", "figures", "options", "words"),
    [
        (ROWS.replace("A1,1,", "A1,-1,"), FIGURES, {}, "time: is missing or below 0 in row"),
        (ROWS.replace("A1,1,", "A1,,"), FIGURES, {}, "time: is missing or below 0 in row"),
        (ROWS.replace("A1,1,1", "A1,1,2"), FIGURES, {}, "event: is not 0 or 1 in row"),
        (ROWS.replace("event", "dead"), FIGURES, {}, "event"),
        (ROWS.replace("figure_id", "id"), FIGURES, {}, "figure_id"),
        (ROWS, FIGURES.replace("years", "moons"), {}, "no unit of time"),
        (ROWS, FIGURES.replace("B1,", "A1,"), {}, "more than once"),
        (ROWS, FIGURES, {"by": ["stage"]}, "no column of the figures"),
        (ROWS, FIGURES, {"until": 0.0}, "until"),
        (ROWS.replace("A1,1,", "A1,0,"), FIGURES, {}, "no time above 0"),
    ],
)
def test_one_clear_error(tmp_path: Path, rows: str, figures: str, options: dict, words: str) -> None:
    with pytest.raises(HistoryError, match=words):
        read_control_arms(folder(tmp_path, rows, figures), **options)


def test_a_folder_without_times_is_refused(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="holds no times"):
        read_control_arms(tmp_path)
    with pytest.raises(HistoryError, match="is not a folder"):
        read_control_arms(tmp_path / "nowhere")
