"""Formulas: how much arithmetic an operator does, one class of operators a file."""
