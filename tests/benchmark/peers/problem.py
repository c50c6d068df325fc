"""A training problem as `benchmark_training_step --export DIR` writes it: sizes, parameters, data and results.

Sizes, initial parameters and data come from spnode itself, so that every peer runs exactly the same problem and its
loss and gradient can be compared with spnode's.
"""

import dataclasses
import json
import math
import pathlib

import numpy as np

# The weights of N(U_j) beside phi_k in stage i, (c, weight[k - 1][j]); the same tableaux as
# lib/core/integrators/exponential_rk.cpp (ETDRK4: Krogstad, J. Comput. Phys. 203, 2005, eq. (51)).
TABLEAUX = {
    "etd1": [(1.0, [[1.0]])],
    "etdrk4": [
        (0.5, [[0.5]]),
        (0.5, [[0.5, 0.0], [-1.0, 1.0]]),
        (1.0, [[1.0, 0.0, 0.0], [-2.0, 0.0, 2.0]]),
        (1.0, [[1.0, 0.0, 0.0, 0.0], [-3.0, 2.0, 2.0, -1.0], [4.0, -4.0, -4.0, 4.0]]),
    ],
}


@dataclasses.dataclass
class Problem:
    name: str
    m: int  # components of a state
    n: int  # latent components
    mu: float
    term: str  # "bilinear", "lipschitz", "network" or "none"
    rank: int
    lipschitz: float  # bound of the network's Lipschitz constant; 0: none
    relaxation: bool
    autoencoder: bool
    scheme: str
    substeps: int
    trajectory: float  # weights of the terms of the loss
    reconstruction: float
    rate: float  # Adam
    clip: float
    blocks: dict  # name -> (offset, shape, frozen)
    theta: np.ndarray  # (parameters)
    state: np.ndarray  # (batch, times, m)
    time: np.ndarray  # (times)
    loss: float  # spnode's
    gradient: np.ndarray  # (parameters), spnode's; zero where frozen
    forecast: np.ndarray  # (batch, times, m), spnode's forecast from the first states

    @property
    def steps(self):
        """Length of one step of the scheme in every interval."""
        return np.diff(self.time) / self.substeps

    @property
    def uniform(self):
        return bool(np.allclose(self.steps, self.steps[0], rtol=1e-10, atol=0.0))

    @property
    def trainable(self):
        return [name for name, (_, _, frozen) in self.blocks.items() if not frozen]

    def parameters(self):
        """Blocks of theta by name."""
        return self.split(self.theta)

    def split(self, flat):
        return {
            name: flat[offset : offset + math.prod(shape)].reshape(shape)
            for name, (offset, shape, _) in self.blocks.items()
        }

    def linear_operator(self):
        """A_L at theta (n, n): (G_s + G_u) S + mu I, SPNODE-25, Theorem 1."""
        p, n = self.parameters(), self.n

        def factor(packed):
            L = np.zeros((n, n))
            L[np.tril_indices(n)] = packed
            scale = np.exp(np.diag(L))
            return scale[:, None] * (np.tril(L, -1) + np.eye(n))

        L_S, L_G = factor(p["linear/L_S"]), factor(p["linear/L_G"])
        K = np.zeros((n, n))
        K[np.tril_indices(n, -1)] = p["linear/K"]
        return (-L_G @ L_G.T + K - K.T) @ L_S @ L_S.T + self.mu * np.eye(n)


def load(directory):
    directory = pathlib.Path(directory)
    description = json.loads((directory / "problem.json").read_text())
    blocks = {b["name"]: (b["offset"], tuple(b["shape"]), b["frozen"]) for b in description.pop("blocks")}
    arrays = {
        name: np.load(directory / f"{name}.npy") for name in ("theta", "state", "time", "gradient", "forecast")
    }
    return Problem(blocks=blocks, **description, **arrays)


def squarings(norm):
    """Smallest s with norm / 2^s <= 0.9, where a Taylor polynomial of degree 16 is exact to rounding."""
    return max(0, math.ceil(math.log2(norm / 0.9))) if norm > 0.0 else 0


def taylor_degree(theta, tolerance):
    """Smallest m with theta^m / m! < tolerance: the truncation of SPNODE-25, eq. (19)."""
    m, term = 1, theta
    while term > tolerance:
        m += 1
        term *= theta / m
    return m


def expmv_plan(problem, tolerance):
    """Steps s and degree m of SPNODE-25, (19): s ~ dt_max ||A||_2, m so that the series converges."""
    norm = float(np.max(np.abs(problem.steps))) * np.linalg.norm(problem.linear_operator(), 2)
    s = max(1, math.ceil(norm))
    return s, taylor_degree(max(norm / s, 1e-3), tolerance)
