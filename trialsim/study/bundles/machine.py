"""Which machine and which versions made a bundle: all that can change the last bits of a number."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
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
    "OPENBLAS_CORETYPE", "MKL_CBWR", "GLIBC_TUNABLES",
)  # fmt: skip
# What a machine has that no number depends on.
_NO_MATTER = ("cores",)


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
    """Return processor, C library, kernels of BLAS, whether functions are compiled, and their settings.

    Two runs that agree in `versions` and in this have the same bits, on x86-64; elsewhere their numbers agree
    to about 1e-9 (class B).

    Examples
    --------
    >>> sorted(machine())
    ['blas', 'c_library', 'compiled', 'cores', 'processor', 'settings', 'vector_units']
    """
    found = {
        f"{one['internal_api']} {one.get('version')}": str(one.get("architecture", "not told"))
        for one in threadpool_info()
        if one["user_api"] == "blas"
    }
    return {
        "processor": _processor(),
        "vector_units": _vector_units(),
        "c_library": " ".join(platform.libc_ver()).strip() or "not told",
        "cores": os.cpu_count() or 1,
        "blas": found,
        "compiled": not numba.config.DISABLE_JIT,
        "settings": {name: os.environ[name] for name in _SETTINGS if name in os.environ},
    }


def other_machine(recorded: Mapping[str, Any]) -> list[str]:
    """Return in what this machine differs from a recorded one, as far as last bits depend on it.

    Examples
    --------
    >>> other_machine(machine()), other_machine(machine() | {"compiled": "not told"})
    ([], ['compiled'])
    """
    here = machine()
    shared = [name for name in here if name in recorded and name not in _NO_MATTER]
    return [name for name in shared if here[name] != recorded[name]]


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
