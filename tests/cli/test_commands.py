"""The command line as a user meets it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pandas as pd
import pytest

from tests.cli.in_process import run
from trialsim.cli.commands import commands
from trialsim.cli.terminal.control_arm import print_control_arm

PROTOCOLS = Path(__file__).parents[2] / "protocols"

ROOT = Path(__file__).parents[2]


def test_help_needs_none_of_the_heavy_libraries() -> None:
    code = (
        "import sys; sys.argv = ['trialsim', '--help']\n"
        "from trialsim.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'numpy', 'pandas', 'pymc', 'plotly', 'pydantic', 'rich'} & set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "trialsim init" in done.stdout


@pytest.mark.parametrize("command", ["run", "size", "init", "twins", "cohort", "verify", "replay"])
def test_every_command_teaches(monkeypatch, capsys, command: str) -> None:
    assert run(monkeypatch, command, "--help") == 0
    assert "Usage:" in capsys.readouterr().out


def test_init_lays_out_protocols_that_run(monkeypatch, capsys, tmp_path: Path) -> None:
    assert run(monkeypatch, "init", str(tmp_path / "mine")) == 0
    assert (tmp_path / "mine/protocols/alzheimers_phase2.toml").is_file()
    assert (tmp_path / "mine/cohorts/alzheimers_early.toml").is_file()
    assert run(monkeypatch, "init", str(tmp_path / "mine")) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(monkeypatch, "init", str(tmp_path / "mine"), "--force") == 0


def test_size_agrees_with_the_closed_form(monkeypatch, capsys) -> None:
    arguments = (
        "size",
        "--effect",
        "0.3",
        "--sd",
        "1",
        "--partial-correlation",
        "0.5",
        "--variance",
        "model",
    )
    assert run(monkeypatch, *arguments) == 0
    assert "470 participants" in capsys.readouterr().out


def test_a_size_against_a_margin_is_that_of_the_distance(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No effect against a loss of .2 needs what an effect of .2 needs: 1,054 by the t test (rpact)."""
    rest = ("--sd", "1", "--variance", "model")
    assert run(monkeypatch, "size", "--effect", "0", "--margin", "-0.2", *rest) == 0
    against = capsys.readouterr().out
    assert "1054 participants" in against
    assert "The effect lies 0.2 from the margin of -0.2." in against
    assert run(monkeypatch, "size", "--effect", "0.2", *rest) == 0
    assert "1054 participants" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("size", "--effect", "0", "--sd", "1"), "effect: must not be 0"),
        (("size", "--effect", "1", "--sd", "-1"), "--sd: must be above 0"),
        (("size", "--effect", "-0.5", "--sd", "1", "--margin", "-0.2"), "--margin: lies on the wrong side"),
        (("size", "--effect", "0.5", "--sd", "1", "--margin", "0.2"), "--margin: lies on the wrong side"),
        (("size", "--effect", "1", "--sd", "1", "--allocation", "1:0"), "--allocation"),
        (("size", "--effect", "0.0001", "--sd", "1"), "no trial of up to"),
        (("run", "nowhere.toml"), "nowhere.toml: file not found"),
        (("cohort", "check", "nowhere.toml"), "nowhere.toml"),
        (("verify", "nowhere"), "manifest.json: cannot be read"),
        (("verify", "nowhere", "--nonce", "mine", "--level", "V1"), "chooses nothing at level V1"),
        (("run", f"{PROTOCOLS}/ordinal_recovery.toml", "--history", "x.csv"), "is not read by this protocol"),
    ],
)
def test_refusals_are_one_message_and_exit_code_2(
    monkeypatch, capsys, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err
    assert words in error
    assert "Mend:" in error
    assert "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_draw_writes_the_same_participants_for_the_same_seed(monkeypatch, tmp_path: Path) -> None:
    card = str(ROOT / "cohorts" / "alzheimers_early.toml")
    for name in ("a.csv", "b.csv", "c.parquet"):
        assert run(monkeypatch, "cohort", "draw", card, "-n", "50", "-o", str(tmp_path / name)) == 0
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "a.csv"), pd.read_parquet(tmp_path / "c.parquet"))
    assert run(monkeypatch, "cohort", "draw", card, "-o", str(tmp_path / "d.xlsx")) == 2


HISTORY = "participant,week,cdr_sb,age,female,apoe4_carrier,mmse,adas_cog,faq,hippocampal_volume\n"
ROW = "p{i},{week},{score},{age},{f},{f},{mmse},{adas},{faq},{h}\n"


def history(rows: int, weeks: tuple[int, ...] = (0, 13, 26, 39, 52, 65, 78)) -> str:
    lines = [
        ROW.format(i=i, week=w, score=2 + w / 40 + i % 3, age=60 + i % 20, f=i % 2, mmse=22 + i % 8,
                   adas=10 + i % 7, faq=i % 10, h=0.9 + (i % 5) / 50)
        for i in range(rows)
        for w in weeks
    ]  # fmt: skip
    return HISTORY + "".join(lines)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        (HISTORY, "no rows"),
        (history(60).replace("cdr_sb", "cdr"), "cdr_sb"),
        (history(60).replace(",mmse", ",mms"), "mmse"),
        (history(60) + history(1).split("\n", 1)[1], "same participant and week"),
        (history(5), "too small to learn from"),
        (history(60).replace("p7,", "p7,x", 1), "not a finite number"),
        (history(60, (0, 13, 26)), "78"),
        (history(60, (13, 26, 39, 52, 65, 78)), "baseline"),
    ],
)  # fmt: skip
def test_a_history_that_nothing_can_be_learnt_from(
    monkeypatch, capsys, tmp_path: Path, text: str, words: str
) -> None:
    (tmp_path / "past.csv").write_text(text)
    arguments = ("run", str(ROOT / "protocols/alzheimers_phase2.toml"), "--history", "past.csv")
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, *arguments, "--quiet") == 2
    error = capsys.readouterr().err
    assert "past.csv" in error
    assert words in error, error
    assert [path.name for path in tmp_path.iterdir()] == ["past.csv"]


