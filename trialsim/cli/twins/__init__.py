"""How are placebo twins fitted, validated and updated on the command line?"""
