"""A fast-slow model (FSNN) in JAX beside spnode: a training step, steps of a forecast, and steps on the slow manifold.

    VENV/bin/python fast_slow_step.py --spnode BUILD/bin/spnode

Model and data are written by spnode: two-scale Lorenz-96 with networks for the shift, T(x), g and C, imex_ark4. The forecasts of both must
agree before anything is timed. A training step is the rollout of a batch over ten intervals, its exact gradient and Adam; JAX has the
batch in memory, spnode's time is that of an epoch in history.csv over its steps. A time is the shortest of several rounds in which both
take turns."""

import argparse
import csv
import functools
import subprocess
import tempfile
import time
from pathlib import Path

import harness

import h5py
import jax
import jax.numpy as jnp
import numpy as np

DECK = """\
output: run
data: {train: train.h5, window: 0}
generate: {system: lorenz96, vary: epsilon, vary_from: 1e-3, vary_to: 1e-2, train: 512, times: 11, t_end: 1.0}
model:
  parameters: [epsilon]
  scaling: {kind: none}
  linear: {structure: fast_dissipative, slow_dimension: 4, rank: 4, fast: {dependence: network, hidden: [16], count: 8}}
  nonlinear: [slow, fast_bilinear, fast_linear]
  network: {hidden: [24]}
  fast_bilinear: {rank: 2}
  coupling_flow: {enabled: true, split: 4, parts: second, hidden: [24]}
integrator: {scheme: imex_ark4}
training: {batch: 128, tile: 64, spectrum_every: 0, validate_every: 1000, adam: {epochs: 8, rate: 1e-3}}
"""

# ARK4(3)6L[2]SA, Kennedy and Carpenter, Appl. Numer. Math. 44 (2003).
EXPLICIT = [[], [1 / 2], [13861 / 62500, 6889 / 62500],
            [-116923316275 / 2393684061468, -2731218467317 / 15368042101831, 9408046702089 / 11113171139209],
            [-451086348788 / 2902428689909, -2682348792572 / 7519795681897, 12662868775082 / 11960479115383,
             3355817975965 / 11060851509271],
            [647845179188 / 3216320057751, 73281519250 / 8382639484533, 552539513391 / 3454668386233,
             3354512671639 / 8306763924573, 4040 / 17871]]
WEIGHTS = [82889 / 524892, 0, 15625 / 83664, 69875 / 102672, -2260 / 8211, 1 / 4]
IMPLICIT = [[], [1 / 4], [8611 / 62500, -1743 / 31250], [5012029 / 34652500, -654441 / 2922500, 174375 / 388108],
            [15267082809 / 155376265600, -71443401 / 120774400, 730878875 / 902184768, 2285395 / 8070912], WEIGHTS[:5]]
