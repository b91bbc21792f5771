"""How likely is a rank test of few participants by chance? Exact and permutation p values."""
