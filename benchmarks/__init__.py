"""Speed and accuracy measured against a named peer or a limit: ``python -m benchmarks [NAME ...] --json``."""
