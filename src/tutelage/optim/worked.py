"""The sums of Adam's family with the numbers of one weight put in.

Not a component.
"""

import math

from tutelage.optim.moved import Moved

__all__ = ["adam_sums"]


def adam_sums(moved: Moved, *, is_decoupled: bool) -> tuple[str, ...]:
    """Return the sums of Adam, or of AdamW where weight decay is apart from the gradient, a line each."""
    (beta1, beta2), eps = moved.settings["betas"], moved.settings["eps"]
    rate, decay, step = moved.settings["lr"], moved.settings["weight_decay"], moved.after["step"]
    gradient = moved.gradient if is_decoupled else moved.gradient + decay * moved.weight
    mean, square = moved.after["exp_avg"], moved.after["exp_avg_sq"]
    mean_hat, square_hat = mean / (1 - beta1**step), square / (1 - beta2**step)
    sums = [f"g = {moved.gradient:.4g}"]
    if decay and not is_decoupled:
        sums = [f"g = {moved.gradient:.4g} + {decay:g} * {moved.weight:.4g} = {gradient:.4g}"]
    sums += [
        f"m = {beta1:g} * {moved.before.get('exp_avg', 0.0):.4g} + {1 - beta1:.4g} * g = {mean:.4g}",
        f"v = {beta2:g} * {moved.before.get('exp_avg_sq', 0.0):.4g} + {1 - beta2:.4g} * g^2 = {square:.4g}",
        f"m^ = m / (1 - {beta1:g}^{step:g}) = {mean_hat:.4g}; v^ = v / (1 - {beta2:g}^{step:g}) = {square_hat:.4g}",
    ]
    kept, weight = "w", f"{moved.weight:.6g}"
    if decay and is_decoupled:
        kept, weight = f"(1 - {rate:.4g} * {decay:g}) * w", f"{moved.weight * (1 - rate * decay):.6g}"
    change = rate * mean_hat / (math.sqrt(square_hat) + eps)
    sums.append(f"w = {kept} - {rate:.4g} * m^ / (sqrt v^ + {eps:g}) = {weight} - ({change:.4g}) = {moved.new_weight:.6g}")
    return tuple(sums)
