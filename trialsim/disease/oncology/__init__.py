"""How do tumours grow and shrink, and when do people progress or die?"""
