"""Depression on the HAMD-17: a model that is a card, without code of its own."""

from __future__ import annotations

from pathlib import Path

from trialsim.disease.linear_course import linear_course

Hamd17 = linear_course(Path(__file__).parents[1] / "cards" / "hamd17.toml")
