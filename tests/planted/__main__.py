"""Plant each mistake in a copy of the package, and see whether its tests catch it.

python -m tests.planted [NAME ...]      writes docs/planted_bugs.md when all are planted
"""

from __future__ import annotations

import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.planted.bugs import BUGS, Bug
from tests.planted.planting import PAGE, ROOT, copied, first_failure, planted, recorded, table


def main(names: list[str]) -> int:
    chosen = [bug for bug in BUGS if not names or any(name in bug.name for name in names)]
    caught = recorded()
    with TemporaryDirectory() as folder:
        copy = copied(Path(folder) / "copy")
        for bug in chosen:
            caught[bug.name] = outcome(copy, bug)
            print(f"{bug.name}: {caught[bug.name]}", flush=True)
            (ROOT / PAGE).write_text(table(caught), encoding="utf-8")
    return 0 if all(caught[bug.name].startswith("caught") for bug in chosen) else 1


def outcome(copy: Path, bug: Bug) -> str:
    """Return which test catches a mistake, once its tests have passed without it."""
    if problem := first_failure(copy, bug.tests):
        return f"NOT JUDGED: {problem} fails without the mistake"
    with planted(copy, bug):
        found = first_failure(copy, bug.tests)
    if not found:
        return "NOT CAUGHT"
    return f"caught by {found}" if found.startswith("tests/") else f"NOT JUDGED: {found}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
