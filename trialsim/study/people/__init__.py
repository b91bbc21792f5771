"""Whom do trials recruit, and what would each of them have in every arm?"""
