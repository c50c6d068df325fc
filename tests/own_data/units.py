"""The unit of time of the data does not matter: trainings, forecasts and spectra are the same in the unit of the data.

    units.py SPNODE
"""

import csv
import os
import pathlib
import subprocess
import sys
import tempfile

import h5py
import numpy as np

DECK = """output: {name}
data: {{train: {name}_train.h5, validation: {name}_validation.h5, test: {name}_test.h5, window: 4}}
model:
  initialisation: {initialisation}
  parameters: [{parameters}]
  inputs: [{inputs}]
  linear: {{structure: {structure}, mu: {mu}, rate_max: {rate}}}
  nonlinear: [{terms}]
  network: {{hidden: [16]}}
  bilinear: {{rank: 2}}
integrator: {{scheme: etdrk2, substeps: 2}}
training: {{batch: 64, adam: {{epochs: 4, rate: 1.0e-2}}}}
forecast: {{step: {step}, steps: 40}}
"""
# Terms, structure of A_L, initialisation.
MODELS = [("network, forcing", "dense", "random"), ("network", "block_diagonal", "random"),
          ("bilinear", "dense", "operator_inference")]
SECONDS = {"second": 1.0, "hour": 1 / 3600, "nanosecond": 1e9, "gigasecond": 1e-9}


def write(unit):
    """Damped pendulums of several lengths that are pushed, of period 2 seconds, in a unit of time."""
    rng = np.random.default_rng(18)
    time = np.linspace(0, 10, 101)
    for part, count in (("train", 20), ("validation", 5), ("test", 5)):
        state = rng.uniform(-1, 1, (count, 2)) * [1, 3]
        length = rng.uniform(0.9, 1.1, count)
        push = np.sin(np.outer(rng.uniform(1, 2, count), time))
        states = [state]
        for k, h in enumerate(np.diff(time)):
            for _ in range(10):
                y, v = state.T
                v = v + h / 10 * (-9.87 / length * np.sin(y) - 0.4 * v + push[:, k])
                state = np.stack([y + h / 10 * v, v], axis=1)
            states.append(state)
        with h5py.File(f"{unit}_{part}.h5", "w") as file:
            file["state"] = np.stack(states, axis=1)
            file["time"] = time * SECONDS[unit]
            file["parameters/length"] = length
            file["inputs/push"] = push


def figures(program, unit, terms, structure, initialisation, *words):
    """What train, evaluate, spectrum and forecast say, times in seconds."""
    second = SECONDS[unit]
    pathlib.Path("deck.yaml").write_text(DECK.format(
        name=unit, parameters="length" if "network" in terms else "", inputs="push" if "network" in terms else "",
        terms=terms, structure=structure, initialisation=initialisation, mu=0.5 / second, rate=3 / second,
        step=0.1 * second))
    for command in ("train", "evaluate", "spectrum", "forecast"):
        done = subprocess.run([program, command, "deck.yaml", "--overwrite", *words], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
        if done.returncode != 0:
            sys.exit(f"{command} of {unit}: {done.stdout}")
    with h5py.File(f"{unit}/model.h5") as file:
        found = {"loss": file.attrs["validation_loss"]}
        if structure == "dense":
            found["A_L"] = file["A_L"][:] * second
    with open(f"{unit}/metrics.csv", newline="") as file:
        for row in csv.reader(file):
            if row[0] == "normalised_rms_error":
                found["error"] = float(row[-1])
            elif row[0] == "valid_prediction_time":
                found["valid"] = float(row[-1]) / second
    with h5py.File(f"{unit}/spectrum.h5") as file:
        found["eigenvalues"] = (file["real"][:] + 1j * file["imag"][:]) * second
    with h5py.File(f"{unit}/trajectories.h5") as file:
        found["state"] = file["state"][:]
    return found


def main(program):
    for unit in SECONDS:
        write(unit)
    for model in MODELS:
        reference = figures(program, "second", *model)
        for unit in SECONDS:
            for name, value in figures(program, unit, *model).items():
                difference = np.max(np.abs(value - reference[name])) / np.max(np.abs(reference[name]))
                if not difference < 1e-6:
                    sys.exit(f"{model}: {name} in {unit}s differs by a relative {difference:.1e}: "
                             f"{value}, not {reference[name]}")
    done = subprocess.run([program, "train", "deck.yaml", "--overwrite", "data.time_unit=2", "model.nonlinear=[lipschitz]",
                           "model.initialisation=random"],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 2 or "data.time_unit is 2, but the bound of the Lipschitz network" not in done.stdout:
        sys.exit(f"a unit that the model cannot have: {done.stdout}")


if __name__ == "__main__":
    main_program = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        main(main_program)
