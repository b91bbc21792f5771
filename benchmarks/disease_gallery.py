"""The gallery of disease models: course, trial, our numbers beside the published ones, and evidence.

    python -m benchmarks.disease_gallery

writes docs/gallery.md and a picture a model into docs/gallery/. Pictures are SVG: nothing else draws them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np

from trialsim.data import Covariates, Floats
from trialsim.disease import DiseaseModel, disease_model
from trialsim.disease.inputs import WEEKS_PER_MONTH
from trialsim.population import draw_covariates, read_card
from trialsim.streams import stream

ROOT = Path(__file__).parents[1]
PEOPLE = 20_000
WIDTH, HEIGHT, PAD = 320, 180, 34


@dataclass(frozen=True)
class Row:
    """A model in the gallery.

    Parameters
    ----------
    model, card, endpoint, trial : str
        Names, and the trial that it is after.
    until : float
        End of the picture, in weeks for a score, in months else.
    active : dict of str to float
        Dials of the active arm in the picture.
    says : str
        What the active arm is.
    numbers : tuple of (str, float, float, str)
        What, when (weeks or months), published, and how it is read: ``change`` or ``mean`` of scores,
        ``count`` of events, ``a month``, ``rate`` (per 100 years), ``left`` (per cent
        without the event), or ``percent`` and a response. Without any
        where nobody has printed what happens on placebo.
    world : dict of str to float
        Dials of both arms.
    options : dict of str to float
        Of the model.
    """

    model: str
    card: str
    endpoint: str
    trial: str
    until: float
    active: dict[str, float]
    says: str
    numbers: tuple[tuple[str, float, float, str], ...]
    world: dict[str, float]
    options: dict[str, float] = field(default_factory=dict)

    @property
    def made(self) -> DiseaseModel:
        """The model, with its options."""
        return disease_model(self.model, **self.options)

    @property
    def kind(self) -> str:
        """Kind of the endpoint."""
        return self.made.endpoint_named(self.endpoint).kind


ROWS = (
    Row("delor2013_cdr_sb", "alzheimers_early", "cdr_sb", "Clarity AD", 78.0, {"decline": 0.7},
        "30 % slowing", (("change at week 78, calibrated", 78.0, 1.66, "change"),), {},
        {"slow_share_at_centre": 0.985}),
    Row("conrado2014_adas_cog", "alzheimers_mild_moderate", "adas_cog", "CDISC pilot", 52.0, {"decline": 0.7},
        "30 % slowing", (("change at week 24", 24.0, 2.15, "change"),), {}),
    Row("heart_failure", "heart_failure", "hf_or_cv_death", "DAPA-HF", 24.0,
        {"hf_rate": 0.66, "cv_hazard": 0.81}, "dapagliflozin",
        (("first events per 100 years", 18.2, 15.6, "rate"),), {}),
    Row("copd_exacerbations", "copd", "exacerbations", "IMPACT", 12.0, {"steroid": 1.0}, "triple therapy",
        (("a year", 12.0, 1.21, "count"),), {}),
    Row("cgd_infections", "cgd", "infections", "CGD study", 12.0, {"infection_rate": 0.35},
        "interferon gamma", (("a year, calibrated", 12.0, 1.10, "count"),), {"infection_rate": 1.09}),
    Row("ms_lesions", "ms_relapsing", "lesions", "nine people, 48 months", 12.0, {"new_lesions": 0.4},
        "60 % fewer new lesions", (("a month", 12.0, 3.26, "a month"),), {}),
    Row("als", "als", "alsfrs_r", "Study 19", 24.0, {"decline": 0.67}, "a third less decline",
        (("score at week 24", 24.0, 34.8, "mean"),), {}),
    Row("parkinsons", "parkinsons", "updrs", "TEMPO", 26.0, {"slope": -0.30, "symptomatic": 1.61},
        "rasagiline", (("change at week 26", 26.0, 3.62, "change"),), {}),
    Row("duchenne", "duchenne", "six_minute_walk", "placebo arms", 48.0, {"loss": 0.2}, "80 % less loss",
        (("change at week 48, m (recalled)", 48.0, -60.0, "change"),), {}),
    Row("polycystic_kidney", "adpkd", "egfr", "TEMPO 3:4", 156.5, {"slope": 0.71, "acute": -1.0},
        "tolvaptan", (("change in three years", 156.5, -10.92, "change"),), {}),
    Row("type2_diabetes", "type2_diabetes_trial", "death", "NHANES", 120.0, {"hba1c": -1.5},
        "HbA1c 1.5 lower", (("deaths per 100 years, calibrated", 120.0, 1.47, "rate"),), {"death": 0.64}),
    Row("type1_diabetes", "type1_diabetes", "time_in_range", "Control-IQ", 26.0, {"closed_loop": 1.0},
        "controller", (("% of time in range at week 26", 26.0, 59.0, "mean"),), {}),
    Row("lifelong_risk", "prevention", "cvd", "PREVENT", 360.0, {"sbp": -10.0}, "10 mmHg less", (), {}),
    Row("leukopenia", "leukopenia", "leukocytes", "Friberg 2002", 3.0, {"dose": 0.75}, "3/4 of the dose",
        (("% severe in a cycle", 0.69, 26.9, "percent grade_3"),), {}),
    Row("theophylline", "asthma", "fev1", "twelve people", 12.0, {"dose": 1.0}, "5 mg/kg twice a day",
        (), {}),
    Row("warfarin", "warfarin", "time_in_range", "EU-PACT", 12.0, {"genotype": 1.0}, "by genotype",
        (("% of time in range at week 12", 12.0, 60.3, "mean"),), {}),
    Row("liver_safety", "liver_tests", "log_alt", "CDISC pilot", 26.0, {"injury": 20.0},
        "20 times the injuries", (("% with ALT above 3 limits", 6.0, 1.22, "percent alt_3"),), {}),
    Row("heart_valve", "aortic_stenosis", "event", "PARTNER 3", 12.0, {"hazard": 0.54}, "through a catheter",
        (("% without an event in a year", 12.0, 84.9, "left"),), {}),
    Row("antibody", "antibody_trial", "trough", "Davda 2014", 48.0, {"interval": 2.0}, "every eight weeks",
        (), {}),
    Row("hamd17", "depression", "hamd17", "antidepressant trial", 6.0, {"points": -3.2}, "antidepressant",
        (("change at week 6", 6.0, -5.14, "change"),), {}),
    Row("huntingtons", "huntingtons", "tfc", "Marder 2000", 104.0, {"loss": 0.6}, "40 % less loss",
        (("change in a year", 52.18, -0.97, "change"),), {}),
    Row("tumour_growth", "nsclc", "size", "MONET1", 52.0, {"kill": 1.35, "resistance": 0.85},
        "slower resistance", (), {}),
    Row("breast_progression", "metastatic_breast_cancer", "pfs", "PALOMA-2", 36.0, {"hazard": 0.58},
        "palbociclib", (("% without progression at 14.5 months", 14.5, 50.0, "left"),), {}),
    Row("glioblastoma", "glioblastoma", "death", "EORTC 26981", 60.0, {"temozolomide": 1.0}, "temozolomide",
        (("% alive at 24 months", 24.0, 10.9, "left"), ("at 36 months", 36.0, 4.4, "left")), {}),
    Row("prostate_radiotherapy", "prostate_cancer", "failure", "FLAME", 120.0, {"boost_gy": 18.0},
        "focal boost", (("% without failure at 5 years", 60.0, 85.0, "left"),
                        ("at 10 years", 120.0, 71.0, "left")), {}),
    Row("af_ablation", "af_ablation", "recurrence", "DECAAF II", 18.0, {"recurrence": 0.6}, "40 % lower odds",
        (("% of a registry", 12.0, 16.9, "percent recurrence"),), {"seen": 0.47}),
    Row("sudden_death", "icd_candidates", "death", "SCD-HeFT", 60.0, {"arrhythmic": 0.40}, "defibrillator",
        (("deaths per 100 years (recalled)", 45.5, 8.96, "rate"),), {}),
)  # fmt: skip


def drawn(row: Row, dials: dict[str, float]) -> tuple[Floats, Floats]:
    """Return the times of the picture (T,), and what each person has at them (M, T)."""
    people = people_of(row)
    model, kind, chance = row.made, row.kind, partial(stream, 20261130, "gallery", 0)
    joined = dict(row.world)
    known = {one.name: one for one in model.dials}
    for name, value in dials.items():
        joined[name] = float(known[name].join(joined.get(name, known[name].idle), value))
    if kind == "score":
        weeks = np.linspace(0.0, row.until, 13)
        return weeks, model.draw(people, row.endpoint, joined, weeks, chance).outcomes
    months = np.linspace(0.0, row.until, 13)
    if kind == "response":
        end = np.array([row.until * WEEKS_PER_MONTH])
        recurs = model.draw(people, row.endpoint, joined, end, chance).outcomes[:, 0]
        return months[[0, -1]], np.stack([np.zeros(PEOPLE), recurs], axis=1)
    if kind == "count":
        totals = [np.zeros(PEOPLE)]
        for month in months[1:]:
            end = np.array([month * WEEKS_PER_MONTH])
            totals.append(model.draw(people, row.endpoint, joined, end, chance).outcomes[:, 0])
        return months, np.stack(totals, axis=1)
    end = np.array([np.inf if kind == "time_to_event" else row.until * WEEKS_PER_MONTH])
    found = model.draw(people, row.endpoint, joined, end, chance)
    times = found.outcomes
    if found.ends is not None:
        times = np.where(times <= found.ends[:, None], times, np.nan)
    return months, np.stack([(times <= month).sum(axis=1) for month in months], axis=1).astype(np.float64)


def people_of(row: Row) -> Covariates:
    """Return the people of the row's card."""
    card = read_card(ROOT / "cohorts" / f"{row.card}.toml")
    return draw_covariates(card, PEOPLE, np.random.default_rng(20261130))


