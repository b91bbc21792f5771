"""Commands about placebo twins."""
