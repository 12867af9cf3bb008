"""The Kullback-Leibler divergence of two softmaxes, as terms of distillation compute it.

Shape letters: N samples, C classes; any further dimensions in front.
"""

import torch
from torch import Tensor

__all__ = ["kl_divergence"]


def kl_divergence(student_NC: Tensor, teacher_NC: Tensor) -> Tensor:
    """Return KL(softmax(teacher) || softmax(student)) over the last dimension, float32 [..., N], >= 0 but for rounding.

    A class to which the teacher gives no probability (a logit of minus infinity) adds nothing.
    """
    student_logs, teacher_logs = torch.log_softmax(student_NC, dim=-1), torch.log_softmax(teacher_NC, dim=-1)
    share = teacher_logs.exp()
    # Zero times infinity is nothing here.
    surprise = torch.where(share > 0, teacher_logs, 0.0) - student_logs
    return (share * surprise).sum(dim=-1)
