"""What guidances ask: each item is answered with numbers of the bundle, or blocked with a field to add."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.report.guidances.runs import HOSTILE, KINDS, run
from trialsim.cli.commands import commands
from trialsim.errors import BundleError, InputError
from trialsim.protocol.declared import DeclaredTrial
from trialsim.report.guidances import GUIDANCES, Answers, answer_guidances, write_guidances
from trialsim.report.guidances import page as pages
from trialsim.report.guidances.held import not_found
from trialsim.report.guidances.page import facts_of, render_guidances
from trialsim.report.guidances.said import Answer, Blocked, Number, Words, lacks, numbers_in
from trialsim.study.verification import Finding, verify_bundle
from trialsim.study.verification.verdict import Verdict

EXAMPLE = Path(__file__).parents[3] / "reports" / "example"
FAST = ("survival", "scored", "adaptive")
CLAIMS = re.compile(
    r"validated|complian|complies|comply|approved|regulatory.grade|certified|replaces? the control|fulfil"
    r"|satisf|procova|twinrct|acceptable to|meets the|proves that",
    re.IGNORECASE,
)
WHICH = [
    *FAST, "example",
    *(pytest.param(name, marks=pytest.mark.slow) for name in KINDS if name not in FAST),
]  # fmt: skip


@pytest.fixture(scope="module")
def bundle_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    made: dict[str, Path] = {"example": EXAMPLE}

    def find(kind: str) -> Path:
        if kind not in made:
            folder = tmp_path_factory.mktemp(kind)
            made[kind] = run(folder, KINDS[kind](folder))
        return made[kind]

    return find


@pytest.fixture(scope="module")
def answers_of(bundle_of: Callable[[str], Path]) -> Callable[[str], Answers]:
    made: dict[str, Answers] = {}

    def find(kind: str) -> Answers:
        if kind not in made:
            with pytest.MonkeyPatch.context() as patch:
                if kind == "example":
                    # Its V1 has a test of its own.
                    quick = Verdict("", "", (Finding("V0", ("x",)),))
                    patch.setattr(pages, "verify_bundle", lambda *_, **__: quick)
                made[kind] = answer_guidances(bundle_of(kind))
        return made[kind]

    return find


def ours(found: Answers) -> Iterator[str]:
    """Yield all text of ours: what is asked, and what stands between numbers and the user's words."""
    for guidance, items in found.of:
        yield from (guidance.title, guidance.status, guidance.read)
        for item, one in items:
            yield item.asks
            yield from (lack.reason for lack in lacks(one))
            if isinstance(one, Answer):
                for sentence in one.sentences:
                    yield from (part for part in sentence if not isinstance(part, Words | Number))
                for table in one.tables:
                    yield table.caption
                    yield from table.columns


@pytest.mark.parametrize("kind", WHICH)
def test_every_item_is_answered_or_names_a_field_of_the_protocol(
    kind: str, answers_of: Callable[[str], Answers]
) -> None:
    found = answers_of(kind)
    assert [guidance for guidance, _ in found.of] == list(GUIDANCES)
    for _, items in found.of:
        for item, one in items:
            assert isinstance(one, Answer | Blocked), item.name
            assert isinstance(one, Blocked) or one.sentences or one.lacking, item.name
            for lack in lacks(one):
                assert lack.reason
                assert in_protocol(lack.field), lack.field


def in_protocol(field: str) -> bool:
    """Return whether a path leads somewhere in the schema of a protocol."""
    schema = DeclaredTrial.model_json_schema()
    here = [schema]
    for part in re.sub(r"\[\d+\]", "", field).split("."):
        inner = [table["properties"][part] for table in here if part in table.get("properties", {})]
        if not inner:
            return False
        here = [table for one in inner for table in referred(one, schema)]
    return True


