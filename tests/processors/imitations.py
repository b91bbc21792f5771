"""Processors that this one can imitate: settings that make libraries choose the code of another."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

_AVX512 = "X86_V4 AVX512_ICL AVX512_SPR"
_NO_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
_OLD_LIBM = "glibc.cpu.hwcaps=-AVX2,-FMA,-FMA4,-AVX512F"
_SETTINGS = (
    "NPY_DISABLE_CPU_FEATURES", "OPENBLAS_CORETYPE", "NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES", "GLIBC_TUNABLES",
)  # fmt: skip


@dataclass(frozen=True)
class Imitation:
    """What stands for another processor.

    Parameters
    ----------
    name : str
        Head of its column.
    what : str
        Which code runs in the place of which.
    settings : dict of str to str
        Environment of the process.
    """

    name: str
    what: str
    settings: dict[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the environment of a process that runs under it, and under no other setting of the kind."""
        return {name: value for name, value in os.environ.items() if name not in _SETTINGS} | (
            _NO_THREADS | self.settings
        )


NATIVE = Imitation("again", "nothing: the same once more, in another process")
IMITATIONS = (
    NATIVE,
    Imitation("4 threads", "BLAS on 4 threads", {"OPENBLAS_NUM_THREADS": "4", "OMP_NUM_THREADS": "4"}),
    Imitation("NumPy AVX2", "NumPy without AVX-512", {"NPY_DISABLE_CPU_FEATURES": _AVX512}),
    Imitation("NumPy SSE", "NumPy without AVX2 and FMA", {"NPY_DISABLE_CPU_FEATURES": f"X86_V3 {_AVX512}"}),
    Imitation("BLAS AVX2", "OpenBLAS with the kernels of Haswell", {"OPENBLAS_CORETYPE": "Haswell"}),
    Imitation("BLAS SSE", "OpenBLAS with the kernels of Nehalem", {"OPENBLAS_CORETYPE": "Nehalem"}),
    Imitation("libm SSE", "exp, log, sin of the C library without FMA", {"GLIBC_TUNABLES": _OLD_LIBM}),
    Imitation("compiled SSE", "our kernels compiled for any x86-64", {"NUMBA_CPU_NAME": "generic"}),
    Imitation(
        "AVX2 machine",
        "NumPy, BLAS and kernels of a processor of 2013 (Haswell)",
        {
            "NPY_DISABLE_CPU_FEATURES": _AVX512, "OPENBLAS_CORETYPE": "Haswell",
            "NUMBA_CPU_NAME": "haswell", "NUMBA_CPU_FEATURES": "+avx2,+fma,+bmi,+bmi2,+lzcnt,+popcnt",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F",
        },
    ),
    Imitation(
        "SSE machine",
        "NumPy, BLAS, C library and kernels of a processor of 2008 (Nehalem)",
        {
            "NPY_DISABLE_CPU_FEATURES": f"X86_V3 {_AVX512}", "OPENBLAS_CORETYPE": "Nehalem",
            "NUMBA_CPU_NAME": "generic", "GLIBC_TUNABLES": _OLD_LIBM,
        },
    ),
)  # fmt: skip
