"""What do past controls say about the control arm, and how many participants are they worth?"""

from typing import TYPE_CHECKING

from trialsim.lazy import lazy_door

if TYPE_CHECKING:
    from trialsim.analysis.borrowing.beta_mixture import BetaMixture
    from trialsim.analysis.borrowing.commensurate_prior import (
        CommensuratePrior,
        commensurate_binomial,
        commensurate_exponential,
        commensurate_normal,
        pooled_exponential,
    )
    from trialsim.analysis.borrowing.effective_sample_size import (
        EffectiveSampleSize,
        effective_sample_sizes,
        elir_ess,
        moment_ess,
        morita_ess,
    )
    from trialsim.analysis.borrowing.frame import PastControlsResult, past_controls
    from trialsim.analysis.borrowing.gamma_mixture import GammaMixture
    from trialsim.analysis.borrowing.meta_analytic_predictive import (
        MapPrior,
        map_prior_binomial,
        map_prior_normal,
        map_prior_poisson,
    )
    from trialsim.analysis.borrowing.mixture_difference import probability_difference_above
    from trialsim.analysis.borrowing.normal_mixture import NormalMixture, normal_difference_below
    from trialsim.analysis.borrowing.power_prior import (
        discount_prior_binomial,
        discount_prior_normal,
        normalized_power_prior_binomial,
        normalized_power_prior_normal,
        power_prior_binomial,
        power_prior_normal,
    )
    from trialsim.analysis.borrowing.self_adapting_mixture import sam_binomial, sam_normal, sam_weight_normal
    from trialsim.analysis.borrowing.tabulated_prior import TabulatedPrior
    from trialsim.analysis.borrowing.trial_frame import (
        BorrowedControlsResult,
        borrowed_controls,
        borrowed_ess,
        posterior_ess,
    )
    from trialsim.analysis.borrowing.two_sample_characteristics import (
        BinaryBorrowingDesign,
        DecisionRule,
        NormalBorrowingDesign,
        borrowing_table,
        normal_borrowing_estimates,
    )
else:
    __getattr__, __dir__ = lazy_door(__name__)

__all__ = [
    "BetaMixture",
    "BinaryBorrowingDesign",
    "BorrowedControlsResult",
    "CommensuratePrior",
    "DecisionRule",
    "EffectiveSampleSize",
    "GammaMixture",
    "MapPrior",
    "NormalBorrowingDesign",
    "NormalMixture",
    "PastControlsResult",
    "TabulatedPrior",
    "borrowed_controls",
    "borrowed_ess",
    "borrowing_table",
    "commensurate_binomial",
    "commensurate_exponential",
    "commensurate_normal",
    "discount_prior_binomial",
    "discount_prior_normal",
    "effective_sample_sizes",
    "elir_ess",
    "map_prior_binomial",
    "map_prior_normal",
    "map_prior_poisson",
    "moment_ess",
    "morita_ess",
    "normal_borrowing_estimates",
    "normal_difference_below",
    "normalized_power_prior_binomial",
    "normalized_power_prior_normal",
    "past_controls",
    "pooled_exponential",
    "posterior_ess",
    "power_prior_binomial",
    "power_prior_normal",
    "probability_difference_above",
    "sam_binomial",
    "sam_normal",
    "sam_weight_normal",
]
