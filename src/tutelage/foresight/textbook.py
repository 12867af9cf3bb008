"""The textbook rule: how long a training would take if the machine did nothing but its products, at full speed."""

__all__ = ["textbook_seconds"]


def textbook_seconds(*, flops_per_iteration: float, iterations: float, flops_per_second: float) -> float:
    """Return FLOPs of one iteration x iterations / FLOP/s.

    Example:
        >>> textbook_seconds(flops_per_iteration=1e12, iterations=100, flops_per_second=10e12)
        10.0
    """
    return flops_per_iteration * iterations / flops_per_second
