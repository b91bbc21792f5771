"""Examples follow their rules, any trial can be looked at alone, and a verifier can compute blocks again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.study.bundles.whole_bundle import plan_of, write_bundle
from trialsim.errors import BundleError
from trialsim.prognosis.twins import store
from trialsim.study import check_bundle, open_bundle, replay_blocks, replay_declared_trial, seal
from trialsim.study.bundles import BundledTrial
from trialsim.study.bundles.of_declared_trial import trial_examples
from trialsim.study.bundles.replay import DIFFERENT, IDENTICAL, NEAR, agreement, choose_blocks
from trialsim.study.verification import verify_bundle
from trialsim.study.verification.inputs_agree import inputs_disagree


@pytest.fixture(scope="module")
def bundle(small, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("replay") / "study"
    write_bundle(small, target)
    return target


@pytest.fixture(scope="module")
def study(bundle: Path) -> BundledTrial:
    return open_bundle(bundle)


@pytest.fixture(scope="module")
def rows(bundle: Path) -> pd.DataFrame:
    return pd.read_parquet(bundle / "results" / "replicates" / "alternative.parquet")


def pick(rows: pd.DataFrame) -> pd.DataFrame:
    return trial_examples(rows, "prognostic").set_index("rule")


def test_examples_are_what_a_search_by_hand_finds(rows: pd.DataFrame) -> None:
    picked = pick(rows)
    good = [r for r in rows.itertuples() if r.prognostic_p_value <= 0.05 and r.prognostic_estimate < 0]
    others = [
        r for r in rows.itertuples() if not (r.prognostic_p_value <= 0.05 and r.prognostic_estimate < 0)
    ]
    middle = sorted(good, key=lambda r: r.prognostic_estimate)[(len(good) - 1) // 2]
    assert picked.loc["median claim", "replicate"] == middle.replicate
    assert picked.loc["near miss", "replicate"] == min(others, key=lambda r: r.prognostic_p_value).replicate
    slowest = max(rows.itertuples(), key=lambda r: r.prognostic_months)
    assert picked.loc["longest trial", "replicate"] == slowest.replicate
    assert "failed fit" not in picked.index


def test_a_failed_fit_is_an_example_and_no_claim(rows: pd.DataFrame) -> None:
    broken = rows.copy()
    broken.loc[17, ["prognostic_estimate", "prognostic_p_value"]] = np.nan
    broken.loc[17, "prognostic_status"] = "singular"
    assert pick(broken).loc["failed fit", "replicate"] == 17


def test_every_example_of_the_bundle_is_replayed_to_its_row(bundle: Path, study: BundledTrial) -> None:
    examples = pd.read_csv(bundle / "examples" / "trials.csv", keep_default_na=False)
    assert set(examples["cell"]) == {cell.name for cell in study.cells}
    chosen = examples[(examples["cell"] == "null") & (examples["analysis"] == "prognostic")]
    assert len(chosen) >= 3
    for example in chosen.itertuples():
        trial = replay_declared_trial(study, study.cell(example.cell), example.replicate)
        assert trial.identical
        assert trial.computed["replicate"].item() == example.replicate
        estimate = trial.computed["prognostic_estimate"].item()
        assert estimate == pytest.approx(float(example.estimate), rel=1e-14)


def test_the_table_of_a_trial_is_what_its_analyses_read(study: BundledTrial) -> None:
    cell = study.cell("alternative")
    trial = replay_declared_trial(study, cell, 261)
    table = trial.participants
    assert len(table) == cell.trial.participants
    # Whoever stopped has a cause; what they would have had later is in the table, and no analysis sees it.
    seen = table[table["cause"] == ""]
    change = seen["week_78"] - seen["baseline"]
    by_arm = change.groupby(seen["arm"]).mean()
    assert trial.recorded["unadjusted_estimate"].item() == pytest.approx(by_arm["active"] - by_arm["placebo"])
    assert trial.recorded["unadjusted_months"].item() >= table["month_of_entry"].max()


def test_a_trial_shows_the_register_s_people_with_their_scores(study: BundledTrial, small) -> None:
    cell = study.cell("alternative")
    table = replay_declared_trial(study, cell, 3).participants
    register = small.registers(cell.trial)
    np.testing.assert_array_equal(table["score"], register.scores[table["register_row"], -1])
    np.testing.assert_array_equal(table["baseline"], register.outcomes[0][table["register_row"], 0])


def test_what_is_not_there_is_refused(study: BundledTrial, tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="no cell of this bundle"):
        study.cell("alternative.best")
    with pytest.raises(BundleError, match="from 0 to 599"):
        replay_declared_trial(study, study.cells[0], 600)
    with pytest.raises(BundleError, match="cannot be read"):
        open_bundle(tmp_path)


def test_the_verifier_s_blocks_come_back_byte_for_byte(study: BundledTrial) -> None:
    assert study.changed_inputs() == []
    replayed = replay_blocks(study, 5, "a nonce")
    assert len({(one.cell, one.index) for one in replayed}) == 5
    assert {one.agreement for one in replayed} == {IDENTICAL}


def test_another_nonce_chooses_other_blocks_and_all_can_be_chosen(study: BundledTrial) -> None:
    every = len(choose_blocks(study, 10_000, "a"))
    assert every == sum(len(cell.blocks) for cell in study.cells)
    names = [{(cell.name, index) for cell, index in choose_blocks(study, 3, str(n))} for n in range(600)]
    assert len(set.union(*names)) == every


def test_a_row_changed_before_sealing_is_found_by_computing_it_again(study, bundle: Path, small) -> None:
    path = bundle / "results" / "replicates" / "null.parquet"
    honest, manifest = path.read_bytes(), (bundle / "manifest.json").read_bytes()
    table = pq.ParquetFile(path)
    groups = [table.read_row_group(index).to_pandas() for index in range(table.num_row_groups)]
    groups[1].loc[3, "ancova_p_value"] = 0.9 if groups[1].loc[3, "ancova_p_value"] <= 0.05 else 0.01
    with pq.ParquetWriter(path, table.schema_arrow) as writer:
        for group in groups:
            writer.write_table(pa.Table.from_pandas(group, schema=table.schema_arrow, preserve_index=False))
    facts = json.loads(manifest)
    (bundle / "manifest.json").unlink()
    seal(bundle, {name: facts[name] for name in ("kind", "seed", "inputs")})
    try:
        assert check_bundle(bundle) == []
        replayed = replay_blocks(open_bundle(bundle), 10_000, "any")
        assert [(one.cell, one.index) for one in replayed if one.agreement == DIFFERENT] == [("null", 1)]
    finally:
        path.write_bytes(honest)
        (bundle / "manifest.json").write_bytes(manifest)


def test_numeric_classes(rows: pd.DataFrame) -> None:
    assert agreement(rows, rows.copy(), 0.05) == IDENTICAL
    last_digit = rows.assign(ancova_estimate=np.nextafter(rows["ancova_estimate"], 0))
    assert agreement(last_digit, rows, 0.05) == NEAR
    doubled = rows.assign(
        ancova_estimate=2 * rows["ancova_estimate"], ancova_standard_error=rows["ancova_standard_error"] / 2
    )
    assert agreement(doubled, rows, 0.05) == DIFFERENT
    assert agreement(rows.head(10), rows, 0.05) == DIFFERENT
    assert agreement(rows.assign(prognostic_status="singular"), rows, 0.05) == DIFFERENT
    assert agreement(rows.assign(replicate=0), rows, 0.05) == DIFFERENT


def test_changed_inputs_are_named(study: BundledTrial) -> None:
    import dataclasses

    other = study.trial.model_copy(update={"seed": 5})
    assert set(dataclasses.replace(study, trial=other).changed_inputs()) == {"trial", "history"}


def test_a_generated_history_of_another_processor_is_not_called_changed(study: BundledTrial) -> None:
    """Its last bits and its hash are others there: what rests on declaration, card and posterior holds."""
    import dataclasses

    from trialsim.study.verification.replayed import replay

    manifest = study.manifest | {"inputs": study.manifest["inputs"] | {"history": "0" * 64}}
    here = replay(dataclasses.replace(study, manifest=manifest), 1, "n", "V2")
    assert here.problems == ("the inputs do not have the hashes of the manifest: history",)
    elsewhere = manifest | {"machine": manifest["machine"] | {"vector_units": ["another"]}}
    there = replay(dataclasses.replace(study, manifest=elsewhere), 1, "n", "V2")
    assert not there.problems
    assert "another vector units than" in there.not_checked[0]
    assert there.checked[1].endswith(f"drawn again: {IDENTICAL}")
    assert there.checked[2] == "this machine differs from that of the run in vector units"


def test_another_posterior_is_told_from_the_one_that_was_sealed(bundle: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(bundle, tmp_path / "b"))
    path = copy / "inputs" / "posterior.npz"
    arrays, meta = store.read(path)
    name = next(key for key, one in arrays.items() if one.dtype.kind == "f" and one.ndim)
    store.write(path, arrays | {name: 1.01 * arrays[name]}, meta)
    assert check_bundle(copy) == ["inputs/posterior.npz: changed"]
    facts = json.loads((copy / "manifest.json").read_text())
    (copy / "manifest.json").unlink()
    seal(copy, {key: facts[key] for key in ("kind", "protocol", "title", "seed", "inputs")})
    assert check_bundle(copy) == []
    assert verify_bundle(copy, "V0", expect=facts["root"]).problems
    said = inputs_disagree(open_bundle(copy))
    assert "manifest.json: the posterior has not the hash that stands for it" in said


def test_a_bundle_without_a_declared_trial_is_refused_in_words(tmp_path: Path) -> None:
    seal(tmp_path, {"kind": "table"})
    with pytest.raises(BundleError, match="holds no declared trial"):
        open_bundle(tmp_path)


def test_the_grid_reconciles(bundle: Path, study: BundledTrial, small) -> None:
    table = pd.read_parquet(bundle / "results" / "operating_characteristics.parquet")
    assert len(table) == 3 * len(study.cells) == 3 * len(plan_of(small).cells)
    assert len({cell.name for cell in study.cells}) == len(study.cells)
    for cell in study.cells:
        record = study.recorded(cell)
        assert record.metadata.num_rows == cell.replicates
        frame = record.read().to_pandas()
        assert list(frame["replicate"]) == list(range(cell.replicates))
        listed = table[table["cell"] == cell.name]
        assert set(listed["analysis"]) == {"unadjusted", "ancova", "prognostic"}
        assert (listed["trials"] == cell.replicates).all()
