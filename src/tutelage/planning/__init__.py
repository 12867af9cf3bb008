"""What is wished for, what is known, what is decided: recipe, facts, plan; no torch."""
