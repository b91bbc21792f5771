"""Nulls and sizes of declared trials whose analyses use a prognostic score."""
