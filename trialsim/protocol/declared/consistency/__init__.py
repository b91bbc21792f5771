"""Do the parts of a declared trial go together, and is all that is given read?"""
