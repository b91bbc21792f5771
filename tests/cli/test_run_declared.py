"""`trialsim run`, as a user types it: plan, run, resume, verify, replay, and one error for bad input."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner, Result

from trialsim.cli.commands import commands
from trialsim.errors import BundleError, ProtocolError

PROTOCOLS = Path(__file__).parents[2] / "protocols"
EXAMPLES = sorted(
    p for p in PROTOCOLS.glob("*.toml") if "trialsim.protocol/2" in p.read_text(encoding="utf-8")
)


def call(*arguments: object) -> Result:
    return CliRunner().invoke(
        commands, [str(one) for one in arguments], catch_exceptions=False, standalone_mode=False
    )


def simulate(file: Path, output: Path, *more: object) -> Path:
    call("run", file, "-o", output, "--workers", 1, "--quiet", "--replicates", 100, *more)
    (bundle,) = output.iterdir()
    return bundle


@pytest.fixture(scope="module")
def survival(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(PROTOCOLS / "survival_delayed_effect.toml", tmp_path_factory.mktemp("simulate"))


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 5


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_plans_and_its_cells_reconcile(file: Path) -> None:
    printed = call("run", file, "--plan", "--workers", 1).output
    if 'source = "learned"' in file.read_text(encoding="utf-8"):
        assert "Twins are learned first, of " in printed
        assert "Then sizes, if they are asked for" in printed
        return
    planned, run, refused = map(
        int, re.search(r"(\d+) cells planned = (\d+) run \+ (\d+) refused", printed).groups()
    )
    assert planned == run + refused > 1
    if "Twins are learned first" not in printed:
        assert "about" in printed
        assert "GB of memory" in printed


def test_the_answer_and_its_bundle(survival: Path) -> None:
    table = pd.read_parquet(survival / "results" / "operating_characteristics.parquet")
    assert set(table["scenario"]) == {"delayed", "proportional", "null"}
    assert (table["rejection_rate_mcse"] > 0).all()
    for cell in table["cell"].unique():
        rows = pd.read_parquet(survival / "results" / "replicates" / f"{cell}.parquet")
        assert list(rows["replicate"]) == list(range(100))
        for one in table[table["cell"] == cell].itertuples():
            assert (rows[f"{one.analysis}_decision"] == 1).mean() == pytest.approx(one.rejection_rate)
    page = (survival / "report.html").read_text(encoding="utf-8")
    assert "3 cells planned = 3 run + 0 refused" in page
    assert "Content-Security-Policy" in page


def test_the_bundle_is_verified_and_computed_again(survival: Path) -> None:
    said = call("verify", survival, "--replay", 4, "--nonce", "mine").output
    assert "V0, V1, V2 hold" in said
    assert "rendered again from these tables: the same bytes" in said
    assert "computed again: class A: identical bytes" in said
    assert "Not checked: V3 full replay" in said
    examples = pd.read_csv(survival / "examples" / "trials.csv")
    one = examples[examples["rule"] == "median claim"].iloc[0]
    said = call("replay", survival, one["cell"], one["replicate"], "--rows", 2).output
    assert "480 virtual participants" in said
    assert "the recorded row, byte for byte" in said


def test_workers_do_not_change_the_results(survival: Path, tmp_path: Path) -> None:
    file = PROTOCOLS / "survival_delayed_effect.toml"
    call("run", file, "-o", tmp_path, "--workers", 2, "--quiet", "--replicates", 100)
    (other,) = tmp_path.iterdir()
    one, two = (json.loads((bundle / "manifest.json").read_text()) for bundle in (survival, other))
    assert (one["results"], one["root"]) == (two["results"], two["root"])


def test_a_run_that_broke_off_goes_on_from_its_blocks(
    survival: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import trialsim.report

    file = PROTOCOLS / "survival_delayed_effect.toml"
    monkeypatch.setattr(
        trialsim.report, "write_trial_report", lambda *_, **__: (_ for _ in ()).throw(OSError(28, "full"))
    )
    with pytest.raises(BundleError, match="cannot be written"):
        simulate(file, tmp_path)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == [f".{survival.name}.work"]
    kept = list(tmp_path.rglob("blocks/**/*.parquet"))
    assert len(kept) == 3
    bundle = simulate(file, tmp_path)
    manifests = [json.loads((one / "manifest.json").read_text()) for one in (bundle, survival)]
    assert manifests[0]["results"] == manifests[1]["results"]


def test_a_design_that_adapts_as_it_draws_has_no_participants_to_show(tmp_path: Path) -> None:
    bundle = simulate(PROTOCOLS / "dose_selection.toml", tmp_path)
    cell = pd.read_csv(bundle / "examples" / "trials.csv")["cell"].iloc[0]
    with pytest.raises(BundleError, match="adapts as it draws"):
        call("replay", bundle, cell, 0)


def test_a_changed_declaration_is_found(tmp_path: Path) -> None:
    from trialsim.study import open_bundle

    bundle = simulate(PROTOCOLS / "survival_delayed_effect.toml", tmp_path)
    path = bundle / "inputs" / "trial.json"
    path.write_text(path.read_text().replace('"participants": 480', '"participants": 470'))
    with pytest.raises(BundleError, match=r"inputs/trial\.json"):
        call("verify", bundle)
    assert open_bundle(bundle).changed_inputs() == ["trial"]


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        ("participants = 480", "participants = 3", "participants"),
        ('kind = "group_sequential"', 'kind = "sequential"', "design"),
        ("title =", "titel =", "titel"),
    ],
)
def test_bad_input_is_one_error_that_names_file_and_field(
    tmp_path: Path, old: str, new: str, field: str
) -> None:
    text = (PROTOCOLS / "survival_delayed_effect.toml").read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "bad.toml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProtocolError) as refusal:
        call("run", file, "-o", tmp_path / "out", "--quiet")
    assert refusal.value.file == file
    assert field in str(refusal.value)
    assert not (tmp_path / "out").exists()
