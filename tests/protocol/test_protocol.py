"""Protocols: what is read is what was written, and its hash is of content, not of layout."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from trialsim.errors import ProtocolError
from trialsim.protocol import cohort_path, protocol_from_dict, read_protocol

FOLDER = Path(__file__).parents[2] / "protocols"
NAMES = sorted(path.stem for path in FOLDER.glob("*.toml") if "trialsim.protocol/1" in path.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_shipped_protocols_round_trip(name: str) -> None:
    protocol = read_protocol(FOLDER / f"{name}.toml")
    assert protocol.name == name
    again = protocol_from_dict(protocol.to_dict())
    assert again == protocol
    assert again.content_hash() == protocol.content_hash()
    assert cohort_path(protocol, FOLDER / f"{name}.toml").is_file()


def test_hash_ignores_layout_and_sees_content(tmp_path: Path) -> None:
    text = (FOLDER / f"{NAMES[0]}.toml").read_text()
    hashes = []
    for change in (text, "# a comment\n\n" + text, text.replace("power = 0.90", "power = 0.80")):
        path = tmp_path / "p.toml"
        path.write_text(change)
        hashes.append(read_protocol(path).content_hash())
    assert hashes[0] == hashes[1] != hashes[2]


def test_prices_enter_the_hash_only_where_there_are_any(tmp_path: Path) -> None:
    text = (FOLDER / "alzheimers_phase2.toml").read_text()
    start, end = text.index("# [costs]"), text.index("[[dropout]]")
    priced = tmp_path / "priced.toml"
    shown = "".join(line.removeprefix("# ") for line in text[start:end].splitlines(keepends=True))
    priced.write_text(text[:start] + shown + text[end:])
    protocol, without = read_protocol(priced), read_protocol(FOLDER / "alzheimers_phase2.toml")
    assert protocol.costs is not None, "the example's prices are a table once the marks are gone"
    assert "costs" not in without.to_dict()
    assert protocol.content_hash() != without.content_hash()
    assert protocol_from_dict(protocol.to_dict()) == protocol
    priced.write_text(priced.read_text().replace("control = 30000.0", "control = -1.0"))
    with pytest.raises(ProtocolError, match=r"costs\.control"):
        read_protocol(priced)


def test_frozen() -> None:
    with pytest.raises(ValidationError):
        read_protocol(FOLDER / f"{NAMES[0]}.toml").seed = 3  # type: ignore[misc]


def test_missing_card_is_named(tmp_path: Path) -> None:
    path = tmp_path / "p.toml"
    path.write_text((FOLDER / f"{NAMES[0]}.toml").read_text())
    with pytest.raises(ProtocolError, match="cohort card not found"):
        cohort_path(read_protocol(path), path)


def test_shares() -> None:
    protocol = read_protocol(FOLDER / "alzheimers_phase2.toml")
    assert protocol.allocation == (0.5, 0.5)
    assert protocol.dropout_by_arm == pytest.approx((0.2, 0.25))
    assert protocol.alternative.kind == "alternative"
