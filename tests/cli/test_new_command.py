"""`trialsim new`: from a file of past participants to a protocol that reads back, every guess marked."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.cli.in_process import run
from trialsim.protocol.declared import DeclaredTrial, read_trial
from trialsim.study.people.history import read_declared_history

WEEKS = (0, 4, 12)


def visits(people: int = 80, **more: Any) -> pd.DataFrame:
    """Return a score at visits that follows age, with a tenth lost at the last visit."""
    rng = np.random.default_rng(7)
    age, sex = rng.normal(60, 9, people).round(), rng.choice(["F", "M"], people)
    own = rng.normal(25, 5, people)
    rows = [
        {
            "subject": f"P{who:03d}", "week": week, "age": age[who], "sex": sex[who],
            "severity": round(own[who] + 0.1 * week + 0.05 * (age[who] - 60) + rng.normal(0, 2), 1),
        }
        for who in range(people)
        for week in WEEKS
        if not (week == 12 and who % 10 == 0)
    ]  # fmt: skip
    return pd.DataFrame(rows).assign(**more)


def single(people: int = 160) -> pd.DataFrame:
    """Return one row a participant with an outcome of every kind."""
    rng = np.random.default_rng(8)
    age = rng.normal(60, 9, people).round()
    risk = 1 / (1 + np.exp(-(age - 60) / 9))
    return pd.DataFrame(
        {
            "id": np.arange(people) + 1000,
            "age": age,
            "smoker": rng.choice(["no", "yes"], people),
            "responder": np.where(rng.random(people) < risk, "yes", "no"),
            "grade": np.digitize(risk + rng.normal(0, 0.3, people), (0.3, 0.6)),
            "attacks": rng.negative_binomial(2, 0.4, people),
            "years": rng.exponential(2.0 - risk).round(3) + 0.01,
            "died": (rng.random(people) < 0.6).astype(int),
        }
    )


@pytest.fixture
def new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Return a function that writes rows, runs the command on them, and returns what it says."""
    monkeypatch.chdir(tmp_path)

    def call(rows: pd.DataFrame | None, *options: str, code: int = 0) -> str:
        if rows is not None:
            rows.to_csv("past.csv", index=False)
        assert run(monkeypatch, "new", "past.csv", "--yes", *options) == code
        said = capsys.readouterr()
        return said.out + said.err

    return call


def read(folder: Path, name: str = "protocol.toml") -> DeclaredTrial:
    """Return the protocol, once its history has been read as `trialsim run` reads it."""
    trial = read_trial(folder / name)
    assert len(read_declared_history(trial, folder)) > 20
    return trial


def test_a_score_at_visits_gives_a_protocol_with_every_guess_marked(
    new: Callable[..., str], tmp_path: Path
) -> None:
    said = new(visits())
    trial = read(tmp_path)
    assert trial.outcome.kind == "score"
    assert trial.outcome.weeks == (4.0, 12.0)
    assert trial.twins is not None
    assert trial.twins.covariates == ("age", "sex")
    assert trial.history is not None
    assert trial.history.file == "past.csv"
    assert trial.discontinuation[0].cumulative["placebo"] == pytest.approx(0.1)
    assert [one.kind for one in trial.analyses] == ["mmrm", "ancova"]
    assert [one.name for one in trial.scenarios] == ["alternative", "null", "useless_twins", "sicker_people"]
    text = (tmp_path / "protocol.toml").read_text(encoding="utf-8")
    for field in ("participant", "week", "outcome", "kind", "weeks", "age", "sex"):
        assert any(line.startswith(f"{field} = ") and "# guessed: " in line for line in text.splitlines()), (
            field
        )
    assert "# yours to set: a placeholder, a quarter of the SD" in text
    assert "trialsim run protocol.toml" in said


def test_the_effect_is_a_quarter_of_the_sd_at_the_last_visit(new: Callable[..., str], tmp_path: Path) -> None:
    rows = visits()
    new(rows)
    sd = rows.loc[rows["week"] == 12, "severity"].std()
    (effect,) = read(tmp_path).effects
    assert effect.value == pytest.approx(-sd / 4, rel=0.05)  # type: ignore[union-attr]  # a shift


