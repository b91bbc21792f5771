"""Masked and noisy rounds on the command line, each site with its own key and ledger."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from tests.analysis.federated.test_federated import SITES, fitted, people
from trialsim.analysis.federated import ask
from trialsim.analysis.federated.ledger import read_ledger
from trialsim.cli.commands import commands

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.chdir(tmp_path)
    data, runner = people(), CliRunner()
    for site in SITES:
        data[data["site"] == site].to_csv(f"{site}.csv", index=False)

    def go(*words: str) -> Result:
        done = runner.invoke(commands, ["federate", *words])
        # A refusal leaves the command as an error of ours, never as another.
        assert done.exit_code == 0 or "Mend:" in f"{done.output}{done.exception}", done.exception
        return done

    return go


def said(done: Result) -> str:
    assert done.exit_code == 0, f"{done.output}{done.exception}"
    return done.output


def refused(done: Result) -> str:
    assert done.exit_code != 0
    return f"{done.output}{done.exception}"


def begin(run: Run, *more: str, epsilon: str = "0") -> list[str]:
    """Make keys and ledgers, and return the words that ask with these keys."""
    keys: list[str] = []
    for site in SITES:
        said(run("key", "--site", site, "-o", f"{site}.pem"))
        said(run("ledger", "--site", site, "--epsilon", epsilon, "-o", f"{site}.ledger.json"))
        keys += ["--key", f"{site}.public.json"]
    return ["ask", "--sites", ",".join(SITES), "--covariates", "age,sex", *keys, *more]


def answers(run: Run, question: str) -> list[str]:
    for site in SITES:
        own = ["--key", f"{site}.pem", "--ledger", f"{site}.ledger.json"]
        said(run("answer", question, f"{site}.csv", "--site", site, *own, "-o", f"{site}.json"))
    return [f"{site}.json" for site in SITES]


def test_masked_rounds_give_the_pooled_model(run: Run) -> None:
    asked = begin(run, "--family", "logistic", "--outcome", "died")
    told = said(run(*asked))
    assert "keys SHA256:" in told
    assert "--no-site-effects hides them" in told
    for number in range(1, 20):
        done = said(run("combine", f"round{number}.json", *answers(run, f"round{number}.json")))
        if not Path(f"round{number + 1}.json").exists():
            break
    plain = fitted(ask("logistic", "died", ["age", "sex"], SITES), people())
    assert f"{plain.frame['estimate'][1]:.4f}" in done
    assert oct(Path("north.pem").stat().st_mode)[-3:] == "600"
    private = Path("north.pem").read_text().splitlines()[1]
    for path in Path().glob("*.json"):
        assert private not in path.read_text()


def test_what_a_masked_round_needs_is_said(run: Run) -> None:
    said(run(*begin(run, "--family", "logistic", "--outcome", "died", "--no-site-effects")))
    north = ["answer", "round1.json", "north.csv", "--site", "north", "-o", "north.json"]
    assert "--key: is needed" in refused(run(*north))
    assert "--ledger: is needed" in refused(run(*north, "--key", "north.pem"))
    assert "is that of another site" in refused(
        run(*north, "--key", "north.pem", "--ledger", "south.ledger.json")
    )
    own = ["--key", "north.pem", "--ledger", "north.ledger.json"]
    assert "reads" in refused(run(*north[:-1], "north.pem", *own))
    assert "keys SHA256:" in said(run(*north, *own))
    assert "exists already" in refused(run("key", "--site", "north", "-o", "north.pem"))
    assert "exists already" in refused(run("ledger", "--site", "north", "-o", "north.ledger.json"))
    # The same again is the same file; from other data it would show what changed.
    before = Path("north.json").read_bytes()
    said(run(*north, *own))
    assert Path("north.json").read_bytes() == before
    people().query("site == 'north'").iloc[1:].to_csv("north.csv", index=False)
    assert "was answered from other data" in refused(run(*north, *own))
    assert Path("north.json").read_bytes() == before
    assert "at least 3 sites" in refused(run("again", "round1.json", "--without", "west", "-o", "b.json"))


def test_noise_is_paid_for_and_refused_beyond_the_budget(run: Run) -> None:
    for site in SITES:
        said(run("ledger", "--site", site, "--epsilon", "3", "--delta", "1e-6", "-o", f"{site}.ledger.json"))
    asked = [
        "ask",
        "--family",
        "gaussian",
        "--outcome",
        "score",
        "--covariates",
        "sex",
        "--sites",
        "north,south,west",
    ]
    noise = ["--no-site-effects", "--bound", "sex=0:1", "--bound", "score=-3:1", "--rho", "0.1"]
    assert "needs --rho" in refused(run(*asked, *noise[:3]))
    assert "no COLUMN=LOW:HIGH" in refused(run(*asked, "--bound", "sex=0", "--rho", "0.1"))
    assert "spend rho 0.1, epsilon 2.45 at delta 1e-06" in said(run(*asked, *noise))
    for site in SITES:
        words = ["answer", "round1.json", f"{site}.csv", "--site", site, "-o", f"{site}.json"]
        done = said(run(*words, "--ledger", f"{site}.ledger.json"))
        assert "this answer spends rho 0.1, epsilon 2.45" in done
        assert "spent epsilon 2.45 of 3 at delta 1e-06" in done
    done = said(run("combine", "round1.json", *(f"{site}.json" for site in SITES)))
    assert "times as large" in done
    assert "rho 0.1, epsilon 2.45 at delta 1e-06" in done
    again = [*words, "--ledger", "west.ledger.json"]
    assert "was answered already" in refused(run(*again))
    said(run(*asked, *noise[:-1], "0.06", "-o", "second.json"))
    spent = read_ledger(Path("west.ledger.json"))
    words[1] = "second.json"
    assert "would spend epsilon 3.13 in all" in refused(run(*words, "--ledger", "west.ledger.json"))
    assert read_ledger(Path("west.ledger.json")) == spent
    assert spent.spent == pytest.approx(0.1)
    Path("west.ledger.json").write_text(json.dumps(json.loads(spent.to_json()) | {"entries": 3}))
    assert "is no ledger as it was written" in refused(run(*words, "--ledger", "west.ledger.json"))
