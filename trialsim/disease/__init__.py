"""What happens to participants, untreated and treated: one file a disease family."""
