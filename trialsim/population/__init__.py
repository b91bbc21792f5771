"""Who takes part: cohort cards, margins, copula and eligibility."""
