"""ADSIM: one row a simulated trial and analysis."""

from __future__ import annotations

import pandas as pd

from trialsim.exchange.adam.dataset import LONGEST_TEXT, Dataset, Variable
from trialsim.exchange.adam.people import CELL, MARK, REPLICATE, STUDY, study_id
from trialsim.study.bundles.of_declared_trial import BundledTrial, analyses_of

_COLUMNS = {
    "estimate": Variable("ESTIMATE", "Estimate", "double", "Of the analysis, on its own scale"),
    "standard_error": Variable("STDERR", "Standard Error", "double", "Of the estimate"),
    "df": Variable("DF", "Degrees of Freedom", "double", "Of the test; empty where it is a z test"),
    "p_value": Variable("PVAL", "Two-Sided P Value", "double", "Of the test that decides"),
    "status": Variable("STATUS", "Status of the Fit", "string", "ok, or why there is no estimate"),
    "look": Variable("LOOK", "Look of the Decision", "integer", "From 1"),
    "decision": Variable(
        "DECISION", "Decision", "integer", "1 claims efficacy; -1 stops for futility; 0 neither"
    ),
    "size": Variable("SIZE", "Participants Enrolled", "integer", "When the trial stopped"),
    "events": Variable("EVENTS", "Events Seen", "integer", "When the trial stopped"),
    "months": Variable("MONTHS", "Duration in Months", "double", "From the first activation of a site"),
}
_ANALYSIS = Variable("ANALYSIS", "Analysis", "string", "Of the protocol")


def replicates(study: BundledTrial) -> Dataset:
    """Return ADSIM: every simulated trial of a run, by cell, replicate and analysis.

    Parameters
    ----------
    study : BundledTrial
        The run, opened.

    Returns
    -------
    Dataset
        ``ADSIM``. Failed fits stay in it, with their ``STATUS``.
    """
    parts = []
    for cell in study.cells:
        rows = study.recorded(cell).read().to_pandas()
        for analysis in analyses_of(rows):
            columns = pd.DataFrame(
                {
                    "STUDYID": study_id(study.trial),
                    "CELL": cell.name[:LONGEST_TEXT],
                    "REPNO": range(len(rows)),
                    "ANALYSIS": analysis[:LONGEST_TEXT],
                }
            )
            for field, variable in _COLUMNS.items():
                if f"{analysis}_{field}" in rows:
                    columns[variable.name] = rows[f"{analysis}_{field}"].to_numpy()
            parts.append(columns)
    frame = pd.concat(parts, ignore_index=True)
    frame["SYNTHFL"] = "Y"
    order = (STUDY, CELL, REPLICATE, _ANALYSIS, *_COLUMNS.values(), MARK)
    variables = tuple(one for one in order if one.name in frame)
    frame = frame[[one.name for one in variables]]
    return Dataset("ADSIM", "Simulated Trials (synthetic)", variables, ("CELL", "REPNO", "ANALYSIS"), frame)
