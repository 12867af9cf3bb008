"""The words everything else is said in: specs, names, amounts, seeds, events, errors; no torch, no numpy."""
