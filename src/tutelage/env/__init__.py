"""Environments for reinforcement learning and the streams that act in them."""
