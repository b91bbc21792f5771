"""Randomisation against its slow twins, and against what each method promises."""

from __future__ import annotations

import numpy as np
import pytest

from trialsim.errors import DesignError
from trialsim.trial import minimise, permuted_blocks, simple_randomisation


def slow_blocks(ratio, sizes, strata, uniform):  # type: ignore[no-untyped-def]  # mirrors the kernel in plain Python
    base = [a for a, part in enumerate(ratio) for _ in range(part)]
    arm = np.empty(strata.shape, dtype=int)
    for r, row in enumerate(strata):
        open_blocks: dict[int, list[int]] = {}
        for i, s in enumerate(row):
            if not open_blocks.get(s):
                size = sizes[int(uniform[0, r, i] * len(sizes))]
                open_blocks[s] = sorted(base * (size // len(base)))
            block = open_blocks[s]
            arm[r, i] = block.pop(int(uniform[1, r, i] * len(block)))
    return arm


def slow_minimisation(levels, ratio, p, weights, measure, uniform):  # type: ignore[no-untyped-def]  # as above
    ratio = np.asarray(ratio, dtype=float)
    arm = np.empty(levels.shape[:2], dtype=int)
    for r in range(len(levels)):
        for i in range(levels.shape[1]):
            distance = []
            for k in range(len(ratio)):
                total = 0.0
                for f, w in enumerate(weights):
                    same = levels[r, :i, f] == levels[r, i, f]
                    count = np.array([(arm[r, :i][same] == a).sum() for a in range(len(ratio))], dtype=float)
                    count[k] += 1
                    share = count / ratio
                    total += w * (np.ptp(share) if measure == "range" else share.var(ddof=1))
                distance.append(total)
            tied = np.isclose(distance, min(distance), rtol=0, atol=1e-9)
            chance = np.where(tied, ratio, 0)
            best = int(np.searchsorted(np.cumsum(chance) / chance.sum(), uniform[0, r, i], side="right"))
            high = 1 - (1 - p) * (ratio.sum() - ratio[best]) / (ratio.sum() - ratio.min())
            chance = (1 - high) * ratio / (ratio.sum() - ratio[best])
            chance[best] = high
            arm[r, i] = np.searchsorted(np.cumsum(chance), uniform[1, r, i], side="right")
    return arm


@pytest.mark.parametrize(("ratio", "sizes"), [((1, 1), (4,)), ((1, 2), (3, 6)), ((2, 1, 1), (4, 8, 12))])
def test_blocks_equal_their_slow_twin(ratio: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    strata = np.random.default_rng(1).integers(0, 3, size=(5, 40))
    arm = permuted_blocks(5, 40, ratio, sizes, np.random.default_rng(2), strata)
    uniform = np.random.default_rng(2).random((2, 5, 40))
    np.testing.assert_array_equal(arm, slow_blocks(ratio, sizes, strata, uniform))


def test_every_full_block_of_every_stratum_is_balanced() -> None:
    strata = np.random.default_rng(3).integers(0, 4, size=(20, 200))
    arm = permuted_blocks(20, 200, (1, 2), (6,), np.random.default_rng(4), strata)
    for r in range(20):
        for s in range(4):
            here = arm[r][strata[r] == s]
            full = here[: len(here) // 6 * 6].reshape(-1, 6)
            assert (full.sum(axis=1) == 4).all()


def test_every_order_of_a_block_is_equally_likely() -> None:
    arm = permuted_blocks(60_000, 4, (1, 1), (4,), np.random.default_rng(5))
    code = arm @ np.array([8, 4, 2, 1])
    _, counts = np.unique(code, return_counts=True)
    assert len(counts) == 6
    assert (np.abs(counts / 60_000 - 1 / 6) < 4 * np.sqrt(5 / 36 / 60_000)).all()


def test_block_sizes_are_equally_likely() -> None:
    # After 4 participants of 1:1 the arms are level if the first block had 4 (always), or 8 (36 of 70).
    arm = permuted_blocks(40_000, 4, (1, 1), (4, 8), np.random.default_rng(6))
    level = (arm.sum(axis=1) == 2).mean()
    expected = 0.5 + 0.5 * 36 / 70
    assert abs(level - expected) < 4 * np.sqrt(expected * (1 - expected) / 40_000)


def test_simple_randomisation_meets_any_ratio_independently() -> None:
    arm = simple_randomisation(400, 500, (1, 1.5, 0.5), np.random.default_rng(7))
    for a, share in enumerate((1 / 3, 1 / 2, 1 / 6)):
        assert abs((arm == a).mean() - share) < 4 * np.sqrt(share * (1 - share) / arm.size)
    counts = (arm == 0).sum(axis=1)
    assert counts.var() == pytest.approx(500 * 2 / 9, rel=4 * np.sqrt(2 / 400))


@pytest.mark.parametrize("measure", ["range", "variance"])
@pytest.mark.parametrize("ratio", [(1, 1), (1, 2), (1, 1, 2)])
def test_minimisation_equals_its_slow_twin(measure: str, ratio: tuple[int, ...]) -> None:
    levels = np.random.default_rng(8).integers(0, (2, 3, 4), size=(3, 40, 3))
    arm = minimise(
        levels, ratio, np.random.default_rng(9), probability=0.8, weights=(1, 2, 0.5),
        measure=measure,  # type: ignore[arg-type]  # parametrised over both literals
    )  # fmt: skip
    uniform = np.random.default_rng(9).random((2, 3, 40))
    np.testing.assert_array_equal(arm, slow_minimisation(levels, ratio, 0.8, (1, 2, 0.5), measure, uniform))


def test_minimisation_keeps_margins_closer_than_simple_randomisation() -> None:
    levels = np.random.default_rng(10).integers(0, 2, size=(300, 100, 5))
    signed = 2.0 * minimise(levels, (1, 1), np.random.default_rng(11)) - 1
    chance = 2.0 * simple_randomisation(300, 100, (1, 1), np.random.default_rng(12)) - 1
    here = levels[..., 0] == 0
    assert np.abs((signed * here).sum(axis=1)).mean() < 0.5 * np.abs((chance * here).sum(axis=1)).mean()


def test_minimisation_keeps_an_unequal_ratio() -> None:
    levels = np.random.default_rng(13).integers(0, 3, size=(400, 120, 3))
    arm = minimise(levels, (1, 2, 3), np.random.default_rng(14))
    shares = np.array([(arm == a).mean(axis=1) for a in range(3)])
    error = shares.std(axis=1) / np.sqrt(400)
    # Han's probabilities keep the ratio in the long run; one participant is 1/120.
    assert (np.abs(shares.mean(axis=1) - np.array([1, 2, 3]) / 6) < 1 / 120 + 4 * error).all()


def test_minimisation_does_not_depend_on_how_levels_are_numbered() -> None:
    levels = np.random.default_rng(15).integers(0, 3, size=(4, 60, 2))
    relabelled = np.array([2, 0, 1])[levels]
    one = minimise(levels, (1, 1), np.random.default_rng(16))
    two = minimise(relabelled, (1, 1), np.random.default_rng(16))
    np.testing.assert_array_equal(one, two)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda g: simple_randomisation(1, 4, (1, 0), g), "ratio"),
        (lambda g: simple_randomisation(1, 4, (1,), g), "ratio"),
        (lambda g: simple_randomisation(1, 4, (1, float("nan")), g), "ratio"),
        (lambda g: permuted_blocks(1, 4, (1, 1.5), (5,), g), "ratio"),
        (lambda g: permuted_blocks(1, 4, (1, 2), (4,), g), "block_sizes"),
        (lambda g: permuted_blocks(1, 4, (1, 1), (), g), "block_sizes"),
        (lambda g: permuted_blocks(2, 4, (1, 1), (2,), g, np.zeros((3, 4), dtype=int)), "strata"),
        (lambda g: permuted_blocks(1, 4, (1, 1), (2,), g, np.full(4, -1)), "strata"),
        (lambda g: minimise(np.zeros((1, 4), dtype=int), (1, 1), g), "factors"),
        (lambda g: minimise(np.zeros((1, 4, 1)), (1, 1), g), "factors"),
        (lambda g: minimise(np.zeros((1, 4, 1), dtype=int), (1, 1), g, probability=0.4), "probability"),
        (lambda g: minimise(np.zeros((1, 4, 1), dtype=int), (1, 1), g, weights=(-1,)), "weights"),
    ],
)
def test_impossible_randomisation_is_refused(call, field: str) -> None:  # type: ignore[no-untyped-def]  # lambdas
    with pytest.raises(DesignError) as fault:
        call(np.random.default_rng(1))
    assert fault.value.field == field