def test_what_is_told_is_taken_and_not_marked(new: Callable[..., str], tmp_path: Path) -> None:
    new(
        visits(), "--outcome", "severity", "--participant", "subject", "--week", "week",
        "--covariates", "age",
        "--direction", "higher_is_better", "--effect", "2.5", "--allocation", "2:1", "--power", "0.8",
        "--kind", "score",
    )  # fmt: skip
    trial = read(tmp_path)
    assert [one.allocation for one in trial.arms] == [1.0, 2.0]
    assert trial.sizing is not None
    assert trial.sizing.power == 0.8
    assert trial.twins is not None
    assert trial.twins.covariates == ("age",)
    text = (tmp_path / "protocol.toml").read_text(encoding="utf-8")
    marked = [line.split(" = ")[0] for line in text.splitlines() if "# guessed" in line]
    assert marked == ["weeks", "cumulative"]


@pytest.mark.parametrize(
    ("options", "kind", "analysis"),
    [
        (["--outcome", "responder"], "response", "g_computation"),
        (["--outcome", "grade"], "level", "proportional_odds"),
        (["--outcome", "attacks"], "count", "negative_binomial"),
        (["--event", "died", "--time", "years"], "time_to_event", "cox"),
        ([], "time_to_event", "cox"),
    ],
)
def test_every_kind_of_one_outcome_a_participant(
    new: Callable[..., str], tmp_path: Path, options: list[str], kind: str, analysis: str
) -> None:
    new(single(), *options, "--covariates", "age,smoker")
    trial = read(tmp_path)
    assert trial.outcome.kind == kind
    assert trial.analyses[0].kind == analysis
    assert trial.analyses[0].adjust == ("score",)
    if kind == "time_to_event":
        assert trial.history is not None
        assert trial.history.columns.time_unit == "years"


def test_the_same_file_gives_the_same_bytes_and_edits_are_not_lost(
    new: Callable[..., str], tmp_path: Path
) -> None:
    new(visits())
    first = (tmp_path / "protocol.toml").read_bytes()
    new(visits())
    assert (tmp_path / "protocol.toml").read_bytes() == first
    (tmp_path / "protocol.toml").write_bytes(first + b"# edited\n")
    assert "exists already" in new(visits(), code=2)
    assert (tmp_path / "protocol.toml").read_bytes() == first + b"# edited\n"
    new(visits(), "--force")
    assert (tmp_path / "protocol.toml").read_bytes() == first


def test_several_arms_are_never_taken_for_placebo(new: Callable[..., str], tmp_path: Path) -> None:
    rows = visits()
    who = rows["subject"].str[1:].astype(int) % 2
    said = new(rows.assign(arm=np.where(who, "A", "B")), code=2)
    assert "--filter" in said
    assert "arm=A" in said
    assert not (tmp_path / "protocol.toml").exists()
    new(rows.assign(arm=np.where(who, "Placebo", "Drug")))
    trial = read(tmp_path)
    assert trial.history is not None
    assert trial.history.filter[0].equals == "Placebo"
    assert "holds several arms" in (tmp_path / "protocol.toml").read_text(encoding="utf-8")


def test_an_awkward_file_is_read_and_a_copy_of_what_is_used_is_written(
    new: Callable[..., str], tmp_path: Path
) -> None:
    """Semicolons, decimal commas, a BOM, odd names, text visits, screening, codes for "missing"."""
    rows = visits()
    names = {0: "Baseline", 4: "Week 4", 12: "Month 3"}
    awkward = pd.DataFrame(
        {
            "Pat.-Nr.": rows["subject"], "Visit (planned)": rows["week"].map(names),
            "Größe [cm]": (160 + rows["age"] / 2).map(lambda x: f"{x:.1f}".replace(".", ",")),
            "Sex": rows["sex"], "2nd line?": np.where(rows["age"] > 62, "yes", "no"),
            "Alter": rows["age"].map("{:.0f}".format).mask(rows["subject"].isin(["P005", "P011"]), "999"),
            "Schmerz (0-50)": rows["severity"].map(lambda x: f"{x:.1f}".replace(".", ",")),
        }
    )  # fmt: skip
    screening = awkward.iloc[::3].assign(**{"Visit (planned)": "Screening"})
    pd.concat([screening, awkward]).to_csv("past.csv", sep=";", index=False, encoding="utf-8-sig")
    new(None, "-o", "pain.toml")
    trial = read(tmp_path, "pain.toml")
    assert trial.history is not None
    assert trial.history.file == "pain_history.csv"
    assert trial.history.missing == {"Alter": (999.0,)}
    assert trial.outcome.weeks == (4.0, 13.0)  # type: ignore[union-attr]  # a score
    assert trial.twins is not None
    assert trial.twins.covariates == ("grosse_cm", "sex", "c_2nd_line", "alter")
    history = read_declared_history(trial, tmp_path)
    assert history.covariates.column("grosse_cm").max() == pytest.approx(160 + rows["age"].max() / 2)
    text = (tmp_path / "pain.toml").read_text(encoding="utf-8")
    for change in ("semicolons", "decimal commas", "turned into weeks", "no planned week"):
        assert change in text, change


