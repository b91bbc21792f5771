"""``trialsim cohort``: check, draw, fit and plot, and what they refuse."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from trialsim.cli.cohort import cohort
from trialsim.errors import InputError
from trialsim.population import read_card

COHORTS = Path(__file__).parents[2] / "cohorts"
ALS = str(COHORTS / "als.toml")


def run(*arguments: str) -> str:
    result = CliRunner().invoke(cohort, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output


def data(tmp_path: Path) -> Path:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"id": range(300), "age": rng.normal(70, 8, 300), "sex": rng.integers(0, 2, 300)})
    frame.to_csv(tmp_path / "people.csv", index=False)
    return tmp_path / "people.csv"


FACTS = (
    "--population",
    "Us",
    "--period",
    "now",
    "--citation",
    "us",
    "--licence",
    "none",
    "--describes",
    "source",
)


def test_check_prints_the_certificate_the_reading_and_the_sensitivity():
    output = run("check", ALS, "--sensitivity", "alsfrs_r")
    assert "describe the enrolled population" in output
    assert "attainable low" in output
    assert "by family of margin" in output
    assert "nine tenths of the draws" in output


def test_check_certifies_the_tilt():
    assert "Effective size of the tilt: 0.99" in run("check", ALS, "--calibrate")


def test_draws_replay_and_name_their_card(tmp_path):
    files = [tmp_path / name for name in ("a.parquet", "b.parquet")]
    for file in files:
        assert read_card(ALS).content_hash()[:12] in run(
            "draw", ALS, "-n", "70000", "--seed", "3", "-o", str(file)
        )
    assert files[0].read_bytes() == files[1].read_bytes()
    assert pq.read_schema(files[0]).metadata[b"card_hash"].decode() == read_card(ALS).content_hash()
    run("draw", ALS, "-n", "50", "--seed", "3", "-o", str(tmp_path / "c.csv"))
    few = pd.read_csv(tmp_path / "c.csv")
    assert np.allclose(few.to_numpy(), pq.read_table(files[0]).to_pandas().to_numpy()[:50])


def test_calibrated_and_missing_draws(tmp_path):
    card = str(COHORTS / "type2_diabetes.toml")
    run("draw", card, "-n", "10000", "--calibrated", "--missing", "-o", str(tmp_path / "d.parquet"))
    frame = pd.read_parquet(tmp_path / "d.parquet")
    assert frame["bmi"].isna().sum() == pytest.approx(120, abs=1)
    assert frame["age"].mean() == pytest.approx(56.2, abs=0.05)


def test_fit_writes_a_card_that_reads(tmp_path):
    output = tmp_path / "us.toml"
    run(
        "fit",
        str(data(tmp_path)),
        "--columns",
        "age,sex",
        "--limits",
        "age=40:100",
        *FACTS,
        "-o",
        str(output),
    )
    card = read_card(output)
    assert card.names == ("age", "sex")
    assert card.describes == "source"
    assert tomllib.loads(output.read_text())["margins"][0]["lower"]["value"] == 40.0


def test_plot_writes_a_page(tmp_path):
    run("plot", ALS, "-o", str(tmp_path / "als.html"))
    page = (tmp_path / "als.html").read_text()
    assert "ALSFRS-R after 12 weeks" in page
    assert 'src="http' not in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("check", ALS, "--sensitivity", "weight"), "no such covariate"),
        (("draw", ALS, "-n", "2000000", "--calibrated", "-o", "x.parquet"), "at most 1,000,000"),
        (("draw", ALS, "-o", "x.xlsx"), "unknown kind of file"),
        (("plot", ALS, "-o", "x.png"), "unknown kind of file"),
        (("fit", "PEOPLE", *FACTS, "-o", "x.csv"), "unknown kind of file"),
        (("fit", "none.csv", *FACTS, "-o", "x.toml"), "file not found"),
        (("fit", "PEOPLE", *FACTS, "-o", "x.toml"), "identifier"),
        (("fit", "PEOPLE", "--columns", "age,weight", *FACTS, "-o", "x.toml"), "no such column"),
        (("fit", "PEOPLE", "--columns", "age", "--limits", "age=9", *FACTS, "-o", "x.toml"), "LOW:HIGH"),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_no_file(tmp_path, monkeypatch, arguments, words):
    people = str(data(tmp_path))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    with pytest.raises(InputError) as caught:
        run(*(people if one == "PEOPLE" else one for one in arguments))
    assert words in str(caught.value)
    assert list((tmp_path / "work").iterdir()) == []


def files(tmp_path: Path) -> dict[str, Path]:
    """Real participants, others, a copy that is theirs to the letter, and one that was made without them."""
    rng = np.random.default_rng(4)
    found = {}
    for name in ("real", "others", "fresh"):
        people = rng.normal(size=(400, 2))
        change = 0.6 * people[:, 0] + rng.normal(size=400)
        values = np.column_stack([70 + 8 * people[:, 0], 20 + 3 * people[:, 1], change]).round(4)
        frame = pd.DataFrame(values, columns=["age", "score0", "change"])
        frame["stage"] = np.repeat([0, 1, 2], [220, 150, 30])
        found[name] = tmp_path / f"{name}.csv"
        frame.to_csv(found[name], index=False)
    return found


def test_a_copy_to_the_letter_is_faithful_and_gives_everybody_away(tmp_path):
    at = files(tmp_path)
    table = tmp_path / "measures.csv"
    output = run(
        "compare", str(at["real"]), str(at["real"]), "--holdout", str(at["others"]), "--reference",
        str(at["fresh"]), "--keys", "age,score0", "--at-least", "age=75", "-o", str(table),
    )  # fmt: skip
    assert "Nearer to REAL than to the others: 1.000" in output
    assert "area 1.000" in output
    assert "replicated unique by age, score0: 1.0000" in output
    measures = pd.read_csv(table)
    assert {"everybody", "age at least 75", "not: age at least 75"} == set(measures["group"])
    assert measures.loc[measures["measure"].str.startswith("ks"), "value"].min() == 1.0


def test_a_copy_made_without_them_is_safe_and_sizes_alike(tmp_path):
    at = files(tmp_path)
    output = run(
        "compare", str(at["real"]), str(at["fresh"]), "--holdout", str(at["others"]), "--outcome", "change",
        "--baseline", "score0", "--effect", "0.5",
    )  # fmt: skip
    share = float(output.split("Nearer to REAL than to the others: ")[1].split()[0])
    assert abs(share - 0.5) < 0.1
    assert "Sizes of a trial" in output


def test_a_table_hides_its_small_cells(tmp_path):
    at, table = files(tmp_path), tmp_path / "counts.csv"
    run("count", str(at["real"]), "--keys", "stage", "--smallest", "50", "-o", str(table))
    counts = pd.read_csv(table)["count"]
    assert counts.isna().sum() == 2  # the smallest, and the next, which would give it away
    assert (counts.dropna() >= 50).all()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "real", "fresh", "--reference", "others"], "--holdout"),
        (["compare", "real", "fresh", "--at-least", "weight=3"], "--at-least"),
        (["compare", "real", "fresh", "--outcome", "change"], "--baseline and --effect"),
        (["count", "real", "--keys", "colour"], "no such column"),
        (["release", "real", "--epsilon", "3", "--delta", "1e-6", "-o", "x.csv"], "public limits"),
        (["imitate", "real", "-o", "x.csv", "--limits", "age=9"], "COLUMN=LOW:HIGH"),
    ],
)
def test_what_a_comparison_needs_is_named(tmp_path, words, said):
    at = files(tmp_path)
    with pytest.raises(InputError, match=said):
        run(*(str(at.get(word, word)) for word in words))
