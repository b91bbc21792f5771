"""The gallery in the docs is the one that its command makes, and has every model."""

from __future__ import annotations

from pathlib import Path

from benchmarks.disease_gallery import ROWS, page, picture
from trialsim.disease import disease_model, disease_models

DOCS = Path(__file__).parents[2] / "docs"


def test_the_gallery_has_a_row_and_a_picture_of_every_model() -> None:
    own = [name for name in disease_models() if type(disease_model(name)).__module__.startswith("trialsim.")]
    assert sorted(row.model for row in ROWS) == sorted(own)
    for row in ROWS:
        assert (DOCS / "gallery" / f"{row.model}.svg").is_file()


def test_the_gallery_is_not_out_of_date() -> None:
    assert (DOCS / "gallery.md").read_text(encoding="utf-8") == page()
    row = next(one for one in ROWS if one.model == "parkinsons")
    assert (DOCS / "gallery" / "parkinsons.svg").read_text(encoding="utf-8") == picture(row)
