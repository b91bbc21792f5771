"""Warfarin started by genotype, by a clinical rule, or at one dose for all: how long the INR is in range."""

from __future__ import annotations

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease.evidence import Parameter, Table, parameters_in
from trialsim.disease.inputs import require_option, require_people, settings
from trialsim.disease.interface import Chance, Dial, Dials, DiseaseModel, Endpoint, Input, Realised

_WARG = "WARG, Wadelius et al. 2009, Blood 113:784: square root of mg a week"
_EU_PACT = "EU-PACT, Pirmohamed et al. 2013, N Engl J Med 369:2294: 67.4 against 60.3 % of time in range"
_COAG = "COAG, Kimmel et al. 2013, N Engl J Med 369:2283: 45.2 against 45.4 %; Black 35.2 against 43.5 %"
_LIMDI = "Limdi et al. 2015, Blood 126:539, Table 1: who has a minor allele, by race"
_FITTED = "So that the differences of EU-PACT and COAG come out together"

INTERCEPT = Parameter(9.46832, "root mg a week", "published", _WARG)
VKORC1 = Table((0.0, -0.90112, -2.01863), "by A alleles", "published", _WARG)
CYP2C9 = Table(
    (0.0, -0.97546, -3.40061, -0.50836, -1.74761, 0.0, -1.10204, 0.0, 0.0),
    "by 3 times the *2 alleles and the *3 alleles", "published", _WARG,
)  # fmt: skip
AGE = Parameter(-0.03686, "a year", "published", _WARG)
FEMALE = Parameter(-0.27698, "if female", "published", _WARG)
INTERACTING = Parameter(-0.06992, "a drug", "published", _WARG)
OWN_SD = Parameter(0.75, "root mg a week", "assumed", _FITTED)
VARIANT = Parameter(-0.54, "an allele", "recalled", "Perera et al. 2013, Lancet 382:790: 6.9 of 45 mg a week")
UNEXPLAINED = Parameter(-0.90, "in Black participants", "assumed", "So that COAG's -8 points come out")
GENES_OF_OTHERS = Parameter(-0.973, "on average", "computed", f"Of all but Black participants: {_LIMDI}")
GENES_OF_BLACK = Parameter(-0.225, "on average", "computed", f"Of Black participants: {_LIMDI}")
VARIANTS_OF_BLACK = Parameter(0.66, "alleles", "computed", f"CYP2C9*5, *6, *8, *11, rs12777823: {_LIMDI}")
STANDARD = Parameter(35.0, "mg a week", "recalled", "5 mg a day, as in EU-PACT's control arm")
STEEPNESS = Parameter(1.6, "power", "assumed", _FITTED)
DELAY = Parameter(0.30, "a day", "assumed", "The INR gets 26 % nearer to its goal in a day")
WITHIN_SD = Parameter(0.29, "log dose", "assumed", "How a need changes: food, illness, missed tablets")
WITHIN_MEMORY = Parameter(0.80, "a day", "assumed", "How long such a change lasts")
CHECKS = Table((4, 8, 14, 21, 28, 42, 56, 70), "days", "assumed", "About weekly at first")
CAUTION = Parameter(0.11, "power", "assumed", f"How far a dose is changed at a check: {_FITTED}")
REVISION = Parameter(0.51, "power", "assumed", "The same in the first ten days, under a clinical rule")
LARGEST_CHANGE = Parameter(0.25, "share", "assumed", "Of a dose at one check")

LOW, HIGH, SEVERE = 2.0, 3.0, 4.0
_SMALLEST_ROOT = 2.0
_EARLY_DAYS, _FIRST_WEEK = 10, 8
_HORIZON = 12.0


