"""Every deck of input/ trains to the end, forecasts as well as it should and keeps its spectral bound."""
import subprocess
import sys
import unittest
from pathlib import Path

from program import ProgramTest

INPUT = Path(__file__).resolve().parents[2] / "input"

# What the forecasts of each deck must reach; far enough from what they do reach to hold on other processors.
REQUIRED = {
    "quickstart": "evaluate.require_valid_time=80",
    "transient_growth_linear": "evaluate.require_error=1e-9",
    "transient_growth": "evaluate.require_error=5e-4",
    "grad13": "evaluate.require_error=1e-9",
    "grad13_network": "evaluate.require_error=1e-6",
    "robertson": "evaluate.require_error=2e-2",
    "robertson_autoencoder": "evaluate.require_error=2e-3",
    "kuramoto_sivashinsky_20": "evaluate.require_valid_time=80",
    "kuramoto_sivashinsky_20_dense": "evaluate.require_valid_time=120",
    "kuramoto_sivashinsky_20_lipschitz": "evaluate.require_valid_time=60",
    "kuramoto_sivashinsky_7": "evaluate.require_valid_time=30",
    "kuramoto_sivashinsky_64": "evaluate.require_valid_time=35",
    "kuramoto_sivashinsky_fourier": "evaluate.require_valid_time=100",
    "disc_and_ring": "evaluate.require_error=1e-2",
    "lorenz63_sindy": "evaluate.require_error=1e-4",
    "forced_room": "evaluate.require_error=1e-10",
    "parametric_hopf": "evaluate.require_error=1e-2",
    "lotka_volterra": "evaluate.require_error=2e-3",
    "fast_slow": "evaluate.require_error=1e-3",
    "oscillator": "evaluate.require_error=1e-12",
    "two_body": "evaluate.require_error=1e-4",
    "rigid_body": "evaluate.require_error=0.05",
    "sigmoid_map": "evaluate.require_error=2e-1",
    "relu_limit_cycle": "evaluate.require_error=1e-3",
    "relu_chaos": "evaluate.require_error=1e-2",
    "attracting_manifold": "evaluate.require_error=2e-3",
    "slow_manifold": "evaluate.require_error=1e-3",
    "abraham_lorentz": "evaluate.require_error=2e-3",
    "lorenz96": "evaluate.require_error=1e-3",
    "lorenz96_network": "evaluate.require_error=1e-2",
    "grad_moments": "evaluate.require_error=1e-5",
}
# Decks whose data are made as a user makes his own.
OWN_DATA = ["forced_room", "parametric_hopf", "lotka_volterra", "fast_slow", "oscillator"]
# Further data, as the decks say: data.train is another file, made with these words.
LORENZ96 = {
    "slow": ["generate.train=100", "generate.time_scale=slow", "generate.relaxation=0.5", "generate.t_end=2.5",
             "generate.vary_from=1e-3"],
    "manifold": ["generate.train=2000", "generate.on_manifold=true", "generate.vary_from=0", "generate.vary_to=0",
                 "generate.vary_spread=uniform", "generate.times=2"]}
FURTHER = {
    "lorenz96": LORENZ96,
    "lorenz96_network": LORENZ96,
    "abraham_lorentz": {
        "slow": ["generate.train=3000", "generate.time_scale=slow", "generate.on_manifold=true", "generate.relaxation=0.2",
                 "generate.t_end=0.4", "generate.times=5", "generate.vary_from=5e-3", "generate.vary_spread=uniform"],
        "manifold": ["generate.train=12000", "generate.on_manifold=true", "generate.vary_from=0", "generate.vary_to=0",
                     "generate.vary_spread=uniform", "generate.times=2"]},
    "grad_moments": {"slow": ["generate.time_scale=slow", "generate.on_manifold=true", "generate.vary_from=1e-4"]},
}


class Decks(ProgramTest):
    seconds = 1500

    def test_every_deck_has_its_test(self):
        self.assertEqual(sorted(path.stem for path in INPUT.glob("*.yaml")), sorted([*REQUIRED, "reference"]))


def add(name, required):
    def test(self):
        if name in OWN_DATA:
            subprocess.run([sys.executable, INPUT / "example_data.py", name], cwd=self.folder, check=True)
        for file, words in FURTHER.get(name, {}).items():
            self.succeed(2, "generate", str(INPUT / f"{name}.yaml"), f"data.train=data/{name}/{file}.h5",
                         "generate.validation=0", "generate.test=0", *words)
        self.succeed(2, "run", str(INPUT / f"{name}.yaml"), required)

    test.__name__ = f"test_{name}"
    setattr(Decks, test.__name__, test)


for deck, words in REQUIRED.items():
    add(deck, words)

if __name__ == "__main__":
    unittest.main(verbosity=2)
