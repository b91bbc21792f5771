"""What does a disease model make of the people of a card: in every arm, and as a history?"""