def ours(row: Row, what: str, at: float) -> float:
    """Return our number of a row, on placebo."""
    if what == "rate":
        chance = partial(stream, 20261130, "gallery", 0)
        found = row.made.draw(people_of(row), row.endpoint, row.world, np.array([np.inf]), chance)
        end = np.minimum(at, np.inf if found.ends is None else found.ends)
        time = np.minimum(found.outcomes[:, 0], end)
        return float(1200 * (found.outcomes[:, 0] <= end).sum() / time.sum())
    if what == "left":
        chance = partial(stream, 20261130, "gallery", 0)
        found = row.made.draw(people_of(row), row.endpoint, row.world, np.array([np.inf]), chance)
        return float(100 * (found.outcomes[:, 0] > at).mean())
    if what.startswith("percent "):
        chance, end = partial(stream, 20261130, "gallery", 0), np.array([at * WEEKS_PER_MONTH])
        found = row.made.draw(people_of(row), what.removeprefix("percent "), row.world, end, chance)
        return float(100 * found.outcomes.mean())
    times, values = drawn(row, {})
    where = int(np.abs(times - at).argmin())
    if what == "change":
        return float((values[:, where] - values[:, 0]).mean())
    return float(values[:, where].mean()) / (at if what == "a month" else 1.0)


def picture(row: Row) -> str:
    """Return the course as SVG: fan of placebo (5 to 95 and 25 to 75 %), means of placebo and active arm."""
    times, control = drawn(row, {})
    _, active = drawn(row, row.active)
    bands = [np.percentile(control, levels, axis=0) for levels in ((5, 95), (25, 75))]
    lines = [control.mean(axis=0), active.mean(axis=0)]
    low = min(float(bands[0][0].min()), *(float(line.min()) for line in lines))
    high = max(float(bands[0][1].max()), *(float(line.max()) for line in lines))
    if row.kind in ("time_to_event", "response"):
        bands, low, high = [], 0.0, 1.2 * max(float(line.max()) for line in lines)

    def x(time: float) -> float:
        return PAD + (WIDTH - 1.5 * PAD) * time / times[-1]

    def y(value: float) -> float:
        return HEIGHT - PAD - (HEIGHT - 1.5 * PAD) * (value - low) / max(high - low, 1e-12)

    def path(points: list[tuple[float, float]]) -> str:
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in points)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
        f'height="{HEIGHT}" font-family="sans-serif" font-size="10">',
        f'<title>{row.model}: {row.endpoint}</title><rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for band, shade in zip(bands, ("#dbe7f3", "#b3cde3"), strict=False):
        there = [(x(t), y(v)) for t, v in zip(times, band[1], strict=True)]
        back = [(x(t), y(v)) for t, v in zip(times[::-1], band[0][::-1], strict=True)]
        parts.append(f'<polygon points="{path(there + back)}" fill="{shade}"/>')
    for line, colour in zip(lines, ("#2b5c8a", "#c0562b"), strict=True):
        points = path([(x(t), y(v)) for t, v in zip(times, line, strict=True)])
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
    unit = "weeks" if row.kind == "score" else "months"
    foot = HEIGHT - PAD
    parts += [
        f'<line x1="{PAD}" y1="{foot}" x2="{WIDTH - PAD / 2:.0f}" y2="{foot}" stroke="#444"/>',
        f'<line x1="{PAD}" y1="{PAD / 2:.0f}" x2="{PAD}" y2="{foot}" stroke="#444"/>',
        *(f'<text x="{PAD - 4}" y="{y(v) + 3:.1f}" text-anchor="end">{v:.3g}</text>' for v in (low, high)),
        f'<text x="{PAD}" y="{foot + 14}">0</text>',
        f'<text x="{WIDTH - PAD / 2:.0f}" y="{foot + 14}" text-anchor="end">{times[-1]:g} {unit}</text>',
        f'<text x="{PAD + 6}" y="{PAD / 2 + 4:.0f}" fill="#2b5c8a">placebo</text>',
        f'<text x="{PAD + 56}" y="{PAD / 2 + 4:.0f}" fill="#c0562b">{row.says}</text>',
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def page() -> str:
    """Return the gallery as Markdown."""
    lines = [
        "# Gallery of disease models",
        "",
        "Made by `python -m benchmarks.disease_gallery`. Blue: placebo, with the middle half and nine tenths",
        "of people; orange: the active arm, with the same luck. Numbers are ours on placebo beside the",
        "published ones; what each model rests on is counted as published, computed, recalled and assumed.",
        "[What each model is](diseases.md).",
        "",
        "| model | course | after | ours / published | numbers: published, computed, recalled, assumed |",
        "| --- | --- | --- | --- | --- |",
    ]
    for row in ROWS:
        numbers = (
            "; ".join(f"{what}: {ours(row, how, at):.3g} / {value:g}" for what, at, value, how in row.numbers)
            or "–"
        )
        counts = ", ".join(str(count) for count in row.made.evidence().values())
        course = f"![{row.endpoint}](gallery/{row.model}.svg)"
        lines.append(f"| {row.made.title} (`{row.model}`) | {course} | {row.trial} | {numbers} | {counts} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the page and its pictures."""
    folder = ROOT / "docs" / "gallery"
    folder.mkdir(exist_ok=True)
    for row in ROWS:
        (folder / f"{row.model}.svg").write_text(picture(row), encoding="utf-8")
    (ROOT / "docs" / "gallery.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
