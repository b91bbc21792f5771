"""Virtual clinical trials with placebo twins: from a protocol and a history to a sized control arm."""
