"""docs/rebuild_model.py and `spnode forecast` agree: the model file holds the whole model.

usage: rebuild_model_test.py SPNODE REBUILD_SCRIPT
"""
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

try:
    import h5py
    import numpy as np
    import yaml  # noqa: F401
except ImportError as missing:
    print(f"skipped: {missing}")
    sys.exit(77)

REBUILD = Path(sys.argv.pop(2)).resolve()
SPNODE = Path(sys.argv.pop(1)).resolve()
DECK = """
output: run
data: {train: data.h5, validation: data.h5, test: data.h5}
integrator: {scheme: rk4, substeps: 3}
training: {batch: 4, adam: {epochs: 2, warmup: 1}}
"""
MODELS = {
    "linear": "model: {linear: {mu: 0.1}, nonlinear: []}",
    "bilinear": "model: {linear: {mu: 0.1}, nonlinear: [bilinear], bilinear: {rank: 3}, scaling: {kind: global}}",
    "sum_of_all_terms": """
model:
  latent_dimension: 4
  linear: {mu: 0.2}
  nonlinear: [bilinear, lipschitz, network]
  lipschitz: {bound: 2, hidden: [5, 6], last_activation: true, output_scale: true}
  network: {hidden: [7], relaxation: true}
  autoencoder: {enabled: true, hidden: [8]}
""",
    "smooth_lipschitz": """
model:
  nonlinear: [lipschitz]
  lipschitz: {bound: 2, divisor: smooth, hidden: [5, 6], initial_scale: 2}
""",
    "second_order": """
model:
  order: 2
  linear: {structure: none}
  nonlinear: [bilinear, network, potential, central_force]
  network: {hidden: [7], activation: silu}
  potential: {neurons: 5, hidden: [6, 4], activation: softplus}
""",
    "gradient_flow": "model: {linear: {structure: none}, nonlinear: [potential]}",
    "library": """
model:
  linear: {structure: none}
  nonlinear: [library]
  library: {degree: 3, frequencies: [0.5, 2]}
""",
    "fields_on_a_ring": """
model:
  linear: {structure: none}
  nonlinear: [library]
  library: {degree: 2, fields: 2, frequencies: [0.5]}
""",
    "fields_point_by_point": """
model:
  linear: {mu: 0.2}
  nonlinear: [library, network]
  library: {degree: 3, fields: 2, field_axis: last, points: [3], neighbour_factors: 2}
""",
    "fields_of_second_order": """
model:
  order: 2
  linear: {structure: none}
  nonlinear: [library]
  library: {degree: 2, fields: 2}
  invariants: [0, 0, 0, 1, 1, 1]
""",
    "blocks": """
model:
  linear: {mu: 0.2, structure: block_diagonal}
  nonlinear: [network]
  network: {hidden: [7], relaxation: true}
""",
    "blocks_of_odd_dimension": """
model:
  latent_dimension: 5
  linear: {mu: 0.2, structure: block_diagonal}
  autoencoder: {enabled: true}
""",
    "periodic_field": """
model:
  latent_dimension: 5
  scaling: {kind: global}
  linear: {mu: 0.2, structure: circulant}
  nonlinear: [convolution]
  convolution: {channels: 2, activation: tanh}
  autoencoder: {enabled: true, basis: fourier}
""",
    "invariants": """
model:
  latent_dimension: 4
  linear: {mu: 0.2}
  nonlinear: [bilinear, network]
  network: {hidden: [7], relaxation: true}
  invariants: [1, 1, 1, 1, 1, 1, 0, 1, 0, 2, 0, -1]
  autoencoder: {enabled: true}
""",
    "symmetries": """
model:
  linear: {mu: 0.2}
  nonlinear: [bilinear, network]
  network: {hidden: [7], relaxation: true}
  symmetries:
    permutations: [1, 2, 0, 3, 4, 5, 0, 1, 2, 3, 4, 5]
    signs: [1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, 1]
""",
    "symmetries_of_second_order": """
model:
  order: 2
  linear: {structure: none}
  nonlinear: [network]
  network: {hidden: [7], activation: silu}
  symmetries: {permutations: [1, 0, 2, 4, 3, 5]}
""",
    "low_rank": """
model:
  linear: {mu: 0.2, structure: low_rank, rank: 2, noise: 0.5}
  nonlinear: [bilinear, network]
  network: {hidden: [7], relaxation: true}
""",
    "logarithms": """
model:
  nonlinear: [bilinear]
  linear: {mu: 0.2}
  positive: {coordinates: log, components: [1, 4]}
""",
    "inverse_softplus": """
model:
  nonlinear: [network]
  positive: {coordinates: softplus}
""",
    "lifting": """
model:
  nonlinear: [bilinear]
  linear: {mu: 0.2}
  lifting: {products: [0, 0, 2, 5]}
""",
    "autoencoder_without_pod": """
model:
  latent_dimension: 3
  nonlinear: [network]
  network: {hidden: []}
  autoencoder: {enabled: true, pod: false, hidden: [8, 8], activation: squareplus}
""",
}


def write_data(path):
    """Decaying, rotating trajectories of six components."""
    random = np.random.default_rng(3)
    time = np.concatenate([[0], np.cumsum(random.uniform(0.05, 0.15, 8))])
    modes, start = random.standard_normal((6, 6)), random.standard_normal((12, 6))
    values = start[:, None] * np.exp(-time[:, None] * np.linspace(0.1, 1, 6)) @ modes + 0.3
    with h5py.File(path, "w") as file:
        file["state"], file["time"] = np.exp(0.3 * values), time


class Rebuild(unittest.TestCase):
    def check(self, model):
        with tempfile.TemporaryDirectory() as folder:
            write_data(Path(folder, "data.h5"))
            Path(folder, "deck.yaml").write_text(DECK + model, encoding="utf-8")
            for command in ([SPNODE, "train", "deck.yaml"], [SPNODE, "forecast", "deck.yaml", "forecast.output=forecast.h5"],
                            [sys.executable, REBUILD, "run/model.h5", "data.h5", "3", "rebuilt.h5"]):
                done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            with h5py.File(Path(folder, "forecast.h5")) as a, h5py.File(Path(folder, "rebuilt.h5")) as b:
                np.testing.assert_allclose(b["state"][...], a["state"][...], rtol=1e-11, atol=1e-11)


def add_test(name, model):
    setattr(Rebuild, f"test_{name}", lambda self: self.check(model))


for name, model in MODELS.items():
    add_test(name, model)

if __name__ == "__main__":
    unittest.main()
