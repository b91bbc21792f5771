"""A model of several sites equals that of the pooled data, and no message tells about somebody alone."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from click.testing import CliRunner

from trialsim.analysis.federated import FederatedResult, Question, answer, ask, combine
from trialsim.analysis.federated.messages import Answer, read_message, to_json
from trialsim.cli.commands import commands
from trialsim.errors import AnalysisError

SITES = ("north", "south", "west")


def people(seed: int = 3, size: int = 900) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"site": rng.choice(SITES, size), "age": rng.normal(65, 9, size), "sex": rng.integers(0, 2, size)}
    )
    eta = (
        -3
        + 0.03 * frame["age"]
        + 0.4 * frame["sex"]
        + frame["site"].map({"north": 0, "south": 0.5, "west": -0.3})
    )
    frame["years"] = rng.uniform(0.5, 3, size)
    frame["score"] = eta + rng.normal(0, 1, size)
    frame["died"] = (rng.random(size) < 1 / (1 + np.exp(-eta))).astype(int)
    frame["visits"] = rng.poisson(frame["years"] * np.exp(eta))
    return frame


def fitted(question: Question, data: pd.DataFrame, without: tuple[str, ...] = ()) -> FederatedResult:
    """Go through the rounds, each message as the text that would be sent."""
    for _ in range(60):
        given = [
            answer(question, data[data["site"] == site], site)
            for site in question.sites
            if site not in without
        ]
        found = combine(question, given[::-1], without)
        if isinstance(found, FederatedResult):
            return found
        question = found
    raise AssertionError("no end")


OUTCOMES = {"gaussian": "score", "logistic": "died", "poisson": "visits"}


@pytest.mark.parametrize("family", OUTCOMES)
@pytest.mark.parametrize("site_effects", [True, False])
@pytest.mark.parametrize("unit", [1.0, 1e-3, 1e4])
def test_it_equals_the_pooled_fit_of_statsmodels(family: str, site_effects: bool, unit: float) -> None:
    data = people().assign(age=lambda d: d["age"] * unit)
    exposure = "years" if family == "poisson" else None
    question = ask(
        family, OUTCOMES[family], ["age", "sex"], SITES, exposure=exposure, site_effects=site_effects
    )
    found = fitted(question, data)
    x = data[["age", "sex"]].astype(float)
    if site_effects:
        x = x.assign(**{site: (data["site"] == site).astype(float) for site in SITES[1:]})
    kind = {
        "gaussian": sm.families.Gaussian(),
        "logistic": sm.families.Binomial(),
        "poisson": sm.families.Poisson(),
    }
    offset = np.log(data["years"]) if exposure else None
    pooled = sm.GLM(data[OUTCOMES[family]], sm.add_constant(x), family=kind[family], offset=offset).fit(
        tol=1e-14
    )
    np.testing.assert_allclose(found.frame["estimate"], pooled.params, rtol=1e-8)
    np.testing.assert_allclose(found.frame["standard_error"], pooled.bse, rtol=1e-7)
    assert found.sites["participants"].sum() == len(data)
    assert found.rounds <= 12


@pytest.mark.parametrize("gone", ["north", "west"])
def test_a_site_that_is_left_out_is_left_out(gone: str) -> None:
    data = people()
    rest = [site for site in SITES if site != gone]
    question = ask("logistic", "died", ["age", "sex"], SITES)
    found = fitted(question, data, without=(gone,))
    plain = fitted(ask("logistic", "died", ["age", "sex"], rest), data[data["site"] != gone])
    np.testing.assert_allclose(found.frame["estimate"], plain.frame["estimate"], rtol=1e-7)
    assert found.sites["site"].tolist() == rest


def test_missing_values_are_left_out_and_counted() -> None:
    data = people()
    data.loc[data.index[:30], "age"] = np.nan
    found = fitted(ask("gaussian", "score", ["age"], SITES), data)
    assert found.sites["left_out"].sum() == 30
    assert found.sites["participants"].sum() == len(data) - 30


def one_round() -> tuple[Question, list[Answer], pd.DataFrame]:
    data, question = people(), ask("logistic", "died", ["age", "sex"], SITES)
    return question, [answer(question, data[data["site"] == site], site) for site in SITES], data


def test_what_does_not_go_together_is_refused_and_named() -> None:
    question, given, data = one_round()
    other = ask("logistic", "died", ["age"], SITES)
    with pytest.raises(AnalysisError, match="has not answered: west"):
        combine(question, given[:2])
    with pytest.raises(AnalysisError, match="site north: answers twice"):
        combine(question, [*given, given[0]])
    with pytest.raises(AnalysisError, match="site west: answers another question"):
        combine(question, [*given[:2], answer(other, data[data["site"] == "west"], "west")])
    second = combine(question, given)
    assert isinstance(second, Question)
    with pytest.raises(AnalysisError, match="answers round 1, and this is round 2"):
        combine(second, given)
    with pytest.raises(AnalysisError, match="east"):
        answer(question, data, "east")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.head(10), "participants: has 10 people with every value, fewer than 11"),
        (lambda d: d.assign(died=[1] * 5 + [0] * (len(d) - 5)), "died: has 5 people with an event"),
        (lambda d: d.assign(died=0), "died: has 0 people with an event"),
        (lambda d: d.assign(sex=[0] * 3 + [1] * (len(d) - 3)), "sex: has 3 people with a value that"),
        (lambda d: d.assign(sex=[2] + [1] * (len(d) - 1)), "sex: has 1 people with a value that"),
        (lambda d: d.assign(age=[81.5] + [0.0] * (len(d) - 1)), "age: has 1 people with a value that"),
        (
            lambda d: d.assign(age=[*range(1, 10 + 1), *[0.0] * (len(d) - 10)]),
            "age: has 10 people with a value that",
        ),
        (lambda d: d.assign(sex=d["died"] * (np.arange(len(d)) > 30)), "people of one value with"),
        (
            lambda d: d.assign(
                sex=np.arange(len(d)) % 2, age=np.arange(len(d)) % 2 * (np.arange(len(d)) != 1)
            ),
            "sex: has 1 people of one value who also have one of age",
        ),
        (lambda d: d.assign(died=2), "died: must hold 0 and 1"),
        (lambda d: d.drop(columns="age"), "age: is not a column"),
    ],
)
def test_an_answer_that_would_tell_about_single_people_is_refused(change, says: str) -> None:
    question, _, data = one_round()
    with pytest.raises(AnalysisError, match=re.escape(says)):
        answer(question, change(data[data["site"] == "north"].reset_index(drop=True)), "north")


def test_no_value_of_anybody_stands_in_an_answer() -> None:
    """Every number of the messages is a sum: none of the values, nor a digit string of one, is among them."""
    question, given, data = one_round()
    text = "".join(map(to_json, given)) + to_json(question)
    for value in data["age"]:
        assert repr(float(value)) not in text


def test_separation_and_collinear_columns_are_said() -> None:
    data = people().assign(twice=lambda d: 2 * d["age"])
    with pytest.raises(AnalysisError, match="cannot be told from the others"):
        fitted(ask("gaussian", "score", ["age", "twice"], SITES), data)
    data["tells"] = data["died"]
    with pytest.raises(AnalysisError, match=r"tells the outcome completely|cannot be told|one value with"):
        fitted(ask("logistic", "died", ["tells"], SITES), data)


def test_messages_read_back_and_changed_ones_are_refused(tmp_path: Path) -> None:
    question, given, _ = one_round()
    path = tmp_path / "m.json"
    for message in (question, given[0]):
        path.write_text(to_json(message))
        assert read_message(path, type(message)) == message
    content = json.loads(to_json(question))
    for change in (
        {"outcome": "other"}, {"coefficients": [0.0]}, {"coefficients": [float("inf")] * 5},
        {"family": "cox"}, {"format": "x"}, {"kind": "answer"}, {"sites": 3},
    ):  # fmt: skip
        path.write_text(json.dumps(content | change))
        with pytest.raises(AnalysisError, match=r"m\.json"):
            read_message(path, Question)
    for text in ("", "[]", "{", "[" * 100_000, "null"):
        path.write_text(text)
        with pytest.raises(AnalysisError, match=r"m\.json"):
            read_message(path, Question)


def test_three_sites_by_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    data, runner = people(), CliRunner()
    for site in SITES:
        data[data["site"] == site].to_csv(f"{site}.csv", index=False)
    asked = ["federate", "ask", "--family", "poisson", "--outcome", "visits", "--exposure", "years"]
    done = runner.invoke(commands, [*asked, "--covariates", "age,sex", "--sites", ",".join(SITES)])
    assert done.exit_code == 0, done.output
    for number in range(1, 20):
        for site in SITES:
            back = [
                "federate",
                "answer",
                f"round{number}.json",
                f"{site}.csv",
                "--site",
                site,
                "-o",
                f"{site}.json",
            ]
            assert runner.invoke(commands, back).exit_code == 0
        done = runner.invoke(
            commands, ["federate", "combine", f"round{number}.json", *(f"{s}.json" for s in SITES)]
        )
        assert done.exit_code == 0, done.output
        if not Path(f"round{number + 1}.json").exists():
            break
    x = pd.get_dummies(data[["age", "sex", "site"]], columns=["site"], drop_first=True, dtype=float)
    kind, offset = sm.families.Poisson(), np.log(data["years"])
    pooled = sm.GLM(data["visits"], sm.add_constant(x), family=kind, offset=offset).fit()
    assert f"{pooled.params['age']:.4f}" in done.output
    # A question is never lost: not by an answer that is named like it, not by another question.
    before = Path("round1.json").read_bytes()
    for lost, says in (
        (["federate", "answer", "round1.json", "north.csv", "--site", "north", "-o", "round1.json"], "reads"),
        ([*asked, "--sites", "north,south"], "exists already, and differs"),
        (["federate", "combine", "round1.json", *(f"{s}.json" for s in SITES), "-o", "round1.json"], ""),
    ):
        done = runner.invoke(commands, lost)
        assert done.exit_code != 0
        assert says in f"{done.output}{done.exception}"
        assert Path("round1.json").read_bytes() == before
