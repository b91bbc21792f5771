"""What changed between runs, in the inputs and in the answers, and what is beyond Monte Carlo error?"""
