"""Foresight: how long a training will take, what it will draw and cost, said before it starts, with an interval."""
