"""What does the explorer answer about a design: sizes, power, frontier, Pareto front, protocol?"""
