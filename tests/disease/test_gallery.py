"""The gallery in the docs is the one that its command makes, and has every model."""

from __future__ import annotations

from pathlib import Path

from benchmarks.disease_gallery import ROWS, page, picture
from trialsim.disease.registry import _OWN

DOCS = Path(__file__).parents[2] / "docs"


def test_the_gallery_has_a_row_and_a_picture_of_every_model() -> None:
    # Not those that an example in the docs registers by hand in the same process.
    assert sorted(row.model for row in ROWS) == sorted(_OWN)
    for row in ROWS:
        assert (DOCS / "gallery" / f"{row.model}.svg").is_file()


def test_the_gallery_is_not_out_of_date() -> None:
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == page()
    row = next(one for one in ROWS if one.model == "parkinsons")
    assert (DOCS / "gallery" / "parkinsons.svg").read_text(encoding="utf-8") == picture(row)
