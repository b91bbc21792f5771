"""What happens to participants, untreated: natural histories, placebo responses and measurement.

`disease_model(name, **options)` makes a model by its name; `DISEASE_MODELS` lists the names. The
models themselves are `DelorCdrSb` (early Alzheimer's, CDR-SB) and `ConradoAdasCog` (mild-to-moderate
Alzheimer's, ADAS-Cog). All implement `trialsim.data.DiseaseModel`.
"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.disease.catalogue import DISEASE_MODELS, disease_model
    from trialsim.disease.conrado2014 import ConradoAdasCog, ConradoCourse
    from trialsim.disease.delor2013 import DelorCdrSb, DelorCourse
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = ["DISEASE_MODELS", "ConradoAdasCog", "ConradoCourse", "DelorCdrSb", "DelorCourse", "disease_model"]