def test_categories_that_differ_by_capitals_are_one_and_a_column_that_changes_is_named(
    new: Callable[..., str], tmp_path: Path
) -> None:
    rows = visits()
    people = rows["subject"].str[-1].astype(int)
    coded = np.where((rows["week"] == 4) & (people == 3), "999", "1.7")
    rows = rows.assign(
        sex=np.where(people == 1, rows["sex"].str.lower(), rows["sex"]),
        smoking=np.array(["Never", "never", "NEVER", "ex", "Ex", "yes", "Yes", "YES", "yes", "ex"])[people],
        height=np.where(people % 2 == 0, "1.6", coded),
    )
    new(rows, "--outcome", "severity")
    trial = read(tmp_path)
    assert trial.history is not None
    columns = trial.history.columns.covariates
    assert columns["sex"].values == {"F": 0.0, "f": 0.0, "M": 1.0, "m": 1.0}
    assert columns["smoking_ex"].values == {"Ex": 1.0, "ex": 1.0} | dict.fromkeys(
        ("NEVER", "Never", "never", "YES", "Yes", "yes"), 0.0
    )
    text = (tmp_path / "protocol.toml").read_text(encoding="utf-8")
    assert "spellings that differ by capitals taken as one" in text
    assert "# left out: height: changes within a participant" in text
    assert "# left out: week" not in text


def test_a_column_for_each_visit_and_a_baseline_column_are_put_below_each_other(
    new: Callable[..., str], tmp_path: Path
) -> None:
    long = visits()
    wide = long.pivot_table(index=["subject", "age", "sex"], columns="week", values="severity")
    wide.columns = pd.Index(["severity_bl", "severity_wk4", "severity_wk12"])
    new(wide.reset_index())
    history = read_declared_history(read(tmp_path), tmp_path)
    expected = long.pivot_table(index="subject", columns="week", values="severity").to_numpy()
    np.testing.assert_allclose(np.column_stack([history.baseline, history.outcomes]), expected)  # type: ignore[union-attr]


def test_visits_that_are_numbered_get_their_weeks_from_days_and_the_baseline_from_its_column(
    new: Callable[..., str], tmp_path: Path
) -> None:
    rows = visits()
    base = rows[rows["week"] == 0].set_index("subject")["severity"]
    later = rows[rows["week"] > 0].assign(baseval=rows["subject"].map(base))
    later = later.assign(
        visit=later["week"].map({4: 5, 12: 6}), reldays=later["week"] * 7 + np.arange(len(later)) % 3 - 1,
        change=(later["severity"] - later["baseval"]).round(1), other=later["severity"] ** 2,
    ).drop(columns="week")  # fmt: skip
    new(later)
    trial = read(tmp_path)
    assert trial.outcome.weeks == (4.0, 12.0)  # type: ignore[union-attr]  # a score
    assert trial.outcome.name == "severity"
    history = read_declared_history(trial, tmp_path)
    assert history.baseline.mean() == pytest.approx(base.mean())  # type: ignore[union-attr]


def test_a_covariate_that_gives_the_outcome_away_is_left_out_with_the_reason(
    new: Callable[..., str], tmp_path: Path
) -> None:
    rows = single().assign(ready=lambda one: (one["responder"] == "yes").astype(int))
    new(rows.drop(columns=["died", "years"]), "--outcome", "responder")
    trial = read(tmp_path)
    assert trial.twins is not None
    assert "ready" not in trial.twins.covariates
    assert "left out: ready" in (tmp_path / "protocol.toml").read_text(encoding="utf-8")


