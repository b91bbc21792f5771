"""How are a posterior's density and gradient computed, so that nothing is compiled twice?

By kernels that numba keeps. The models are stated in PyMC (`trialsim.prognosis.fit.model`, `outcome_model`);
tests hold each kernel to them within 1e-10. Loops are written in the order in which sums are to be taken, so
that the same history gives the same draws whatever is in a cache.
"""

from __future__ import annotations

# Of what fitted results are addressed by: another number where kernels give other draws.
REVISION = 1
