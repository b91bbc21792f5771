"""A bundle is complete or absent, and any change to it is found."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from tests.study.bundles.whole_bundle import plan_of, write_bundle
from trialsim.errors import BundleError
from trialsim.study import check_bundle, new_bundle


@pytest.fixture(scope="module")
def sealed(small, tmp_path_factory: pytest.TempPathFactory):
    target = tmp_path_factory.mktemp("bundle") / "study-1"
    return (target, *write_bundle(small, target))


@pytest.fixture
def bundle(sealed, tmp_path: Path) -> Path:
    """Return a copy of the bundle that a test may damage."""
    shutil.copytree(sealed[0], tmp_path / "study-1")
    return tmp_path / "study-1"


def test_a_sealed_bundle_checks(bundle: Path) -> None:
    assert check_bundle(bundle) == []
    manifest = json.loads((bundle / "manifest.json").read_text())
    assert manifest["seed"] == 20261121
    assert set(manifest["inputs"]) == {"trial", "card", "history", "posterior"}
    assert {"results/looks.csv", "results/looks.parquet"} <= set(manifest["files"])
    csv, parquet = (
        pd.read_csv(bundle / "results/looks.csv", keep_default_na=False),
        pd.read_parquet(bundle / "results/looks.parquet"),
    )
    pd.testing.assert_frame_equal(csv, parquet, check_dtype=False)


def test_every_kind_of_tampering_is_named(bundle: Path) -> None:
    looks = bundle / "results" / "looks.csv"
    looks.write_text(looks.read_text().replace("ancova", "ancovb", 1))
    (bundle / "results" / "decided_by.csv").unlink()
    (bundle / "extra.txt").write_text("x")
    assert check_bundle(bundle) == [
        "results/decided_by.csv: missing",
        "extra.txt: not in the manifest",
        "results/looks.csv: changed",
    ]


def test_every_flipped_byte_is_found(bundle: Path) -> None:
    path = bundle / "results" / "operating_characteristics.parquet"
    content = bytearray(path.read_bytes())
    for position in range(0, len(content), max(1, len(content) // 50)):
        content[position] ^= 1
        path.write_bytes(content)
        assert check_bundle(bundle) == ["results/operating_characteristics.parquet: changed"]
        content[position] ^= 1


def test_a_changed_manifest_is_blamed_and_no_file(bundle: Path) -> None:
    path = bundle / "manifest.json"
    content = path.read_bytes()
    changed, of_files, after = bytearray(content), content.index(b'"files"'), content.index(b'"format"')
    # Every tenth byte of the hashes, and every byte of what stands before and after them.
    places = [*range(of_files), *range(of_files, after, 10), *range(after, len(content))]
    for place in places:
        changed[place] ^= 1
        path.write_bytes(changed)
        try:
            found = check_bundle(bundle)
        except BundleError as fault:
            found = [fault.problem]
        if found or json.loads(path.read_bytes()) != json.loads(content):
            assert found == ["manifest.json: changed, so that no file can be held against it"] or (
                re.match(
                    r"is not strict JSON|is of format|lacks|has the unknown key|\w+ is n|names the file",
                    found[0],
                )
            )
        changed[place] = content[place]


def test_results_hash_and_root_are_reproducible(sealed, small, tmp_path: Path) -> None:
    _, manifest = write_bundle(small, tmp_path / "study-2")
    assert manifest["results"] == sealed[2]["results"]
    assert manifest["root"] == sealed[2]["root"]


def test_a_failed_run_leaves_nothing(tmp_path: Path) -> None:
    def fail() -> None:
        with new_bundle(tmp_path / "study-3") as folder:
            (folder / "half.txt").write_text("half")
            raise RuntimeError("stopped")

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_failed_run_takes_the_folders_that_it_made_and_no_other(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    for parent in (tmp_path / "mine", tmp_path / "new" / "deeper"):
        with pytest.raises(RuntimeError), new_bundle(parent / "study"):
            raise RuntimeError("stopped")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_what_is_no_bundle_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    with pytest.raises(BundleError, match="no run bundle"), new_bundle(tmp_path / "thesis"):
        pass


def test_no_manifest_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json: cannot be read"):
        check_bundle(tmp_path)


def test_replicates_are_written_in_order_one_file_a_cell(sealed, small) -> None:
    target, result, _ = sealed
    cells = plan_of(small).cells
    files = sorted(path.stem for path in (target / "results" / "replicates").glob("*.parquet"))
    assert files == sorted(cell.name for cell in cells)
    found = result.operating_characteristics.set_index(["cell", "analysis"])
    for cell in cells:
        frame = pd.read_parquet(target / "results" / "replicates" / f"{cell.name}.parquet")
        assert list(frame["replicate"]) == list(range(600))
        for name in ("unadjusted", "ancova", "prognostic"):
            claimed = (frame[f"{name}_p_value"] <= 0.05) & (frame[f"{name}_estimate"] < 0)
            assert claimed.mean() == pytest.approx(found.loc[(cell.name, name), "rejection_rate"])