def test_what_is_known_after_the_baseline_is_no_covariate(new: Callable[..., str], tmp_path: Path) -> None:
    rows = visits()
    who = rows["subject"].str[1:].astype(int)
    new(
        rows.assign(
            last_day=who % 50,
            comp24=who % 2,
            entry_date="2020-01-0" + (who % 9 + 1).astype(str),
            entry_month=who % 12,
            site=who % 4,
        )
    )
    trial = read(tmp_path)
    assert trial.twins is not None
    assert trial.twins.covariates == ("age", "sex")
    assert trial.history is not None
    assert trial.history.columns.group == "site"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--outcome", "sverity"], "'sverity' is not in the file"),
        (["--filter", "age"], "write COLUMN=VALUE"),
        (["--filter", "sex=X"], "keeps no row"),
        (["--allocation", "2"], "write active:control"),
        (["--effect", "3"], "is no benefit where higher is worse"),
        (["--kind", "response"], "has one row each"),
        (["--covariates", "severity"], "severity"),
    ],
)
def test_what_cannot_be_is_refused_with_the_mend_and_nothing_is_written(
    new: Callable[..., str], tmp_path: Path, options: list[str], said: str
) -> None:
    heard = new(visits(), *options, code=2)
    assert said in heard
    assert "Mend:" in heard
    assert "Traceback" not in heard
    assert sorted(path.name for path in tmp_path.iterdir()) == ["past.csv"]


def test_open_questions_name_the_option_that_answers_them(new: Callable[..., str]) -> None:
    rows = visits().assign(other=lambda one: one["severity"] * 1.5 + one["week"])
    assert "--outcome, one of severity, other" in new(rows, code=2)
    assert "--outcome" in new(single().drop(columns=["died", "responder"]), code=2)
    twice = pd.concat([visits(), visits()])
    assert "--filter" in new(twice, code=2)
    assert "file not found" in new(None, "--join", "none.csv", code=2)


def test_a_terminal_is_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from trialsim.cli import new as command
    from trialsim.study.starting import Told

    visits().assign(other=lambda one: one["severity"] * 1.5 + one["week"]).to_csv(
        tmp_path / "a.csv", index=False
    )
    asked: list[str] = []

    def prompt(question: str) -> str:
        asked.append(question)
        return "2"

    monkeypatch.setattr(command.click, "prompt", prompt)
    found, told = command._looked(tmp_path / "a.csv", Told(), asks=True)
    assert asked == ["--outcome"]
    assert found.outcome == told.outcome == "other"


PILOT = ("--filter", "arm=placebo", "--filter", "anl=1", "--filter", "locf=0", "--join", "subjects.csv")


@pytest.mark.parametrize(
    ("file", "options", "kind", "people"),
    [
        ("cdisc_pilot/adas_total.csv", PILOT, "score", 86),
        ("antidepressant_dia/antidepressant.csv", (), "score", 88),
        (
            "ist/ist.csv.gz",
            ("--outcome", "died", "--filter", "aspirin=0", "--covariates", "age,male"),
            "response",
            9_646,
        ),
        ("lifelines_mit/gbsg2.csv", ("--filter", "horTh=no"), "time_to_event", 440),
        ("hf_clinical_records/hf_clinical_records.csv", (), "time_to_event", 299),
    ],
)
def test_real_histories_give_protocols(
    shared: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    options: tuple[str, ...],
    kind: str,
    people: int,
) -> None:
    path = shared(f"data/{file}")
    assert run(monkeypatch, "new", str(path), *options, "--yes", "-o", str(tmp_path / "p.toml")) == 0
    trial = read_trial(tmp_path / "p.toml")
    assert trial.outcome.kind == kind
    assert len(read_declared_history(trial, tmp_path)) == pytest.approx(people, rel=0.03)
    assert tomllib.loads((tmp_path / "p.toml").read_text(encoding="utf-8"))["twins"]["source"] == "learned"