# Dormand and Prince, order five.
DOPRI = [[], [1 / 5], [3 / 40, 9 / 40], [44 / 45, -56 / 15, 32 / 9], [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
         [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656]]
DOPRI_WEIGHTS = [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84]


def network(p, name, x, activations):
    for i, activation in enumerate(activations, 1):
        x = activation(x @ p[f"{name}/layer{i}/W"].T + p[f"{name}/layer{i}/b"])
    return x


def squareplus(x):
    return (x + jnp.sqrt(x * x + 0.1)) / 2


def identity(x):
    return x


class Model:
    """z, u: (lanes, 20); eps: (lanes, 1) as it is in the file, q: scaled."""

    slow, fast = 4, 16

    def __init__(self, path):
        with h5py.File(path) as file:
            values = {}
            file.visititems(lambda name, item: values.update({name: item[...]}) if isinstance(item, h5py.Dataset) else None)
        self.shift, self.scale = values["arguments/shift"][0], values["arguments/scale"][0]
        parts = ("linear/", "nonlinear/", "coupling_flow/")
        self.theta = {name: jnp.asarray(value) for name, value in values.items()
                      if name.startswith(parts) and not name.endswith("/epsilon")}

    def offset(self, p, x, q):
        return network(p, "coupling_flow/layer1/second/shift/network", jnp.concatenate([x, q], 1), (jnp.tanh, identity))

    def encode(self, p, z, q):
        x = z[:, :self.slow]
        return jnp.concatenate([x, z[:, self.slow:] + self.offset(p, x, q)], 1)

    def decode(self, p, u, q):
        x = u[:, :self.slow]
        return jnp.concatenate([x, u[:, self.slow:] - self.offset(p, x, q)], 1)

    def T(self, p, x):
        """(lanes, 16, 16)."""
        K = p["linear/K"] - jnp.swapaxes(p["linear/K"], 1, 2)
        L = p["linear/L"]
        M0 = jnp.exp(jnp.diag(L))[:, None] * (jnp.eye(self.fast) + jnp.tril(L, -1))
        phi = network(p, "linear/weights", x, (squareplus, squareplus))
        MM = p["linear/M"] @ jnp.swapaxes(p["linear/M"], 1, 2)
        features = jnp.concatenate([x, phi], 1)
        return (K[0] - M0 @ M0.T) + jnp.tensordot(features, jnp.concatenate([K[1:], -MM]), 1)

    def g(self, p, u, q, eps):
        return eps * network(p, "nonlinear/slow", jnp.concatenate([u, q], 1), (jnp.tanh, identity))

    def rest(self, p, u, q, eps):
        """All but T(x) y."""
        y = u[:, self.slow:]
        C, D = p["nonlinear/fast_bilinear/entries"].reshape(2, -1, self.fast, self.fast)
        B = jnp.sum((y @ jnp.swapaxes(C, 1, 2)) * (y @ jnp.swapaxes(D, 1, 2)), 0)
        linear = y @ p["nonlinear/fast_linear/entries"].reshape(self.fast, self.fast).T
        return jnp.concatenate([self.g(p, u, q, eps), B + eps * linear], 1)

    def step(self, p, u, q, eps, h):
        rates, stiff = [], []
        for i in range(6):
            v = u + sum((h * a * r for a, r in zip(EXPLICIT[i], rates)), jnp.zeros_like(u))
            x, y = v[:, :self.slow], v[:, self.slow:]
            T = self.T(p, x)
            if i > 0:
                y = y + sum(h * a * r for a, r in zip(IMPLICIT[i], stiff))
                y = jnp.linalg.solve(jnp.eye(self.fast) - 0.25 * h * T, y[..., None])[..., 0]
            stiff.append(jnp.einsum("lij,lj->li", T, y))
            rates.append(self.rest(p, jnp.concatenate([x, y], 1), q, eps))
        u = u + h * sum(w * r for w, r in zip(WEIGHTS, rates))
        return u.at[:, self.slow:].add(h * sum(w * r for w, r in zip(WEIGHTS, stiff)))

    def slow_step(self, p, x, q, eps, h):
        zero, rates = jnp.zeros((x.shape[0], self.fast)), []
        for row in DOPRI:
            v = x + sum((h * a * r for a, r in zip(row, rates)), jnp.zeros_like(x))
            rates.append(self.g(p, jnp.concatenate([v, zero], 1), q, eps))
        return x + h * sum(w * r for w, r in zip(DOPRI_WEIGHTS, rates))


def jitted(model, eps, h):
    """The scaled argument, and calls: a training step, and forecasts over n steps in both modes from (lanes, 20)."""
    q = (eps - model.shift) / model.scale

    def loss(p, states, q, eps):
        u = model.encode(p, states[0], q)
        _, later = jax.lax.scan(lambda u, _: (model.step(p, u, q, eps, h),) * 2, u, None, length=states.shape[0] - 1)
        errors = jax.vmap(lambda u, z: jnp.mean((model.decode(p, u, q) - z) ** 2))(later, states[1:])
        return jnp.sum(errors) / states.shape[0]

    @jax.jit
    def train(p, first, second, t, states, q, eps):
        value, gradient = jax.value_and_grad(loss)(p, states, q, eps)
        first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, first, gradient)
        second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, second, gradient)
        p = jax.tree.map(lambda x, m, v: x - 1e-3 * (m / (1 - 0.9**t)) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8), p, first, second)
        return value, p, first, second

    @functools.partial(jax.jit, static_argnums=(3,))
    def full(z, q, eps, n):
        u = model.encode(model.theta, z, q)
        u, states = jax.lax.scan(lambda u, _: (model.step(model.theta, u, q, eps, h),) * 2, u, None, length=n)
        return jax.vmap(lambda u: model.decode(model.theta, u, q))(states)

    @functools.partial(jax.jit, static_argnums=(3, 4))
    def slow(z, q, eps, n, length):
        x = model.encode(model.theta, z, q)[:, :model.slow]
        zero = jnp.zeros((z.shape[0], model.fast))
        _, states = jax.lax.scan(lambda x, _: (model.slow_step(model.theta, x, q, eps, length),) * 2, x, None, length=n)
        return jax.vmap(lambda x: model.decode(model.theta, jnp.concatenate([x, zero], 1), q))(states)

    return q, train, full, slow


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--spnode", required=True, help="the program")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    spnode = str(Path(options.spnode).resolve())
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "deck.yaml").write_text(DECK)

        def run(command, *words):
            begin = time.perf_counter()
            subprocess.run([spnode, command, "deck.yaml", *words, "--overwrite"], cwd=folder, check=True, capture_output=True)
            return time.perf_counter() - begin

        run("generate")
        run("train")
        model = Model(folder / "run/model.h5")
        with h5py.File(folder / "train.h5") as file:
            states, epsilon = file["state"][...], file["parameters/epsilon"][...][:, None]
        eps = jnp.asarray(epsilon)
        q, train, full, slow = jitted(model, eps, 0.1)

        def forecast(mode, step, steps, substeps=1):
            words = ["forecast.data=train.h5", f"forecast.mode={mode}", f"forecast.step={step}", f"forecast.steps={steps}",
                     f"forecast.substeps={substeps}"]
            seconds = run("forecast", *words)
            with h5py.File(folder / "run/trajectories.h5") as file:
                return seconds, file["state"][...]

        first = jnp.asarray(states[:, 0])
        for mode, mine in (("full", full(first, q, eps, 20)), ("slow", slow(first, q, eps, 20, 10.0))):
            theirs = forecast(mode, 0.1 if mode == "full" else 10.0, 20)[1][:, 1:].transpose(1, 0, 2)
            error = np.abs(np.asarray(mine) - theirs).max()
            print(f"{mode}: largest difference of the forecasts {error:.1e}")
            assert error < 1e-10

        batch = jnp.asarray(states[:128].transpose(1, 0, 2))
        zeros = jax.tree.map(jnp.zeros_like, model.theta)
        calls = {"step": lambda: jax.block_until_ready(train(model.theta, zeros, zeros, 1.0, batch, q[:128], eps[:128])),
                 "full": lambda: jax.block_until_ready(full(first, q, eps, 500)),
                 "slow": lambda: jax.block_until_ready(slow(first, q, eps, 500, 10.0))}
        for call in calls.values():
            call()
        mine, theirs = {name: [] for name in calls}, {name: [] for name in calls}
        for _ in range(options.rounds):
            for name, call in calls.items():
                mine[name].append(harness.best_time(call, 1.0)[0])
            run("train")
            with open(folder / "run/history.csv") as file:
                theirs["step"].append(min(float(row["seconds"]) for row in csv.DictReader(file)) / 4)
            for mode, step in (("full", 0.1), ("slow", 10.0)):
                once = forecast(mode, step, 1, 1)[0]  # start and files
                theirs[mode].append(forecast(mode, 5000 * step, 1, 5000)[0] - once)
        scale = {"step": (1.0, 1.0), "full": (1 / 500, 1 / 5000), "slow": (1 / 500, 1 / 5000)}
        print(f"{'':24}{'spnode':>12}{'JAX':>12}{'ratio':>8}")
        for name, text in (("step", "training step, ms"), ("full", "full step, ms"), ("slow", "slow step, ms")):
            ours, other = 1e3 * min(theirs[name]) * scale[name][1], 1e3 * min(mine[name]) * scale[name][0]
            print(f"{text:24}{ours:12.3f}{other:12.3f}{other / ours:8.2f}")


if __name__ == "__main__":
    main()
