"""`trialsim run` with nothing but a placebo arm: twins, sizes, honest verdict, bundle, verify and replay."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from tests.declared_files import ARMS, PLANNED, write_protocol
from trialsim.cli.commands import commands
from trialsim.errors import BundleError, HistoryError, ProtocolError
from trialsim.prognosis import FitSettings
from trialsim.study.people import learning

BRIEF = FitSettings(
    chains=2, tune=300, draws=300, cores=1, max_rhat=1.2, min_ess=20, max_divergences=50, accept=0.9
)
PEOPLE = 160


def call(*arguments: object) -> Result:
    return CliRunner().invoke(
        commands, [str(one) for one in arguments], catch_exceptions=False, standalone_mode=False
    )


def placebo_arm(path: Path) -> None:
    rng = np.random.default_rng(3)
    severity, age = rng.standard_normal(PEOPLE), rng.normal(60, 9, PEOPLE).round()
    better = rng.random(PEOPLE) < 1 / (1 + np.exp(0.4 + 1.3 * severity))
    pd.DataFrame(
        {"id": np.arange(PEOPLE), "severity": severity.round(3), "age": age, "better": better.astype(int)}
    ).to_csv(path, index=False)


def protocol(path: Path, **changes: object) -> Path:
    tables: dict[str, object] = {
        "format": "trialsim.protocol/2",
        "name": "arm_alone",
        "title": "Arm alone",
        "question": "How many?",
        "seed": 5,
        "participants": 120,
        "population": {"kind": "history", "register": 5000},
        "arms": ARMS,
        "endpoints": [{"name": "better", "kind": "response", "direction": "higher_is_better", "months": 3.0,
                       "course": {"kind": "history"}}],
        "effects": [{"kind": "odds_ratio", "arm": "active", "value": 3.0, "source": "test"}],
        "history": {"file": "arm.csv", "columns": {"participant": "id"}},
        "twins": {"source": "learned", "covariates": ["severity", "age"]},
        "enrolment": PLANNED,
        "randomisation": {"kind": "simple"},
        "design": {"kind": "fixed"},
        "analyses": [{"kind": "g_computation", "name": "twin", "adjust": ["score"]}],
        "sizing": {"power": 0.8, "trials": 1000},
        "simulation": {"replicates": 200, "block": 100},
        "scenarios": [
            {"name": "works", "kind": "alternative", "why": "test"},
            {"name": "null", "kind": "null", "why": "test"},
            {"name": "drifted", "kind": "other", "why": "test", "drift": {"odds_ratio": 1.5}},
            {"name": "useless", "kind": "other", "why": "test", "twins": "useless"},
        ],
    }  # fmt: skip
    tables |= changes
    return write_protocol(path, tables)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("learned")
    placebo_arm(folder / "arm.csv")
    file = protocol(folder / "protocol.toml")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("trialsim.prognosis.twins.outcome.FitSettings", lambda **_: BRIEF)
        patch.setattr(learning, "OUTCOME_FOLD_SETTINGS", BRIEF)
        found = call(
            "run", file, "-o", folder / "out", "--cache", folder / "cache", "--workers", 1, "--quiet"
        )
    (bundle,) = (folder / "out").iterdir()
    return bundle, found.output


def test_the_answer_names_the_best_rival_and_what_the_history_supports(ran: tuple[Path, str]) -> None:
    bundle, printed = ran
    assert "With placebo twins" in printed
    assert "out of sample they save" in " ".join(printed.split())
    sizes = pd.read_csv(bundle / "results" / "sizes.csv")
    assert set(sizes["why"]) == {
        "declared", "without the score", "the same covariates entered directly", "best single covariate",
    }  # fmt: skip
    twins = pd.read_csv(bundle / "results" / "twins.csv").iloc[0]
    assert twins["participants"] == PEOPLE
    assert (bundle / "results" / "rivals.csv").exists()
    agreed = pd.read_csv(bundle / "results" / "reproduction.csv")
    assert agreed["agree"].all()
    rates = pd.read_parquet(bundle / "results" / "operating_characteristics.parquet").set_index(
        ["scenario", "analysis"]
    )
    assert rates.loc[("null", "twin"), "rejection_rate"] < 0.08
    page = (bundle / "report.html").read_text(encoding="utf-8")
    assert "The twins" in page
    assert "No saving supported" in page or "saving is" in page


def test_no_participant_of_the_history_is_in_the_bundle(ran: tuple[Path, str]) -> None:
    bundle, _ = ran
    severity = pd.read_csv(bundle.parents[1] / "arm.csv")["severity"].astype(str)
    written = "".join(
        path.read_text(encoding="utf-8")
        for path in bundle.rglob("*")
        if path.suffix in (".csv", ".json", ".html")
    )
    assert not [value for value in severity if len(value) > 5 and f'"{value}"' in written]
    assert not list(bundle.rglob("*history*"))


def test_it_is_verified_and_replayed_with_the_history_and_not_without(ran: tuple[Path, str]) -> None:
    bundle, _ = ran
    arm = bundle.parents[1] / "arm.csv"
    with pytest.raises(BundleError, match="no bundle holds"):
        call("verify", bundle, "--replay", 1)
    assert "identical bytes" in call("verify", bundle, "--replay", 2, "--history", arm).output
    assert "byte for byte" in call("replay", bundle, "works", 3, "--history", arm, "--rows", 2).output
    other = bundle.parents[1] / "other.csv"
    pd.read_csv(arm).assign(better=0).head(150).to_csv(other, index=False)
    with pytest.raises((BundleError, HistoryError)):
        call("verify", bundle, "--replay", 1, "--history", other)


def test_a_plan_learns_nothing_and_a_history_that_nothing_reads_is_refused(tmp_path: Path) -> None:
    placebo_arm(tmp_path / "arm.csv")
    file = protocol(tmp_path / "protocol.toml")
    plan = " ".join(call("run", file, "--plan").output.split())
    assert "Twins are learned first" in plan
    assert "eleven fits" in plan
    assert "refused because" not in plan
    law = [{"name": "better", "kind": "response", "direction": "higher_is_better", "months": 3.0,
            "probability": 0.4, "source": "test"}]  # fmt: skip
    alone = protocol(
        tmp_path / "alone.toml", endpoints=law, population=None, history=None, sizing=None,
        twins=None, analyses=[{"kind": "g_computation"}],
        scenarios=[{"name": "works", "kind": "alternative", "why": "test"}],
    )  # fmt: skip
    with pytest.raises(ProtocolError, match="is not read by this protocol"):
        call("run", alone, "--history", tmp_path / "arm.csv", "--quiet")
