"""What would one participant have: by a placebo twin or a disease model, as they are and changed?"""
