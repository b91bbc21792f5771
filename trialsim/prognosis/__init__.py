"""What would each have done on placebo: reading a history, fitted models, twins and their validation."""
