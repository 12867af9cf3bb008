"""Whether a way that is remembered still computes the same: what was found for an equal module is no proof for this one.

Code may differ where no key tells it, and so may data of the same shape. Loss and gradient are looked at again on a few real
batches, which takes far less than trying did.
"""

from torch import nn

from tutelage.planning.execution import Execution, Way
from tutelage.planning.plan import Plan
from tutelage.run.candidate import build_candidate
from tutelage.run.way_quality import adds_up, holds, quality
from tutelage.task.base import Data

__all__ = ["looked_at_again"]


def looked_at_again(way: Way, execution: Execution, plan: Plan, data: Data, module: nn.Module) -> Execution | None:
    """Return the figures of a remembered way with the quality that it has here; None where it does not hold, or not work.

    Args:
        way: What is remembered.
        execution: Its figures, those of the plain way first.
        plan: The training's, before anything was chosen.
        data: Prepared data.
        module: The user's; it is copied.
    """
    tried = execution.tried[0]
    plain_way = way.but(precision=tried.precision, compile="none", num_micro=tried.num_micro)
    is_rounded, is_cut = way.precision != tried.precision, way.num_micro != tried.num_micro
    if not (is_rounded or is_cut):
        return execution
    opened = []
    try:
        plain = build_candidate(plain_way, plan, data, module, rows=execution.tried[1].rows)
        opened.append(plain)
        if is_cut and not adds_up(plain, way.num_micro):
            return None
        if not is_rounded:
            return execution
        # Compiling rounds nothing more, and takes long.
        opened.append(build_candidate(plain_way.but(precision=way.precision), plan, data, module))
        found = quality(plain, opened[1])
    except Exception:  # the border: an own module may fail in any way
        return None
    finally:
        for candidate in opened:
            candidate.close()
    if not holds(found):
        return None
    first, chosen, *others = execution.tried
    # Figures of its like are what was found then; of the chosen way what was found now.
    return execution.but(tried=(first, chosen.but(**found), *others))
