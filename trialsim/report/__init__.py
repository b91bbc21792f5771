"""What a person sees: figures, tables and the HTML report."""