class Warfarin(DiseaseModel):
    """The INR day by day after the first dose, which is changed at checks.

        √need = 9.468 + VKORC1 + CYP2C9 − 0.0369 age − 0.277 female − 0.070 drugs + N(0, 0.75²)
                − black · (0.54 · other variants + 0.90)
        INR' = 0.30 (1 + 1.5 (dose e^w / need)^1.6 − INR),   w of memory 0.8 a day and SD 0.29

    The genotype rule is the first line without its error; it does not know the second. The clinical rule
    (`clinical` = 1) knows age, sex, drugs and race, with the average genes of each; otherwise control starts
    at 35 mg a week. At a check a dose out of range is multiplied by (expected / seen INR − 1)^0.11, within a
    quarter; under the clinical rule by the power 0.51
    in the first ten days. `first_day` is when time begins to count.

    Sources: WARG; genotypes by race of Limdi 2015; EU-PACT and COAG, to whose differences what is
    assumed was fitted.
    """

    name = "warfarin"
    title = "Warfarin by genotype: time in range and high INR"
    parameters = parameters_in(globals())
    inputs = (
        Input("age", "years", 18.0, 110.0, "adults"),
        Input("female", "0 or 1", 0.0, 1.0, "a yes or no"),
        Input("black", "0 or 1", 0.0, 1.0, "a yes or no"),
        Input("interacting_drugs", "drugs", 0.0, 10.0, "a count"),
        Input("vkorc1_a", "alleles", 0.0, 2.0, "a person has two"),
        Input("cyp2c9_2", "alleles", 0.0, 2.0, "a person has two"),
        Input("cyp2c9_3", "alleles", 0.0, 2.0, "a person has two"),
        Input("other_variants", "alleles", 0.0, 8.0, "CYP2C9*5, *6, *8, *11 and rs12777823"),
    )
    dials = (
        Dial("genotype", "add", 0.0, 1.0, "share", "the first dose: 1 by genotype, 0 by the usual rule"),
        Dial("need", "multiply", 0.2, 5.0, "ratio", "the needed dose, as another drug changes it"),
    )
    endpoints = (
        Endpoint("time_in_range", "score", "% of time", False, _HORIZON, 0.0, 100.0),
        Endpoint("time_above", "score", "% of time", True, _HORIZON, 0.0, 100.0),
        Endpoint("inr_4", "response", "INR of 4 or more at a check", True, _HORIZON),
    )
    sources = (
        _WARG, _LIMDI, _EU_PACT, _COAG,
        "Assumed by trialsim: how an INR follows a dose, what a clinic does at a check, what Black "
        "participants need less beyond the variants",
    )  # fmt: skip

    def __init__(
        self, clinical: float = 0.0, first_day: float = 0.0, unexplained: float = UNEXPLAINED
    ) -> None:
        """Choose the usual rule (1: clinical), the last day that does not count, and what is unexplained."""
        self.clinical = require_option(clinical, "clinical", 0.0, 1.0)
        self.first_day = require_option(first_day, "first_day", 0.0, 28.0)
        self.unexplained = require_option(unexplained, "unexplained", -3.0, 3.0)

    def draw(
        self, people: Covariates, endpoint: str, dials: Dials, weeks: Floats, chance: Chance
    ) -> Realised:
        """Draw shares of time (M, V), or who has a high INR (M, 1); see `DiseaseModel.draw`."""
        asked, dialled = self.endpoint_named(endpoint), settings(self, dials)
        require_people(people, self.inputs, self.name)
        black = people.column("black")
        known = INTERCEPT + AGE * people.column("age") + FEMALE * people.column("female")
        known = known + INTERACTING * people.column("interacting_drugs")
        hidden = VARIANT * people.column("other_variants") + self.unexplained
        own = OWN_SD * chance("disease").standard_normal(len(people))
        need = _squared(known + genes(people) + black * hidden + own) * dialled["need"]
        of_black = GENES_OF_BLACK + VARIANT * VARIANTS_OF_BLACK + self.unexplained
        average = np.where(black == 1, of_black, GENES_OF_OTHERS)
        usual = self.clinical * _squared(known + average) + (1 - self.clinical) * STANDARD
        by_genotype = np.asarray(dialled["genotype"], dtype=np.float64)
        dose = by_genotype * _squared(known + genes(people)) + (1 - by_genotype) * usual
        within, above, severe = self._walk(dose, need, np.round(weeks * 7), chance("outcome"))
        found = {"time_in_range": within, "time_above": above, "inr_4": severe[:, None]}
        return Realised(found[asked.name])

    def _walk(
        self, dose: Floats, need: Floats, marks: Floats, generator: np.random.Generator
    ) -> tuple[Floats, Floats, Floats]:
        """Return shares of time in and above range until marks (M, V), and who was ever at 4 or more (M,)."""
        people = len(dose)
        inr, change = np.ones(people), np.zeros(people)
        within, above, severe = np.zeros(people), np.zeros(people), np.zeros(people)
        shares = np.zeros((2, people, len(marks)))
        first = int(self.first_day)
        for day in range(1, int(marks.max()) + 1):
            news = np.sqrt(1 - WITHIN_MEMORY**2) * WITHIN_SD * generator.standard_normal(people)
            change = WITHIN_MEMORY * change + news
            goal = 1 + 1.5 * (dose * np.exp(change) / need) ** STEEPNESS
            inr = inr + (1 - np.exp(-DELAY)) * (goal - inr)
            if day in CHECKS:
                severe = np.maximum(severe, inr >= SEVERE)
                dose = dose * self._changed(inr, day)
            if day > first:
                within, above = within + ((inr >= LOW) & (inr <= HIGH)), above + (inr > HIGH)
            for mark in np.flatnonzero(marks == day):
                shares[:, :, mark] = 100 * np.stack([within, above]) / max(day - first, 1)
        return shares[0], shares[1], severe.astype(np.float64)

    def _changed(self, inr: Floats, day: int) -> Floats:
        """Return by what a dose is multiplied at a check."""
        expected = 1.5 * (1 - np.exp(-DELAY * day))
        power = REVISION if self.clinical == 1 and day <= _EARLY_DAYS else CAUTION
        ratio = (expected / np.maximum(inr - 1, 0.1)) ** power
        ratio = np.clip(ratio, 1 - LARGEST_CHANGE, 1 + LARGEST_CHANGE)
        out = (inr < expected + 1 - (2.5 - LOW)) | (inr > HIGH) | (day <= _FIRST_WEEK)
        return np.where(out, ratio, 1.0)


def genes(people: Covariates) -> Floats:
    """Return what VKORC1 and CYP2C9 change of the root of the weekly dose (M,).

    More than two CYP2C9 alleles count as *2/*3: the two margins of a card are drawn apart.
    """
    two = people.column("cyp2c9_2").astype(np.int64)
    three = people.column("cyp2c9_3").astype(np.int64)
    over = two + three > 2  # a person has two alleles
    two, three = np.where(over, 1, two), np.where(over, 1, three)
    vkorc1 = np.array(VKORC1)[people.column("vkorc1_a").astype(np.int64)]
    return np.asarray(vkorc1 + np.array(CYP2C9)[3 * two + three])


def _squared(root: Floats) -> Floats:
    return np.asarray(np.maximum(root, _SMALLEST_ROOT) ** 2)
