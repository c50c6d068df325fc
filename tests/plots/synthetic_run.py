"""Run directories with made-up numbers, of the shapes that the program writes."""
import csv
from pathlib import Path

import h5py
import numpy as np


def write_history(run, epochs=120, phases=(("pretrain", 20), ("adam", 80), ("lbfgs", 20))):
    """A training with three phases; the validation and the spectrum are logged now and then."""
    random = np.random.default_rng(1)
    header = ["epoch", "phase", "steps", "loss", "trajectory", "reconstruction", "validation_loss",
              "validation_trajectory", "validation_latent", "validation_reconstruction", "gradient_norm", "rate",
              "spectral_abscissa", "skipped", "seconds"]
    numbers = [number for number, (_, length) in enumerate(phases) for _ in range(length)][:epochs]
    optimizers = ", ".join(name for name, _ in phases if name != "pretrain")
    Path(run, "deck.yaml").write_text(f"training:\n  pretrain_epochs: {phases[0][1]}\n  optimizers: [{optimizers}]\n",
                                      encoding="utf-8")
    with Path(run, "history.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(header)
        for i, number in enumerate(numbers):
            name = phases[number][0]
            loss = (0.3 / (1 + i) + 2e-3) * np.exp(0.1 * random.standard_normal())
            rate = "nan" if name == "lbfgs" else 1e-2 * 0.5 * (1 + np.cos(np.pi * i / epochs)) + 1e-5
            trajectory = "nan" if name == "pretrain" else 0.9 * loss
            validation = [factor * loss if i % 2 else "nan" for factor in (1.2, 1.1, 0.3, 0.1)]
            table.writerow([i + 1, number, 8 * (i + 1), loss, trajectory, 0.1 * loss, *validation, 30 * loss, rate,
                            0.21 + 0.03 * np.exp(-i / 30) if i % 10 == 0 else "nan", 0, 1.5])


def write_spectrum(run, real, imag, bound, numerical_abscissa):
    """spectrum.csv and spectrum.h5 of the given eigenvalues."""
    order = np.argsort(-np.asarray(real))
    with Path(run, "spectrum.csv").open("w", newline="", encoding="utf-8") as stream:
        table = csv.writer(stream)
        table.writerow(["operator", "index", "real", "imag", "bound", "margin"])
        for index, i in enumerate(order):
            table.writerow(["A_L", index, real[i], imag[i], bound, bound - real[i]])
    with h5py.File(Path(run, "spectrum.h5"), "w") as file:
        file.attrs["format"] = "spnode.spectrum"
        file.attrs["spectral_abscissa"] = max(real)
        file.attrs["numerical_abscissa"] = numerical_abscissa


def write_limit_sets(run, values=30):
    """limit_sets.h5 of a map with fixed points, then chaos."""
    parameter = np.linspace(0, 1, values)
    chaotic = parameter > 0.5
    random = np.random.default_rng(2)
    points = [(p, start, x) for p, c in zip(parameter, chaotic) for start in range(2)
              for x in (random.random(50) if c else [p])]
    with h5py.File(Path(run, "limit_sets.h5"), "w") as file:
        file.attrs["format"], file.attrs["format_version"] = "spnode.limit_sets", 1
        file["deck"] = "limit_sets:\n  source: system\n  parameter: sigmoid_map.b\n"
        file["parameter"] = parameter
        file["kind"] = np.repeat(np.where(chaotic, 3.0, 0.0)[:, None], 2, axis=1)
        file["exponent"] = np.repeat(np.where(chaotic, 0.4, -0.5)[:, None], 2, axis=1)
        file["points/parameter"], file["points/start"] = [p for p, _, _ in points], [float(s) for _, s, _ in points]
        file["points/state"] = np.array([x for _, _, x in points])[:, None]


def write_forecast(run, time, truth, state, system="", **attributes):
    """A forecast with its truth beside it."""
    with h5py.File(Path(run, "forecast.h5"), "w") as file:
        file["time"], file["truth"], file["state"] = time, truth, state
        file.attrs["format"], file.attrs["format_version"], file.attrs["system"] = "spnode.trajectories", 1, system
        file.attrs.update(attributes)


def write_metrics(run, **scalars):
    """metrics.csv with the given scalars and an error over time."""
    lines = [f"{name},,{value}" for name, value in scalars.items()] + ["relative_error,0,0", "relative_error,1,0.1"]
    Path(run, "metrics.csv").write_text("metric,time,value\n" + "\n".join(lines) + "\n", encoding="utf-8")


def write_component_errors(run):
    """metrics.csv with errors of three components on logarithmic times, with half the step too."""
    time = np.concatenate([[0.0], np.logspace(-5, 6, 50)])
    lines = [f"{prefix}component_error_{c + 1},{t},{0.01 * (c + 1) * t / (1 + t)}" for prefix in ("", "half_step_")
             for c in range(3) for t in time]
    Path(run, "metrics.csv").write_text("metric,time,value\ntrajectories,,4\n" + "\n".join(lines) + "\n", encoding="utf-8")


def write_statistics(run, bins=60, modes=33):
    """Histograms of a normal density, and energies that decay."""
    random = np.random.default_rng(3)
    with h5py.File(Path(run, "statistics.h5"), "w") as file:
        file["pdf/u_x_range"], file["pdf/u_xx_range"] = [-4.0, 4.0], [-5.0, 5.0]
        for name in ("truth", "forecast"):
            file[f"pdf/{name}"] = np.histogram2d(*random.standard_normal((2, 100000)), bins=bins,
                                                 range=[[-4, 4], [-5, 5]])[0].astype(int)
        wavenumber = np.arange(modes) * 0.2856
        file["energy/wavenumber"], file["energy/truth"] = wavenumber, np.exp(-2 * wavenumber)
        file["energy/forecast"] = np.exp(-2 * wavenumber) * (1 + 0.1 * np.sin(wavenumber))


def field(trajectories=50, times=151, points=64):
    """Travelling waves, and forecasts that drift away from them."""
    random = np.random.default_rng(2)
    time = np.linspace(0, 150, times)
    x = 2 * np.pi * np.arange(points) / points
    truth, state = np.empty((2, trajectories, times, points))
    for k in range(trajectories):
        phase, rate = random.uniform(0, 6, 4), random.uniform(0.02, 0.2, 4)
        drift = 1e-3 * np.exp(time / random.uniform(7, 15))
        drift = drift / (1 + drift)
        for which, shift in ((truth, 0 * time), (state, 3 * drift)):
            which[k] = sum(np.sin((m + 1) * x + phase[m] + rate[m] * time[:, None] * (m + 1) + shift[:, None])
                           for m in range(4))
    return time, truth, state


def square(trajectories=2, times=9, extents=(24, 32, 2)):
    """Waves over a rectangle in two variables, the second of one sign."""
    y, x = (2 * np.pi * np.arange(count) / count for count in extents[:2])
    time = np.linspace(0, 4, times)
    waves = np.sin(x[None, None] + 2 * y[None, :, None] + time[:, None, None])
    truth = np.stack([waves, 2 + waves], axis=-1).reshape(1, times, -1).repeat(trajectories, axis=0)
    return time, truth, truth + 0.1 * np.roll(truth, 5, axis=2)


def kinetics(trajectories=3, times=50):
    """Three components over eleven decades of time."""
    time = np.concatenate([[0.0], np.logspace(-5.4, 6.6, times)])
    rate = np.array([1e-3, 1e-2, 1.0])[:trajectories]
    decay = np.exp(-np.log1p(rate[:, None] * time))
    truth = np.stack([decay, 3.6e-5 * decay * (1 - np.exp(-1e3 * time)), 1 - decay], axis=2)
    return time, truth, truth * (1 + 0.02 * np.sin(np.log1p(time)))[None, :, None]
