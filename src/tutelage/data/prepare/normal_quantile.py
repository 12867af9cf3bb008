"""The quantile function of the normal distribution by sums, products, roots and logarithms alone, as exported graphs have them.

Source: M. Wichura, "Algorithm AS 241: The Percentage Points of the Normal Distribution", Applied Statistics 37, 1988, PPND16
(about 1 part in 10^16). Differs from the paper: none. Not a component.
"""

import torch
from torch import Tensor

__all__ = ["normal_quantile"]

SPLIT, CENTER = 0.425, 0.180625
FAR, NEAR = 5.0, 1.6
MIDDLE = (
    (3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3, 1.3731693765509461125e4,
     4.5921953931549871457e4, 6.7265770927008700853e4, 3.3430575583588128105e4, 2.5090809287301226727e3),
    (1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
     2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4, 5.2264952788528545610e3),
)  # fmt: skip
TAIL = (
    (1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0, 3.64784832476320460504e0,
     1.27045825245236838258e0, 2.41780725177450611770e-1, 2.27238449892691845833e-2, 7.74545014278341407640e-4),
    (1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
     1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4, 1.05075007164441684324e-9),
)  # fmt: skip
END = (
    (6.65790464350110377720e0, 5.46378491116411436990e0, 1.78482653991729133580e0, 2.96560571828504891230e-1,
     2.65321895265761230930e-2, 1.24266094738807843860e-3, 2.71155556874348757815e-5, 2.01033439929228813265e-7),
    (1.0, 5.99832206555887937690e-1, 1.36929880922735805310e-1, 1.48753612908506148525e-2,
     7.86869131145613259100e-4, 1.84631831751005468180e-5, 1.42151175831644588870e-7, 2.04426310338993978564e-15),
)  # fmt: skip


def normal_quantile(rank: Tensor) -> Tensor:
    """Return the value below which a share `rank` (float64, 0 to 1) of the normal distribution lies; -inf at 0, inf at 1.

    Example:
        >>> [round(value, 6) for value in normal_quantile(torch.tensor([0.5, 0.975], dtype=torch.float64)).tolist()]
        [0.0, 1.959964]
    """
    off = rank - 0.5
    middle = off * _ratio(CENTER - off * off, MIDDLE)
    outer = torch.minimum(rank, 1 - rank)
    root = torch.sqrt(-torch.log(outer.clamp(min=1e-300)))
    tail = torch.where(root <= FAR, _ratio(root - NEAR, TAIL), _ratio(root - FAR, END))
    tail = torch.where(outer <= 0, torch.inf, tail)
    return torch.where(off.abs() <= SPLIT, middle, torch.where(off < 0, -tail, tail))


def _ratio(x: Tensor, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Tensor:
    """Return the ratio of two polynomials; the constant comes first."""
    above, below = (_polynomial(x, each) for each in coefficients)
    return above / below


def _polynomial(x: Tensor, coefficients: tuple[float, ...]) -> Tensor:
    value = torch.full_like(x, coefficients[-1])
    for each in reversed(coefficients[:-1]):
        value = value * x + each
    return value
