"""Group-sequential bounds: the time of a whole design."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.figure import Figure, seconds
from benchmarks.rpact_peer import FIVE_LOOKS, THREE_LOOKS, Peer, rpact
from trialsim.design import (
    BetaSpending,
    HwangShihDeCani,
    OBrienFlemingSpending,
    PocockSpending,
    group_sequential_design,
)
from trialsim.design.group_sequential import (
    FutilityRule,
    GroupSequentialDesign,
    NullSpending,
    SpendingFunction,
    WangTsiatis,
    adapted_bounds,
)

REPEATS = 200

# Milliseconds a design, one core, on another machine: no ratio is taken with these.
PEERS_THREE_LOOKS = {"rpact 3.3.4": 80.0, "gsDesign 3.10.1": 13.0, "lrstat 0.2.15": 25.0}
PEERS_FIVE_LOOKS = {"rpact 3.3.4": 1043.0, "gsDesign 3.10.1": 49.0}

THREE = [1 / 3, 2 / 3, 1.0]
FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]


def whole_design(
    looks: list[float], rule: SpendingFunction | WangTsiatis, futility: FutilityRule | None = None
) -> Callable[[], GroupSequentialDesign]:
    """Return work that finds bounds, drift, inflation and the stopping probabilities under H0 and H1."""

    def work() -> GroupSequentialDesign:
        design = group_sequential_design(looks, efficacy=rule, futility=futility)
        assert np.isfinite(design.inflation)
        assert design.under_null.upper.sum() < design.under_alternative.upper.sum()
        return design

    return work


def milliseconds(work: Callable[[], object]) -> float:
    return 1e3 * seconds(work, REPEATS)


def elsewhere(peers: dict[str, float]) -> Peer:
    """Return peers' times of another machine."""
    return Peer(f"{', '.join(f'{peer} {time:g} ms' for peer, time in peers.items())}, on another machine")


def figure(name: str, value: float, peer: Peer, goal: float) -> Figure:
    return Figure(
        f"boundaries: {name}",
        value,
        "ms/design",
        goal=goal,
        at_most=True,
        peer=peer.words,
        ratio=peer.ratio(value),
    )


def boundaries() -> Iterator[Figure]:
    """Yield the time of designs with three looks, against the goal, and with five looks and futility."""
    lower = HwangShihDeCani(-2.0)
    three, five = elsewhere(PEERS_THREE_LOOKS), elsewhere(PEERS_FIVE_LOOKS)
    for name, rule, peer in (
        ("O'Brien-Fleming", OBrienFlemingSpending(), rpact(THREE_LOOKS, three.words)),
        ("Pocock", PocockSpending(), three),
    ):
        yield figure(f"K=3 {name} spending", milliseconds(whole_design(THREE, rule)), peer, goal=1.0)
    for looks, peer in ((THREE, three), (FIVE, five)):
        time = milliseconds(whole_design(looks, WangTsiatis(0.25)))
        yield figure(f"K={len(looks)} Wang-Tsiatis 0.25", time, peer, goal=1.0)
    for name, futility, peer in (
        ("beta spending, non-binding", BetaSpending(lower), rpact(FIVE_LOOKS, five.words, 2)),
        ("beta spending, binding", BetaSpending(lower, binding=True), five),
        ("null spending, non-binding", NullSpending(lower), five),
    ):
        time = milliseconds(whole_design(FIVE, OBrienFlemingSpending(), futility))
        yield figure(f"K=5 {name}", time, peer, goal=1.0)


def adapted() -> Iterator[Figure]:
    """Yield the time a trial of bounds that are found again from its own information."""
    generator = np.random.default_rng(20261121)
    seen = np.array([0.35, 0.7, 1.0]) + generator.normal(0.0, 0.03, (250, 3))
    rule = OBrienFlemingSpending()
    time = seconds(lambda: adapted_bounds(seen, rule, 0.025), 20) / len(seen)
    one = group_sequential_design(THREE, efficacy=rule)
    twin = seconds(lambda: one.at_observed(seen[0].tolist(), final=True), REPEATS)
    yield Figure(
        "adapted_bounds: K=3 O'Brien-Fleming spending, a trial's own looks",
        1e3 * time,
        "ms/trial",
        goal=0.15,
        at_most=True,
        peer=f"one design at a time {1e3 * twin:.2f} ms",
        ratio=twin / time,
    )


BENCHMARKS = {"boundaries": boundaries, "adapted_bounds": adapted}
