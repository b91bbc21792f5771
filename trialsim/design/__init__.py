"""How big, and at what risk: variance formulas, sizes, and operating characteristics."""
