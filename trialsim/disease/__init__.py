"""What happens to participants, untreated: natural histories, placebo responses and measurement.

`disease_model(name, **options)` makes a model by its name; `DISEASE_MODELS` lists the names. The
models themselves are `DelorCdrSb` (early Alzheimer's, CDR-SB) and `ConradoAdasCog` (mild-to-moderate
Alzheimer's, ADAS-Cog). All implement `trialsim.data.DiseaseModel`.
"""

from trialsim.disease.catalogue import DISEASE_MODELS, disease_model
from trialsim.disease.conrado2014 import ConradoAdasCog, ConradoCourse
from trialsim.disease.delor2013 import DelorCdrSb, DelorCourse

__all__ = [
    "DISEASE_MODELS",
    "ConradoAdasCog",
    "ConradoCourse",
    "DelorCdrSb",
    "DelorCourse",
    "disease_model",
]
