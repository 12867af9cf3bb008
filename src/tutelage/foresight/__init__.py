"""How long a training takes, how much memory, energy and money, before it starts."""
