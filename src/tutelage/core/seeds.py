"""All randomness but dropout's comes from here: a seed is a pure function of the root seed, a purpose and counters.

Nothing has to be saved to continue such randomness; it is the same for any number of workers.
"""

import hashlib

__all__ = ["derive"]


def derive(root: int, purpose: str, *counters: int) -> int:
    """Return a 63-bit seed for one purpose.

    Args:
        root: The run's seed.
        purpose: A word, such as `order` or `draw`.
        *counters: Whole numbers, such as epoch and position.

    Example:
        >>> derive(0, "order", 3) == derive(0, "order", 3), derive(0, "order", 3) == derive(0, "order", 4)
        (True, False)
    """
    text = ":".join([str(root), purpose, *map(str, counters)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little") >> 1
