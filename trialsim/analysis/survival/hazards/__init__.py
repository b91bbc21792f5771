"""What multiplies or shifts the hazard? Cox's partial likelihood, Weibull's likelihood, and concordance."""
