"""What does a dose do: concentration, effect, harm, and another drug beside it?"""
