"""Systems of SPNODE: transient growth, grad13, Robertson, Kuramoto-Sivashinsky."""
import csv

import h5py
import numpy as np

from study import FINE, HALF, Goal, System

BUMP = np.array([[-2.0, 10.0], [0.0, -2.0]])  # A_bump of SPNODE-25, eq. (23)


def bump_operator(study, run):
    """A_L against A_bump."""
    with h5py.File(study.folder / run / "model.h5") as file:
        found = file["A_L"][...]
    return {"operator_error": np.linalg.norm(found - BUMP) / np.linalg.norm(BUMP)}


def bump_linearised(study, run, size=1e-3, step=1e-2):
    """Eigenvalues of A_L + g'(0), from forecasts around 0: their differences grow with exp(step (A_L + g'(0)))."""
    around = study.folder / run / "around_0.h5"
    with h5py.File(around, "w") as file:
        file["state"], file["time"] = size * np.repeat([[[1.0, 0]], [[-1, 0]], [[0, 1]], [[0, -1]]], 2, axis=1), [0, step]
    after = study.forecast(run, f"forecast.data={around}", "forecast.substeps=16")[:, -1]
    propagator = np.stack([after[0] - after[1], after[2] - after[3]], axis=1) / (2 * size)
    return {"linearisation_error": np.abs(np.log(np.linalg.eigvals(propagator)) / step - (-1.0)).max()}


def backwards(study, run):
    """From the end of the test data back to their start, with their steps and with half of them."""
    with h5py.File(study.data("test")) as file:
        truth, times = file["state"][...][:, ::-1], file["time"][...]
    intervals, found = len(times) - 1, {}
    for prefix, cut in (("", 1), (HALF, 2)):
        back = study.forecast(run, f"forecast.start={intervals}", f"forecast.step={-(times[1] - times[0]) / cut}",
                              f"forecast.steps={cut * intervals}")
        error = np.linalg.norm(back[:, ::cut] - truth, axis=(1, 2)) / np.linalg.norm(truth, axis=(1, 2))
        found[prefix + "backward_l2_error"] = error.mean()
    return found


def eigenvalues(study, run):
    study.spnode("spectrum", f"output={run}", "--overwrite", accept=(0, 4))
    with (study.folder / run / "spectrum.csv").open(newline="", encoding="utf-8") as stream:
        return np.array([complex(float(row["real"]), float(row["imag"])) for row in csv.DictReader(stream)])


def matched(found, exact):
    """The largest distance of an eigenvalue from the nearest one of the other set."""
    distance = np.abs(np.asarray(found)[:, None] - np.asarray(exact))
    return max(distance.min(axis=0).max(), distance.min(axis=1).max())


def grad13_eigenvalues(study, run, epsilon=0.1):
    """Against those of SPNODE-24, eq. (5.12); modes k and -k are conjugate."""
    coupling = np.array([[0, 1, 0, 0, 0], [1, 0, 1, 1, 0], [0, 2 / 3, 0, 0, 2 / 3], [0, 4 / 3, 0, 0, 8 / 15],
                         [0, 0, 5 / 2, 1, 0]])
    exact = [np.linalg.eigvals(np.diag([0, 0, 0, -1, -2 / 3]) - 1j * k * epsilon * coupling) for k in (0, 1, 2, -1, -2)]
    return {"eigenvalue_error": matched(eigenvalues(study, run), np.concatenate(exact))}


def growth_rates(study, run):
    """The six leading eigenvalues of A_L against q^2 - q^4, q = 2 pi n / 22, n = 1, 2, 3, each twice."""
    q = 2 * np.pi * np.arange(1, 4) / 22
    found = np.sort(eigenvalues(study, run).real)[::-1][:6]
    return {"growth_rate_error": np.abs(found - np.sort(np.repeat(q**2 - q**4, 2))[::-1]).max()}


def long_run(study, run):
    """Is the model bounded over 1e5 time units, from 16 of the test states?"""
    study.evaluate(run, f"{run}/long", "evaluate.trajectories=16", "evaluate.long_run=1e5",
                   "evaluate.step_consistency=false", "evaluate.spatial_period=0")
    metrics = study.metrics(f"{run}/long")
    return {name: metrics[name] for name in ("long_run_unbounded", "long_run_largest_norm")}


def kuramoto_sivashinsky(valid_time, paper, *more, linear=True):
    """`linear`: A_L is comparable to the equation's linear part."""
    statistics = [Goal("valid_prediction_time", valid_time, at_least=True, paper=paper),
                  Goal("valid_prediction_lyapunov_times"), *more, Goal("long_run_unbounded", 1)]
    return System(statistics + [Goal("growth_rate_error")] * linear, ("generate.times=1201",), ("generate.test=256",),
                  ("evaluate.long_run=0",), (growth_rates, long_run) if linear else (long_run,))


ROBERTSON = ("generate.times=198",)  # t = 0 and four intervals for each of the 49 logarithmic ones
HALF_LOSS, PDF = Goal("half_step_loss_percent", 10), Goal("pdf_l1", 0.06)
SYSTEMS = {
    "transient_growth_linear": System(
        [Goal("operator_error", 1e-9), Goal("relative_l2_error", 1e-8)],
        ("generate.times=21",), measures=(bump_operator,)),
    "transient_growth_linear_imex": System(
        [Goal("operator_error"), Goal("relative_l2_error")], ("generate.times=21",), measures=(bump_operator,),
        deck="transient_growth_linear", words=("integrator.scheme=imex_ssp2",)),
    "transient_growth": System(
        [Goal("relative_l2_error", 5e-4), Goal("backward_l2_error", 5e-4), Goal("linearisation_error", 0.02)],
        ("generate.times=21",), measures=(bump_linearised, backwards)),
    "grad13": System(
        [Goal("eigenvalue_error", 1e-9, paper="3e-3 (FSNN)"), Goal("final_error", 1e-8)],
        ("generate.times=401",), measures=(grad13_eigenvalues,)),
    "grad13_network": System(
        [Goal("eigenvalue_error", 1e-5, paper="3e-3 (FSNN)"), Goal("final_error", 1e-4)],
        ("generate.times=401",), measures=(grad13_eigenvalues,)),
    "robertson": System([Goal("max_error"), Goal("conserved_drift")], ROBERTSON),
    "robertson_autoencoder": System(
        [Goal("max_error", 3e-3), Goal("max_error", 1e-2, judged=(FINE,)), Goal("conserved_drift")], ROBERTSON),
    "kuramoto_sivashinsky_20": kuramoto_sivashinsky(75, "50, one trajectory", HALF_LOSS, PDF),
    "kuramoto_sivashinsky_20_dense": kuramoto_sivashinsky(75, "50, one trajectory", HALF_LOSS, PDF),
    "kuramoto_sivashinsky_20_lipschitz": kuramoto_sivashinsky(50, "50, one trajectory", HALF_LOSS, PDF),
    "kuramoto_sivashinsky_64": kuramoto_sivashinsky(None, "the slow baseline", HALF_LOSS, Goal("pdf_l1")),
    "kuramoto_sivashinsky_7": kuramoto_sivashinsky(35, "25, one trajectory", HALF_LOSS, PDF, linear=False),
}
