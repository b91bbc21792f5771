"""What does each analysis of a declared trial estimate in truth?"""
