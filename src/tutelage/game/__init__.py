"""Objectives of adversarial training: what the critic and the generator each make small, one file each."""
