"""A small study, learnt once a session and simulated by every test."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from trialsim.data import DiseaseModel, History
from trialsim.disease import disease_model
from trialsim.population import CohortCard, read_card
from trialsim.prognosis import Calibration, Gain, Prognosis, Sampler
from trialsim.protocol import Protocol, cohort_path, protocol_from_dict, read_protocol
from trialsim.study import (
    Job,
    StudyResult,
    SupplementaryAnalyses,
    build_registers,
    generate_history,
    learn,
    run_study,
    supplementary_analyses,
)

PROTOCOL = Path(__file__).parents[1] / "protocols" / "alzheimers_phase2.toml"


@dataclass(frozen=True)
class SmallStudy:
    protocol: Protocol
    card: CohortCard
    disease: DiseaseModel
    history: History
    prognosis: Prognosis
    calibration: Calibration
    gain: Gain
    cache: Path

    def run(self, workers: int = 1, **options: object) -> StudyResult:
        return run_study(
            self.protocol, self.card, self.disease, self.history,
            workers=workers, cache=self.cache, **options,
        )  # type: ignore[arg-type]  # fmt: skip


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory, sampler: Sampler) -> SmallStudy:
    """Return the default protocol with 400 past participants, 600 replicates and a register of 20,000."""
    tables = read_protocol(PROTOCOL).to_dict()
    tables["simulation"] = {"replicates": 600, "block": 250, "register_size": 20_000}
    tables["history"]["participants"] = 400
    protocol = protocol_from_dict(tables)
    card = read_card(cohort_path(protocol, PROTOCOL))
    disease = disease_model(protocol.disease.model, **protocol.disease.options)
    history = generate_history(protocol, card, disease)
    cache = tmp_path_factory.mktemp("cache")
    prognosis, calibration, gain = learn(protocol, history, cache=cache, sampler=sampler)
    return SmallStudy(protocol, card, disease, history, prognosis, calibration, gain, cache)


@pytest.fixture(scope="session")
def result(small: SmallStudy) -> StudyResult:
    """Return the small study, run by one worker."""
    return small.run()


@pytest.fixture(scope="session")
def beside(result: StudyResult) -> SupplementaryAnalyses:
    """Return the supplementary analyses of the small study."""
    return supplementary_analyses(result)


@pytest.fixture(scope="session")
def job(small: SmallStudy) -> Job:
    """Return what the blocks of the small study share."""
    registers = build_registers(small.protocol, small.card, small.disease, small.prognosis)
    return Job.of(small.protocol, small.disease, registers)
