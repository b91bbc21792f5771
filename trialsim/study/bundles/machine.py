"""Which machine and which versions made a bundle: all that can change the last bits of a number."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numba
import numpy as np
from threadpoolctl import threadpool_info

from trialsim.study.running.checkpoints import code_hash

PACKAGES = ("trialsim", "numpy", "scipy", "pandas", "numba", "pymc", "nutpie", "arviz", "pyarrow")
_SETTINGS = (
    "NUMBA_DISABLE_JIT", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "NPY_DISABLE_CPU_FEATURES",
    "OPENBLAS_CORETYPE", "MKL_CBWR",
)  # fmt: skip


def versions() -> dict[str, str]:
    """Return the versions of Python and of every package that computes, and the hash of our source.

    Examples
    --------
    >>> sorted(versions())[:3]
    ['arviz', 'machine', 'numba']
    """
    found = {name: version(name) for name in PACKAGES}
    return found | {
        "source": code_hash(),
        "python": platform.python_version(),
        "machine": platform.machine(),
        "system": platform.system(),
    }


def machine() -> dict[str, Any]:
    """Return the processor, the kernels of BLAS, whether functions are compiled, and settings of these.

    Two runs that agree in `versions` and in this have the same bits, on x86-64; elsewhere their numbers agree
    to about 1e-9 (class B).

    Examples
    --------
    >>> sorted(machine())
    ['blas', 'compiled', 'cores', 'processor', 'settings', 'vector_units']
    """
    found = {
        f"{one['internal_api']} {one.get('version')}": str(one.get("architecture", "not told"))
        for one in threadpool_info()
        if one["user_api"] == "blas"
    }
    return {
        "processor": _processor(),
        "vector_units": _vector_units(),
        "cores": os.cpu_count() or 1,
        "blas": found,
        "compiled": not numba.config.DISABLE_JIT,
        "settings": {name: os.environ[name] for name in _SETTINGS if name in os.environ},
    }


def _processor() -> str:
    """Return the processor's name, where the system tells it."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return named[0] if named else platform.machine()


def _vector_units() -> list[str]:
    """Return the vector instructions that NumPy found and uses."""
    config: Any = np.show_config(mode="dicts")
    found = config.get("SIMD Extensions", {})
    return sorted({*found.get("baseline", []), *found.get("found", [])})
