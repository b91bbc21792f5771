"""How is each kind of endpoint drawn, seen, judged and shown, one file a kind?"""
