"""How fast a block of trials is analysed by ANCOVA, and the type I error that its default keeps."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
import pandas as pd
import statsmodels.formula.api as smf
from threadpoolctl import threadpool_limits

from benchmarks.figure import Figure, seconds
from trialsim.analysis.linear import UnsafeStandardErrorWarning, fit_linear, model_based_type_one_error
from trialsim.analysis.marginal import fit_marginal
from trialsim.streams import stream

N, BLOCK, SEED = 400, 1_000, 20261121
NULL_N, NULL_REPLICATES, NULL_BLOCK, CONTROL_SD = 300, 50_000, 5_000, 1.5


def trials(replicates: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return outcome, arm and one covariate of trials at 1:1."""
    rng = stream(SEED, "linear_ancova", 0, "outcome")
    arm = np.tile((np.arange(N) % 2).astype(np.int8), (replicates, 1))
    x = rng.standard_normal((replicates, N, 1))
    return 0.3 * arm + 0.5 * x[:, :, 0] + rng.standard_normal((replicates, N)), arm, x


def linear_ancova() -> Iterator[Figure]:
    """Trials a second of ANCOVA with HC3, beside the same model by statsmodels' formula."""
    with threadpool_limits(1):
        y, arm, x = trials(BLOCK)
        each = seconds(lambda: fit_linear(y, arm, x)) / BLOCK
        frame = pd.DataFrame({"y": y[0], "arm": arm[0], "x": x[0, :, 0]})
        peer = seconds(lambda: [smf.ols("y ~ arm + x", frame).fit(cov_type="HC3") for _ in range(20)]) / 20
        ours = fit_linear(y[:1], arm[:1], x[:1])
        theirs = smf.ols("y ~ arm + x", frame).fit(cov_type="HC3")
        apart = abs(ours.standard_error[0] / theirs.bse["arm"] - 1)
        bandwidth = seconds(lambda: (y.sum(), x.sum(), arm.sum())) / BLOCK
        yield Figure(
            "linear_ancova n=400 HC3",
            1 / each,
            "trials/s",
            goal=10_000,
            peer=f"statsmodels ols formula, HC3: {1 / peer:.0f} trials/s; standard errors {apart:.0e} apart",
            ratio=peer / each,
            limit=f"reading the block once: {1 / bandwidth:.0f} trials/s, so {bandwidth / each:.1%} of it",
        )
        interacted = seconds(lambda: fit_linear(y, arm, x, slopes="interacted")) / BLOCK
        yield Figure("linear_ancova n=400 interacted HC3", 1 / interacted, "trials/s")
        binary = (y > 0).astype(float)
        logit = seconds(lambda: fit_marginal(binary, arm, x, family="binomial"), 3) / BLOCK
        yield Figure("linear_ancova n=400 logistic g-computation", 1 / logit, "trials/s")


def null_rejections(active_share: float) -> tuple[float, float]:
    """Return the rejection share at 5% of the default and of the model-based analysis."""
    rejected = np.zeros(2)
    for index in range(NULL_REPLICATES // NULL_BLOCK):
        rng = stream(SEED, f"null {active_share:.3f}", index, "outcome")
        arm = np.tile((np.arange(NULL_N) < round(active_share * NULL_N)).astype(np.int8), (NULL_BLOCK, 1))
        x = rng.standard_normal((NULL_BLOCK, NULL_N, 1))
        sd = np.where(arm == 0, CONTROL_SD, 1.0)
        y = 0.5 * x[:, :, 0] + sd * rng.standard_normal((NULL_BLOCK, NULL_N))
        for k, variance in enumerate(("hc3", "model")):
            rejected[k] += fit_linear(y, arm, x, variance=variance).rejects(0.05).sum()
    return rejected[0] / NULL_REPLICATES, rejected[1] / NULL_REPLICATES


def robust_type_one() -> Iterator[Figure]:
    """Type I error of heteroscedastic nulls, n = 300, control arm with 1.5 times the spread."""
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", UnsafeStandardErrorWarning)
        for name, share in (("2:1", 2 / 3), ("3:1", 3 / 4)):
            default, model = null_rejections(share)
            error = np.sqrt(default * (1 - default) / NULL_REPLICATES)
            law = float(model_based_type_one_error(CONTROL_SD, 1.0, share))
            yield Figure(
                f"robust_type_one {name}",
                default,
                "rejections",
                goal=0.055,
                at_most=True,
                peer=f"model-based standard error: {model:.4f} (closed form {law:.4f})",
                ratio=model / default,
                limit=f"nominal .05, Monte Carlo standard error {error:.4f} at {NULL_REPLICATES} replicates",
            )


BENCHMARKS = {"linear_ancova": linear_ancova, "robust_type_one": robust_type_one}
