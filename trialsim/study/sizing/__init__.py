"""How many participants does each analysis need, and what does a score save?"""
