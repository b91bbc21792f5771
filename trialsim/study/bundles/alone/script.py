"""The modules of this room as one plain file that needs Python alone."""

from __future__ import annotations

import ast
from importlib.resources import files

SCRIPT = "verify.py"
_MODULES = ("files", "sealing", "parquet", "counting", "main")
_HEAD = '''#!/usr/bin/env python3
"""Check this run bundle with Python 3.11 or later alone, offline: python3 -I verify.py [--expect HASH]"""

from __future__ import annotations
'''
_FOOT = """

if __name__ == "__main__":
    sys.exit(main())
"""


def script_text() -> str:
    """Return the script that every bundle carries.

    Returns
    -------
    str
        Its text: the same for one version of the package.

    Examples
    --------
    >>> "import numpy" in script_text(), "trialsim.study" in script_text()
    (False, False)
    """
    parts = [_without_own_imports(name) for name in _MODULES]
    return _HEAD + "".join(parts) + _FOOT


def _without_own_imports(name: str) -> str:
    """Return a module without its first docstring, and without imports of this package."""
    text = (files(__package__) / f"{name}.py").read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    for position, node in enumerate(ast.parse(text).body):
        own = isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in (
            "trialsim", "__future__",
        )  # fmt: skip
        if own or position == 0:
            assert node.end_lineno is not None
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return f"\n# --- {name}\n" + "".join(lines)
