"""Tampering by somebody who makes every hash again: caught at the level that claims it, and by the root."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.study.verification.attacker import (
    change_rows,
    edit_json,
    edit_table,
    forge,
    forge_rows,
    manifest,
    record_blocks,
    relog,
    reseal,
    with_value,
    write_log,
)
from trialsim.errors import BundleError
from trialsim.report.again import page_again
from trialsim.study import check_bundle
from trialsim.study.bundles.alone.sealing import BLOCKS, REPORT, seal_of
from trialsim.study.bundles.of_declared_trial import open_bundled_trial
from trialsim.study.bundles.tables import write_table
from trialsim.study.verification import verify_bundle

Change = Callable[[Path], None]
OC = "results/operating_characteristics"


def level_that_catches(bundle: Path, upto: str) -> str:
    try:
        found = verify_bundle(bundle, upto, page=page_again)
    except BundleError:
        return "refused"
    return found.findings[-1].level if found.problems else "none"


def table(name: str, column: str, row: int, value: object) -> Change:
    def change(bundle: Path) -> None:
        edit_table(bundle, name, with_value(column, row, value))
        reseal(bundle)

    return change


def whole(name: str, change_table: Callable[[pd.DataFrame], pd.DataFrame]) -> Change:
    def change(bundle: Path) -> None:
        edit_table(bundle, name, change_table)
        reseal(bundle)

    return change


def refused_added(bundle: Path) -> None:
    write_table(pd.DataFrame({"cell": ["null"], "reason": ["x"]}), bundle / "results", "refused")
    reseal(bundle)


def page(old: str, new: str) -> Change:
    def change(bundle: Path) -> None:
        path = bundle / REPORT
        text = path.read_text()
        assert old in text
        path.write_text(text.replace(old, new, 1))
        reseal(bundle)

    return change


def fact(**changed: object) -> Change:
    return lambda bundle: reseal(bundle, **changed)


def file(name: str, old: bytes, new: bytes) -> Change:
    def change(bundle: Path) -> None:
        content = (bundle / name).read_bytes()
        assert old in content
        (bundle / name).write_bytes(content.replace(old, new, 1))
        reseal(bundle)

    return change


def added(name: str) -> Change:
    def change(bundle: Path) -> None:
        (bundle / name).parent.mkdir(parents=True, exist_ok=True)
        (bundle / name).write_text("cell,x\nworks,1\n")
        reseal(bundle)

    return change


def drop_scenario(bundle: Path) -> None:
    edit_json(bundle / "inputs/plan.json", lambda cells: cells[:1])
    lines = (bundle / BLOCKS).read_bytes().splitlines(keepends=True)
    (bundle / BLOCKS).write_bytes(b"".join(line for line in lines if b'"cell":"works"' in line))
    (bundle / "results/replicates/null.parquet").unlink()
    for name in (OC, "results/looks", "results/decided_by"):
        edit_table(bundle, name, lambda frame: frame[frame["cell"] == "works"])
    edit_table(bundle, "examples/trials", lambda frame: frame[frame["cell"] == "works"])
    relog(bundle)
    reseal(bundle)


def drop_scenario_everywhere(bundle: Path) -> None:
    """Take the null out of the declaration too: then it is another trial, which only the root can tell."""
    drop_scenario(bundle)
    edit_json(bundle / "inputs/trial.json", lambda trial: trial | {"scenarios": trial["scenarios"][:1]})
    forge(bundle)


def drop_last_block(bundle: Path) -> None:
    change_rows(bundle, "works", lambda rows, k: None if k == 3 else rows)
    record_blocks(bundle)
    relog(bundle)
    reseal(bundle)


def duplicate_block(bundle: Path) -> None:
    kept = {}

    def change(rows: pd.DataFrame, k: int) -> pd.DataFrame:
        kept[k] = rows
        return kept[1] if k == 2 else rows

    change_rows(bundle, "works", change)
    record_blocks(bundle)
    relog(bundle)
    reseal(bundle)


def duplicate_block_renumbered(bundle: Path) -> None:
    kept = {}

    def change(rows: pd.DataFrame, k: int) -> pd.DataFrame:
        kept[k] = rows
        return kept[1].assign(replicate=rows["replicate"]) if k == 2 else rows

    forge_rows(bundle, "works", change)


def reorder_blocks(bundle: Path) -> None:
    kept = []
    change_rows(bundle, "works", lambda rows, k: kept.append(rows) or rows)
    change_rows(bundle, "works", lambda rows, k: kept[{0: 1, 1: 0}.get(k, k)])
    record_blocks(bundle)
    relog(bundle)
    reseal(bundle)


def reorder_blocks_renumbered(bundle: Path) -> None:
    kept = []
    change_rows(bundle, "works", lambda rows, k: kept.append(rows) or rows)
    forge_rows(
        bundle, "works",
        lambda rows, k: kept[{0: 1, 1: 0}.get(k, k)].assign(replicate=rows["replicate"].to_numpy()),
    )  # fmt: skip


def reorder_record(bundle: Path) -> None:
    lines = (bundle / BLOCKS).read_bytes().splitlines(keepends=True)
    (bundle / BLOCKS).write_bytes(b"".join([lines[1], lines[0], *lines[2:]]))
    relog(bundle)
    reseal(bundle)


def hide_failures(bundle: Path) -> None:
    """Let six fits have failed in the rows, and keep the tables that say that none did."""

    def change(rows: pd.DataFrame, k: int) -> pd.DataFrame:
        if k == 0:
            rows.loc[:5, ["ancova_estimate", "ancova_standard_error"]] = np.nan
            rows.loc[:5, "ancova_status"] = "singular"
        return rows

    change_rows(bundle, "works", change)
    record_blocks(bundle, sums=False)
    relog(bundle)
    reseal(bundle)


def rows(change: Callable[[pd.DataFrame], pd.DataFrame], cell: str = "works") -> Change:
    return lambda bundle: forge_rows(bundle, cell, lambda frame, k: change(frame) if k == 1 else frame)


def every_row(change: Callable[[pd.DataFrame], pd.DataFrame]) -> Change:
    def forged(bundle: Path) -> None:
        for cell in ("works", "null"):
            change_rows(bundle, cell, lambda frame, k: change(frame))
        record_blocks(bundle)
        forge(bundle)

    return forged


def double_and_halve(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(
        ancova_estimate=2 * frame["ancova_estimate"], ancova_standard_error=frame["ancova_standard_error"] / 2
    )


def move_p(frame: pd.DataFrame) -> pd.DataFrame:
    p = frame["ancova_p_value"].copy()
    place = p[p < 0.02].index[0]
    p[place] = p[place] / 2
    return frame.assign(ancova_p_value=p)


def move_p_across(frame: pd.DataFrame) -> pd.DataFrame:
    place = frame.index[frame["ancova_decision"] == 0][0]
    frame = frame.copy()
    frame.loc[place, ["ancova_p_value", "ancova_decision"]] = [0.01, 1]
    return frame


def claim_all(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(ancova_decision=np.int8(1), ancova_p_value=0.001)


def inputs(change_trial: Callable[[dict], object], *, also_plan: bool) -> Change:
    def change(bundle: Path) -> None:
        edit_json(bundle / "inputs/trial.json", change_trial)
        if also_plan:
            edit_json(
                bundle / "inputs/plan.json",
                lambda cells: [change_trial(one["trial"]) for one in cells] and cells,
            )
            forge(bundle)
            return
        relog(bundle)
        reseal(bundle, inputs={"trial": open_bundled_trial(bundle).trial.content_hash()})

    return change


def _each(change_trial: Callable[[dict], object], cells: list[dict]) -> list[dict]:
    for one in cells:
        change_trial(one["trial"])
    return cells


def larger_effect(trial: dict) -> None:
    trial["effects"][0]["value"] = 1.2 if trial["effects"][0]["value"] else trial["effects"][0]["value"]


def smaller_sd(trial: dict) -> None:
    trial["endpoints"][0]["sd"] = [1.9, 1.9]


def other_seed(trial: dict) -> None:
    trial["seed"] = 2


def other_truth(bundle: Path) -> None:
    def change(cells: list[dict]) -> list[dict]:
        cells[0]["truths"]["ancova"]["value"] = 0.99
        return cells

    edit_json(bundle / "inputs/plan.json", change)
    record_blocks(bundle)
    forge(bundle)


def sums(old: bytes, new: bytes) -> Change:
    def change(bundle: Path) -> None:
        content = (bundle / BLOCKS).read_bytes()
        assert old in content
        (bundle / BLOCKS).write_bytes(content.replace(old, new, 1))
        relog(bundle)
        reseal(bundle)

    return change


def one_form_alone(bundle: Path) -> None:
    path = bundle / f"{OC}.csv"
    frame = pd.read_csv(path, keep_default_na=False)
    frame.loc[0, "true_effect_note"] = "as published"
    frame.to_csv(path, index=False, lineterminator="\n")
    reseal(bundle)


def log(keep: Callable[[list[dict]], list[dict]]) -> Change:
    def change(bundle: Path) -> None:
        relog(bundle, keep)
        reseal(bundle)

    return change


def log_of_something_else(event: str) -> Change:
    def change(bundle: Path) -> None:
        events = [json.loads(line) for line in (bundle / "record/log.jsonl").read_bytes().splitlines()]
        write_log(bundle, [one | ({"of": "a" * 64} if one["event"] == event else {}) for one in events])
        reseal(bundle)

    return change


CASES: dict[str, tuple[Change, str]] = {
    "seed edited in the manifest": (fact(seed=7), "V1"),
    "title edited in the manifest": (fact(title="A better trial"), "V1"),
    "name edited in the manifest": (fact(protocol="other"), "V1"),
    "kind edited in the manifest": (fact(kind="study"), "refused"),
    "hash of the trial edited in the manifest": (fact(inputs={"trial": "0" * 64}), "V1"),
    "a posterior that is not there in the manifest": (fact(inputs={"posterior": "0" * 64}), "V1"),
    "power edited": (table(OC, "rejection_rate", 0, 0.9), "V1"),
    "type I error edited": (table(OC, "rejection_rate", 1, 0.02), "V1"),
    "Monte Carlo error of power edited": (table(OC, "rejection_rate_mcse", 0, 0.001), "V1"),
    "bias edited": (table(OC, "bias", 0, 0.0), "V1"),
    "Monte Carlo error of bias edited": (table(OC, "bias_mcse", 0, 0.001), "V1"),
    "coverage edited": (table(OC, "coverage", 0, 0.95), "V1"),
    "Monte Carlo error of coverage edited": (table(OC, "coverage_mcse", 0, 0.001), "V1"),
    "mean squared error edited": (table(OC, "mean_squared_error", 0, 0.1), "V1"),
    "empirical spread edited": (table(OC, "empirical_se", 0, 0.37), "V1"),
    "mean variance edited": (table(OC, "root_mean_variance", 0, 0.38), "V1"),
    "expected months edited": (table(OC, "expected_months", 0, 6.0), "V1"),
    "least months edited": (table(OC, "least_months", 0, 5.0), "V1"),
    "most months edited": (table(OC, "most_months", 0, 7.0), "V1"),
    "expected size edited": (table(OC, "expected_size", 0, 70.0), "V1"),
    "number of trials edited": (table(OC, "trials", 0, 4000), "V1"),
    "true effect edited": (table(OC, "true_effect", 0, 0.9), "V1"),
    "undecided trials edited": (table(OC, "undecided", 0, 0), "V1"),
    "share without a test edited": (table(OC, "undecided_share", 0, 0.1), "V1"),
    "measure edited": (table(OC, "measure", 1, "power"), "V1"),
    "usable edited": (table(OC, "usable", 0, False), "V1"),
    "scenario renamed": (table(OC, "scenario", 1, "works"), "V1"),
    "rows of a table swapped": (whole(OC, lambda frame: frame[::-1]), "V1"),
    "a row of a table twice": (whole(OC, lambda frame: pd.concat([frame, frame[:1]])), "V1"),
    "a column of a table dropped": (whole(OC, lambda frame: frame.drop(columns="bias_mcse")), "V1"),
    "efficacy at a look edited": (table("results/looks", "efficacy", 0, 0.9), "V1"),
    "futility at a look edited": (table("results/looks", "futility", 0, 0.1), "V1"),
    "unreadable looks edited": (table("results/looks", "unreadable", 0, 3), "V1"),
    "deciding test edited": (table("results/decided_by", "count", 0, 399), "V1"),
    "an example trial edited": (table("examples/trials", "estimate", 0, 1.0), "V1"),
    "an example trial replaced": (table("examples/trials", "replicate", 0, 11), "V1"),
    "the CSV form of a table edited alone": (one_form_alone, "V1"),
    "a table of refused cells added": (refused_added, "V1"),
    "a file added among the results": (added("results/notes.txt"), "V1"),
    "a file added among the inputs": (added("inputs/data.csv"), "V1"),
    "a file added beside the report": (added("answer.html"), "V1"),
    "the description edited": (table("description/flow", "participants", 0, 41.0), "V1"),
    "a scenario dropped": (drop_scenario, "V1"),
    "the last block dropped": (drop_last_block, "V1"),
    "a block twice": (duplicate_block, "V1"),
    "a block twice, renumbered": (duplicate_block_renumbered, "V2"),
    "blocks reordered": (reorder_blocks, "V1"),
    "blocks reordered, renumbered": (reorder_blocks_renumbered, "V2"),
    "record of blocks reordered": (reorder_record, "V1"),
    "failures hidden": (hide_failures, "V1"),
    "count of claims edited in the sums": (sums(b'"efficacy":[', b'"efficacy":[1'), "V1"),
    "a moment edited in the sums": (sums(b'"deviation":', b'"deviation":1'), "V1"),
    "hash of rows edited in the record": (sums(b'"rows":"', b'"rows":"0'), "V1"),
    "trials of a block edited in the sums": (sums(b'"sums":{"trials":100', b'"sums":{"trials":101'), "V1"),
    "effect changed in the declaration": (inputs(larger_effect, also_plan=False), "V1"),
    "effect changed in declaration and plan": (inputs(larger_effect, also_plan=True), "V2"),
    "SD changed in declaration and plan": (inputs(smaller_sd, also_plan=True), "V2"),
    "seed changed in the declaration": (inputs(other_seed, also_plan=False), "V1"),
    "seed changed in declaration and plan": (inputs(other_seed, also_plan=True), "V2"),
    "true effect changed in the plan": (other_truth, "V2"),
    "all estimates doubled and standard errors halved": (every_row(double_and_halve), "V2"),
    "one p value moved on its side": (rows(move_p), "V2"),
    "one p value moved across the level": (rows(move_p_across), "V2"),
    "a block of the null claimed": (rows(claim_all, "null"), "V2"),
    "one estimate moved by 1e-6": (
        rows(lambda frame: frame.assign(ancova_estimate=frame["ancova_estimate"] * (1 + 1e-6))), "V2",
    ),
    "a number of the report edited": (page("<td>400</td>", "<td>4000</td>"), "V1"),
    "a script added to the report": (page("</body>", "<script>alert(1)</script></body>"), "V1"),
    "a sentence added to the report": (page("<main>", "<main><p>Approved.</p>"), "V1"),
    "the content policy taken out of the report": (page("default-src 'none'", "default-src *"), "V1"),
    "the report deleted": (lambda bundle: ((bundle / REPORT).unlink(), reseal(bundle))[1], "V1"),
    "the script that checks replaced": (file("verify.py", b"sys.exit(main())", b"sys.exit(0)"), "V1"),
    "the log emptied": (log(lambda events: []), "V1"),
    "the log without the frozen plan": (log(lambda events: [events[0], *events[2:]]), "V1"),
    "the log in another order": (log(lambda events: [events[0], events[2], events[1], *events[3:]]), "V1"),
    "the log of another plan": (log_of_something_else("plan frozen"), "V1"),
    "the log of another first outcome": (log_of_something_else("first outcome"), "V1"),
}  # fmt: skip


def test_there_are_sixty_cases_and_more() -> None:
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", CASES)
def test_tampering_with_consistent_hashes_is_caught_at_its_level(name: str, bundle: Path) -> None:
    change, level = CASES[name]
    before = manifest(bundle)
    change(bundle)
    assert check_bundle(bundle) == [], "the attacker's hashes are consistent"
    # The published root is the one thing that no attacker can make again.
    published = verify_bundle(bundle, "V0", expect=before["seal"])
    assert published.problems == (f"neither root nor seal is the expected {before['seal']}",)
    if not name.startswith("the log"):
        assert verify_bundle(bundle, "V0", expect=before["root"]).problems
    assert level_that_catches(bundle, "V2") == level


@pytest.mark.parametrize("name", ["the log emptied", "the log of another plan"])
def test_the_root_is_of_what_inputs_decide_and_the_seal_of_the_log_too(name: str, bundle: Path) -> None:
    root = manifest(bundle)["root"]
    CASES[name][0](bundle)
    assert manifest(bundle)["root"] == root


def test_what_no_level_can_tell_is_told_by_root_and_seal(bundle: Path, honest: Path) -> None:
    drop_scenario_everywhere(bundle)
    assert level_that_catches(bundle, "V3") == "none"
    assert verify_bundle(bundle, "V0", expect=manifest(honest)["root"]).problems
    shutil.rmtree(bundle)
    shutil.copytree(honest, bundle)
    facts = manifest(bundle)
    facts["versions"]["trialsim"] = "9.9"
    facts["seal"] = seal_of(facts)
    (bundle / "manifest.json").write_text(json.dumps(facts))
    assert level_that_catches(bundle, "V3") == "none"
    assert verify_bundle(bundle, "V0", expect=manifest(honest)["root"]).holds
    assert verify_bundle(bundle, "V0", expect=manifest(honest)["seal"]).problems


def test_an_honest_bundle_reaches_every_level_and_says_what_was_not_checked(honest: Path) -> None:
    found = verify_bundle(honest, "V3", page=page_again, expect=manifest(honest)["root"])
    assert found.holds
    assert found.reached == ("V0", "V1", "V3")
    said = "\n".join(found.in_words())
    assert "class A: identical bytes" in said
    assert "the same bytes" in said
    assert "Not checked: V4" in said
    assert "Not checked: V5" in said
