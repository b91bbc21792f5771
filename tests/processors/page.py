"""The page that tells how far results depend on the processor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from tests.processors.comparing import Comparison
from tests.processors.imitations import IMITATIONS
from tests.processors.runs import ROOT

_HEAD = """# Other processors

```
$ make processors
```

computes the small runs below in processes that believe to be on another processor, and compares every number
with those of this one. It takes about ten minutes, most of it compiling, and writes this page.

- **A**: every row and table has the same bytes.
- **B (1e-15)**: the same words, counts and decisions, p values on the same side of the level, and every
  number within 1e-9 of itself or of its column's root mean square; in brackets the largest difference.
- **C**: less than that. A cell that says so names the table and column.

"""
_TAIL = """
What the columns mean:

{columns}

So bits follow the code that a library chooses for a processor, never the number of threads, workers or the
order of work. On processors of one kind (the same vector units) results are class A; between kinds they are
class B. Where a column is B, this is by

- NumPy's vector `exp`, `log` and powers: people of a card, disease models and true effects;
- the kernels of BLAS (`@`, `solve`): correlated people, Cox regression with covariates, scores of twins;
- `exp`, `log` and others of the C library, with or without fused multiply-add: p values, and iterations that
  use them;
- loops of the general mixed model (MMRM with gaps), which the compiler may reorder and contract (no run here
  needs them); all our other compiled loops have the same bits whatever processor they are compiled for.

Nothing is mended here: a portable `exp` or sum would change the last digits of every result so far, and would
be slower. The posterior of twins lies below all of this: it is an artefact that a bundle carries, and a fit
on another processor gives other draws of the same distribution (class C of [verification](verification.md),
`trialsim verify --level V5`).

`trialsim verify RUN --replay 20` says which class a comparison reaches, and in what the machine of the run
differs from yours. A history that a card generates has other last bits on another kind of processor, and so
another hash: `verify` says that this hash was not checked, instead of calling the run changed.

Not measured: ARM and macOS. Their numbers are expected to be class B.

Measured on {processor} ({units}), {library}.
"""


def page(found: Mapping[str, Mapping[str, Comparison]], facts: Mapping[str, Any]) -> str:
    """Return the page of a whole matrix: run → imitation → comparison."""
    names = [imitation.name for imitation in IMITATIONS]
    lines = ["| run | " + " | ".join(names) + " |", "| --- |" + " --- |" * len(names)]
    for run, row in found.items():
        lines.append(f"| {run} | " + " | ".join(row[name].in_words() for name in names) + " |")
    columns = "\n".join(f"- **{one.name}**: {one.what}{_settings(one.settings)}" for one in IMITATIONS)
    told = _TAIL.format(
        columns=columns, processor=facts["processor"], units=", ".join(facts["vector_units"]),
        library=facts["c_library"],
    )  # fmt: skip
    return _HEAD + "\n".join(lines) + "\n" + told


def _settings(settings: Mapping[str, str]) -> str:
    return "".join(f"; `{name}={value}`" for name, value in settings.items() if name != "OMP_NUM_THREADS")


def recorded() -> dict[str, dict[str, str]]:
    """Return the matrix of the page as it is: run → imitation → A, B or C."""
    text = (ROOT / "docs" / "processors.md").read_text(encoding="utf-8")
    rows = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    heads = rows[0][1:]
    return {
        row[0]: {head: re.sub(r"[* ]", "", cell)[:1] for head, cell in zip(heads, row[1:], strict=True)}
        for row in rows[2:]
    }