def test_a_refusal_that_comes_from_the_card_names_the_protocol(monkeypatch, capsys, tmp_path: Path) -> None:
    text = (ROOT / "protocols/alzheimers_phase2.toml").read_text()
    assert run(monkeypatch, "init", str(tmp_path)) == 0
    path = tmp_path / "protocols" / "mine.toml"
    path.write_text(text.replace('covariate = "mmse"', 'covariate = "mmsee"'))
    capsys.readouterr()
    assert run(monkeypatch, "run", str(path), "--quiet", "-o", str(tmp_path / "out")) == 2
    error = capsys.readouterr().err
    assert "mine.toml: population.eligibility: is no covariate of the card. Got ['mmsee']" in error
    assert not (tmp_path / "out").exists()


def test_an_effect_that_no_size_detects_is_refused_before_anything_is_fitted(
    monkeypatch, capsys, tmp_path: Path
) -> None:
    assert run(monkeypatch, "init", str(tmp_path)) == 0
    path = tmp_path / "protocols" / "tiny.toml"
    text = (ROOT / "protocols/alzheimers_phase2.toml").read_text()
    path.write_text(text.replace("value = 0.30", "value = 0.003"))
    monkeypatch.setattr("trialsim.study.people.asked.learn_twins", lambda *_, **__: pytest.fail("fitted"))
    capsys.readouterr()
    out, cache = tmp_path / "out", tmp_path / "cache"
    assert run(monkeypatch, "run", str(path), "--quiet", "-o", str(out), "--cache", str(cache)) == 2
    error = capsys.readouterr().err
    assert "tiny.toml: effects.active.value: comes to 0.0062 points at week 78" in error
    assert "Mend: assume a larger effect" in error
    assert not out.exists()
    assert not cache.exists()


@pytest.mark.parametrize("place", ["/proc/xx", str(ROOT / "README.md" / "x")])
def test_a_cache_that_cannot_be_written_is_refused_before_anything_is_read(
    monkeypatch, capsys, place: str
) -> None:
    assert run(monkeypatch, "run", "no.toml", "--cache", place) == 2
    error = capsys.readouterr().err
    assert "--cache: cannot be written: " in error
    assert f"Got '{place}'. Mend: give a folder" in error


def test_a_missing_history(monkeypatch, capsys, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    protocol = str(ROOT / "protocols/alzheimers_phase2.toml")
    assert run(monkeypatch, "run", protocol, "--history", "no.csv") == 2
    assert "no.csv" in capsys.readouterr().err


def test_the_answer_names_months_the_open_card_and_the_risk_of_borrowing(capsys, monkeypatch, beside) -> None:
    from rich.console import Console

    monkeypatch.setenv("COLUMNS", "200")
    print_control_arm(beside, Console())
    text = " ".join(capsys.readouterr().out.split())
    months = beside.savings.query("gain == 'months'")["value"].iloc[0]
    assert f"{months:.2f} ±" in text
    assert f"{beside.card.open_pairs} of the {beside.card.pairs} correlations of the card" in text
    assert "is not defensible by" in text
    assert "optimistic by construction" in text


def test_an_interrupt_stops_cleanly_and_leaves_nothing(tmp_path: Path) -> None:
    command = [
        sys.executable, "-m", "trialsim", "run", str(ROOT / "protocols/alzheimers_phase2.toml"),
        "-o", str(tmp_path / "out"), "--cache", str(tmp_path / "cache"), "--quiet",
    ]  # fmt: skip
    # A shell that runs the tests in the background has its children ignore interrupts: undo that.
    process = subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"NO_COLOR": "1"},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    deadline = time.monotonic() + 60
    # The posterior is kept once it is there: then twins are validated and sizes are searched for.
    while not list(tmp_path.glob("cache/*")) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "Nothing was written" in error
    assert not (tmp_path / "out").exists()


def every_command() -> list[tuple[str, click.Command]]:
    """Return each command and group with the words that call it."""
    found: list[tuple[str, click.Command]] = []

    def walk(command: click.Command, called: str) -> None:
        found.append((called, command))
        if isinstance(command, click.Group):
            for name in command.list_commands(click.Context(command)):
                walk(command.commands[name], f"{called} {name}")

    walk(commands, "trialsim")
    return found


def test_help_of_every_command_says_what_it_does_and_holds_an_example() -> None:
    everything = every_command()
    assert len(everything) > 60
    for called, command in everything:
        first, _, rest = (command.help or "").partition("\n\n")
        assert re.fullmatch(r"[A-Z][a-z]+ [^\b]+\.", first.strip()), f"{called}: {first}"
        inside = called if not isinstance(command, click.Group) else "trialsim "
        assert f"  {inside}" in rest or f"  {inside}" in rest.replace("\b\n", "  "), (
            f"{called} has no example"
        )


def test_every_option_says_what_it_is() -> None:
    terse = [
        f"{called} {option.opts[-1]}: {option.help}"
        for called, command in every_command()
        for option in command.params
        if isinstance(option, click.Option) and len((option.help or "").split("  [")[0]) < 12
    ]
    assert terse == []