def without_covariates(kind: str) -> tuple[pd.DataFrame, list[str]]:
    """Return a file with nothing but participants and one outcome, and what must be told."""
    if kind == "score":
        return visits()[["subject", "week", "severity"]], []
    rows = single(400)
    columns = {
        "response": (["id", "responder"], ["--outcome", "responder"]),
        "level": (["id", "grade"], ["--outcome", "grade"]),
        "count": (["id", "attacks"], ["--outcome", "attacks", "--months", "12"]),
        "time_to_event": (["id", "years", "died"], []),
    }
    return rows[columns[kind][0]], columns[kind][1]


@pytest.mark.parametrize("kind", ["score", "response", "level", "count", "time_to_event"])
def test_without_a_covariate_the_file_gives_the_law_of_the_outcome_and_no_twins(
    new: Callable[..., str], tmp_path: Path, kind: str
) -> None:
    rows, options = without_covariates(kind)
    new(rows, *options)
    trial = read_trial(tmp_path / "protocol.toml")
    outcome: Any = trial.outcome
    assert (outcome.kind, trial.twins, trial.history, outcome.course) == (kind, None, None, None)
    assert trial.sizing is not None
    assert all("score" not in one.adjust for one in trial.analyses)
    assert not list(tmp_path.glob("*_history.csv"))
    text = (tmp_path / "protocol.toml").read_text(encoding="utf-8")
    assert "nothing to learn placebo twins from" in text
    assert "past.csv: 400 participants" in text or kind == "score"
    match kind:
        case "score":
            wide = rows.pivot_table(index="subject", columns="week", values="severity")
            assert outcome.mean == pytest.approx(wide.mean(), rel=1e-3)
            assert np.array(outcome.covariance) == pytest.approx(wide.cov().to_numpy(), rel=1e-3)
        case "response":
            assert outcome.probability == pytest.approx((rows["responder"] == "yes").mean(), abs=1e-4)
        case "level":
            assert outcome.shares == pytest.approx(
                rows["grade"].value_counts(normalize=True).sort_index(), abs=1e-4
            )
        case "count":
            assert outcome.rate == pytest.approx(rows["attacks"].mean() / 12, rel=1e-3)
            moments = (rows["attacks"].var() - rows["attacks"].mean()) / rows["attacks"].mean() ** 2
            assert outcome.dispersion == pytest.approx(moments, rel=0.02)
        case _:
            law = outcome.control
            assert law.kind == "piecewise"
            died = rows["died"] == 1
            crude = died.sum() / (12 * rows["years"].sum())
            assert min(law.hazards) < crude < max(law.hazards)
            assert len(law.hazards) == len(law.starts) == 5


def test_a_level_without_order_is_asked_for_with_its_categories(new: Callable[..., str]) -> None:
    rows = single().assign(outcome=lambda one: one["grade"].map({0: "fit", 1: "frail", 2: "ill"}))
    said = new(rows, "--outcome", "outcome", code=2)
    assert "which most? Mend: give --levels with fit, frail, ill in their order, least first." in said


def test_a_control_arm_that_is_kept_by_itself_is_said(new: Callable[..., str], tmp_path: Path) -> None:
    arm = np.where(np.arange(80) % 2 == 0, "PLACEBO", "DRUG")
    rows = visits().assign(THERAPY=lambda one: one["subject"].str[1:].astype(int).map(lambda k: arm[k]))
    rows["week"] = "Week " + rows["week"].astype(str)
    said = new(rows)
    assert "THERAPY = PLACEBO  (the file holds several arms" in said
    # The copy holds placebo alone; those with a baseline and a later visit are counted.
    assert f"{(arm == 'PLACEBO').sum()} participants with severity" in said


def test_names_of_rivals_say_what_they_do_without_the_twins(new: Callable[..., str], tmp_path: Path) -> None:
    from trialsim.study.sizing.rivals import with_rivals

    new(visits())
    labels = [one.analysis.label for one in with_rivals(read(tmp_path), "age")]
    assert labels[:2] == ["mmrm_with_twins", "ancova_with_twins"]
    assert set(labels[2:]) == {
        f"{kind}_{how}"
        for kind in ("mmrm", "ancova")
        for how in ("without_score", "covariates", "best_covariate")
    }