def referred(one: dict[str, Any], schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "$ref" in one:
        yield schema["$defs"][one["$ref"].rsplit("/", 1)[1]]
    for key in ("anyOf", "oneOf"):
        for each in one.get(key, []):
            yield from referred(each, schema)
    if isinstance(one.get("items"), dict):
        yield from referred(one["items"], schema)


@pytest.mark.parametrize("kind", WHICH)
def test_every_number_is_found_in_a_table_and_has_its_monte_carlo_error(
    kind: str, answers_of: Callable[[str], Answers], bundle_of: Callable[[str], Path]
) -> None:
    found = answers_of(kind)
    numbers = list(numbers_in(found.found))
    assert len(numbers) > 100
    assert not_found(numbers, bundle_of(kind)) == []
    without = [one for one in numbers if one.basis == "simulated" and one.error is None and not one.ends]
    assert without == []
    assert {"simulated", "declared", "counted"} <= {one.basis for one in numbers}
    page = render_guidances(found)
    assert all(f">{one.text}</data>" in page for one in numbers)


@pytest.mark.parametrize("kind", WHICH)
def test_no_number_is_typed_by_hand_and_nothing_is_claimed(
    kind: str, answers_of: Callable[[str], Answers]
) -> None:
    texts = list(ours(answers_of(kind)))
    named = re.compile(
        r"(SPIRIT|CONSORT|ICH|M|E|January|June|of|in|step|SPIRIT and CONSORT|appendix) ?\d+|share, \w+"
    )
    assert [text for text in texts if re.search(r"\d", named.sub("", text))] == []
    assert [text for text in texts if CLAIMS.search(text)] == []


def test_the_claim_test_can_fail() -> None:
    assert all(CLAIMS.search(text) for text in ("is validated", "E20-compliant", "It complies.", "Approved"))
    shell = (Path(pages.__file__).parents[1] / "templates" / "guidances.html.j2").read_text(encoding="utf-8")
    assert not CLAIMS.search(shell)
    assert not any(CLAIMS.search(one.title + one.read) for one in GUIDANCES)


def test_a_number_that_moved_is_not_found(
    answers_of: Callable[[str], Answers], bundle_of: Callable[[str], Path]
) -> None:
    numbers = {one.basis: one for one in numbers_in(answers_of("survival").found)}
    for one in (numbers["simulated"], numbers["declared"], numbers["counted"]):
        assert not_found([one], bundle_of("survival")) == []
        assert "is not in" in not_found([replace(one, value=one.value + 1)], bundle_of("survival"))[0]
    one = numbers["simulated"]
    assert one.error is not None
    assert len(not_found([replace(one, error=2 * one.error)], bundle_of("survival"))) == 1
    assert len(not_found([replace(one, place="no_such")], bundle_of("survival"))) == 1


def test_text_of_the_protocol_cannot_become_part_of_the_page(answers_of: Callable[[str], Answers]) -> None:
    found = answers_of("survival")
    page = render_guidances(found)
    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; {risk} {{ 7 * 7 }} validated" in page
    assert "default-src 'none'" in page
    assert HOSTILE in json.dumps(facts_of(found), ensure_ascii=False)


def test_what_is_stated_and_what_is_computed_stand_together(answers_of: Callable[[str], Answers]) -> None:
    found = {guidance.key: dict(one) for guidance, one in facts_by_item(answers_of("survival"))}
    assert found["m15"]["risk"]["sentences"][0].startswith("High. Influence is rated medium")
    verdicts = {tuple(row[:3]): row[-1] for row in found["m15"]["evaluation"]["tables"][0]["rows"]}
    assert verdicts["Type one error", "Null", "Log rank"] == "kept"
    assert verdicts["Power", "Works", "Cox"] == "kept"
    assert found["sap"]["estimand"]["state"] == "blocked"
    looks = found["sap"]["looks"]["sentences"]
    assert "events: 20, 40" in looks[0]
    assert looks[1] == "Efficacy is claimed where z reaches 2.963, 1.969, look by look."
    assert "one-sided level of 0.025" in found["sap"]["analysis"]["sentences"][0]
    assert re.search(r"a share of 0\.\d+ ± 0\.\d+ claimed", found["sap"]["size"]["sentences"][-1])
    score = {guidance.key: dict(one) for guidance, one in facts_by_item(answers_of("scored"))}
    assert "enters as one covariate" in score["sap"]["score"]["sentences"][0]
    assert score["ai"]["5_execute"]["numbers"]
    arms = {guidance.key: dict(one) for guidance, one in facts_by_item(answers_of("adaptive"))}
    assert "best 1 go on" in arms["sap"]["looks"]["sentences"][0]
    borrowed = {guidance.key: dict(one) for guidance, one in facts_by_item(answers_of("example"))}
    assert borrowed["external"]["time_zero"]["field"] == "context.external_controls.time_zero"
    assert len(borrowed["bayesian"]["drift"]["tables"][0]["rows"]) == 35
    assert found["external"]["time_zero"]["state"] == "answered"


def facts_by_item(found: Answers) -> Iterator[tuple[Any, dict[str, Any]]]:
    for (guidance, _), facts in zip(found.of, facts_of(found)["guidances"], strict=True):
        yield guidance, {one["id"]: one for one in facts["items"]}


def call(*arguments: object) -> Any:
    return CliRunner().invoke(commands, [str(one) for one in arguments])


def test_the_command_writes_beside_the_run_and_never_into_it(bundle_of: Callable[[str], Path]) -> None:
    bundle = bundle_of("adaptive")
    done = call("guidance", bundle, "--of", "e20,sap")
    assert done.exit_code == 0, done.output
    beside = bundle.with_name(f"{bundle.name}-guidances")
    assert sorted(one.name for one in beside.iterdir()) == ["guidances.html", "guidances.json"]
    facts = json.loads((beside / "guidances.json").read_text(encoding="utf-8"))
    assert [one["key"] for one in facts["guidances"]] == ["e20", "sap"]
    assert "blocked: add [estimand]" in done.output
    assert verify_bundle(bundle, "V0").holds
    for inside in (bundle, bundle / "deeper"):
        refused = call("guidance", bundle, "-o", inside)
        assert isinstance(refused.exception, InputError)
        assert "sealed" in str(refused.exception)
    assert isinstance(call("guidance", bundle, "--of", "gcp").exception, InputError)


@pytest.mark.parametrize(
    "lost", ["results/looks.csv", "inputs/trial.json", "record/blocks.jsonl", "manifest.json"]
)
def test_a_bundle_that_is_not_whole_gives_one_error_and_no_page(
    lost: str, tmp_path: Path, bundle_of: Callable[[str], Path]
) -> None:
    bundle = shutil.copytree(bundle_of("adaptive"), tmp_path / "copy")
    (bundle / lost).unlink()
    done = call("guidance", bundle, "-o", tmp_path / "page")
    assert isinstance(done.exception, BundleError)
    assert str(done.exception).count("Mend:") == 1
    assert not (tmp_path / "page").exists()


def test_the_page_is_written_whole(answers_of: Callable[[str], Answers], tmp_path: Path) -> None:
    page = write_guidances(answers_of("scored"), tmp_path / "made")
    assert page.read_text(encoding="utf-8").rstrip().endswith("</html>")
    again = write_guidances(answers_of("scored"), tmp_path / "again")
    assert page.read_bytes() == again.read_bytes()
