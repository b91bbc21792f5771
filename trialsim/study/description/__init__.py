"""What does a simulated trial look like: who takes part, who leaves, and what would they have had?"""
