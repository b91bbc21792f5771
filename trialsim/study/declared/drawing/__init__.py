"""Who enters a declared trial, and what happens to each of them?"""
