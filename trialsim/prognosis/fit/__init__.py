"""The only place that imports pymc, nutpie and arviz: Bayesian fits and their gate."""
