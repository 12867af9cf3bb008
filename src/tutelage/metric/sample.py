"""Shim."""

import numpy as np

from tutelage.metric.base import Outcome


class OutcomeSample:
    def __init__(self, *, seed):
        self.parts = []

    def add(self, outcome, rows):
        self.parts.append(outcome)

    def outcome(self):
        return Outcome(np.concatenate([p.prediction for p in self.parts]), np.concatenate([p.target for p in self.parts]))
