"""What size does a formula give, where there is one?"""
