"""Learning-rate schedules: pure functions of the progress of training."""
