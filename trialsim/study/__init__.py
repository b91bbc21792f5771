"""How it is carried out and proved: histories, registers, plans, blocks, back ends and run bundles."""
