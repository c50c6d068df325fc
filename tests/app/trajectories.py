"""Trajectories of small systems, for tests."""
import numpy as np


def rollout(f, u, step, times, between=10):
    """(trajectories, times, components) by classical Runge-Kutta steps."""
    states, h = [u], step / between
    for _ in range((times - 1) * between):
        a = f(u)
        b = f(u + h / 2 * a)
        c = f(u + h / 2 * b)
        u = u + h / 6 * (a + 2 * b + 2 * c + f(u + h * c))
        states.append(u)
    return np.stack(states[::between], 1)


def prey_and_predators(u):
    return np.stack([1.5 * u[:, 0] - u[:, 0] * u[:, 1], u[:, 0] * u[:, 1] - 3 * u[:, 1]], 1)
