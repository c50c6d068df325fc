"""Systems of JACREG: two bodies, a rigid body, the periodic Kuramoto-Sivashinsky equation."""

import h5py
import numpy as np

from study import Goal, System

INERTIA = np.array([1.6, 1, 2 / 3])  # of JACREG, B.1
CONSERVED = {  # functions of states (..., components)
    "two_body": {"energy": lambda u: (u[..., 2]**2 + u[..., 3]**2) / 2 - 1 / np.hypot(u[..., 0], u[..., 1]),
                 "angular_momentum": lambda u: u[..., 0] * u[..., 3] - u[..., 1] * u[..., 2]},
    "rigid_body": {"casimir": lambda y: (y**2).sum(axis=-1) / 2, "energy": lambda y: (y**2 / INERTIA).sum(axis=-1) / 2},
}


def square_errors(study, run):
    """Mean square errors of the test trajectories as in JACREG's table 1, and the largest relative drifts of what is
    conserved. Of forecasts of which some diverge, those that evaluate keeps."""
    with h5py.File(study.data("test")) as file:
        truth = file["state"][...]
    if study.metrics(run)["diverged"]:
        with h5py.File(study.folder / run / "forecast.h5") as file:
            found, truth = file["state"][...], file["truth"][...]
    else:
        found = study.forecast(run)
    errors = ((found - truth)**2).mean(axis=(1, 2))
    values = {"mean_square_error": errors.mean(), "median_square_error": np.median(errors)}
    for name, quantity in CONSERVED.get(study.deck.stem, {}).items():
        at = quantity(found)
        values[f"{name}_drift"] = np.abs(at / at[:, :1] - 1).max()
    return values


def jacobian_regularised(deck, error, *words, paper=""):
    """A row of JACREG's table; `error`: the limit of the mean and of the median."""
    goals = [Goal("mean_square_error", error, paper=paper), Goal("median_square_error", error),
             Goal("diverged", None if error is None else 1), Goal("jacobian_error"), Goal("relative_jacobian_error")]
    goals += [Goal(f"{name}_drift") for name in CONSERVED.get(deck, {})]
    return System(goals, None, measures=(square_errors,), deck=deck, words=words)


def periodic(error, valid_time, *words, generate=(), paper=""):
    """A row of JACREG's table for the Kuramoto-Sivashinsky equation."""
    goals = [Goal("mean_square_error", error, paper=paper), Goal("median_square_error"), Goal("diverged", 1),
             Goal("valid_prediction_time", valid_time, at_least=True)]
    return System(goals, None, generate, measures=(square_errors,), deck="kuramoto_sivashinsky_fourier", words=words)


# As JACREG's baselines: its ReLU network, RK4, rollouts over N intervals, some 3000 steps of Adam.
def relu_rollout(deck, intervals, epochs, paper=""):
    return jacobian_regularised(
        deck, None, "model.order=1", "model.initialisation=random", "model.linear.structure=none",
        "model.nonlinear=[network]", "model.network.hidden=[200, 200]", "model.network.activation=relu",
        "integrator.substeps=1", "loss.jacobian=0", f"data.window={intervals}", "training.optimizers=[adam]",
        "training.batch=128", f"training.adam.epochs={epochs}", "training.adam.rate=1e-3", "training.adam.clip=10",
        paper=paper)


def orbit_times(step):
    """The right-hand side at times that are close where the bodies are: an even grid leaves gaps of the pericentre that
    every orbit has at the same times, because all of them have one period and begin there. `step`: of the eccentric
    anomaly; its times at the eccentricity 0.65, in steps of 0.01."""
    orbit = np.arange(0, 6.29, step)
    return f"data.times={np.unique(np.round(100 * (orbit - 0.65 * np.sin(orbit))).astype(int)).tolist()}"


TWO_BODY_NETWORK = ("model.order=1", "model.nonlinear=[network]", "model.network.hidden=[32, 32]",
                    "integrator.substeps=1",
                    "training.optimizers=[adam, lbfgs]", "training.batch=128", "training.adam.epochs=200",
                    "training.adam.rate=5e-3", "training.adam.clip=10", "training.lbfgs.iterations=3000")
TWO_BODY_OFFLINE = ("loss.trajectory=0", "loss.derivative=1", "loss.derivatives=given", "data.window=0", "data.stride=0",
                    "training.optimizers=[adam, gauss_newton]", "training.batch=5", "training.adam.rate=1e-2",
                    "training.adam.clip=10")
TWO_BODY_JACOBIAN = (*TWO_BODY_OFFLINE, "model.network.hidden=[20, 20]", "loss.jacobian=0.03", orbit_times(0.16),
                     "training.adam.epochs=150", "training.gauss_newton.iterations=200")
# Exact in the coordinates of the data, without a shift.
RIGID_BILINEAR = ("model.nonlinear=[bilinear]", "model.bilinear.rank=2", "model.linear.structure=none",
                  "model.scaling.kind=none", "model.initialisation=random", "integrator.substeps=2", "data.window=5",
                  "data.stride=5", "training.optimizers=[adam, gauss_newton]", "training.batch=100",
                  "training.adam.epochs=30", "training.adam.rate=5e-3", "training.gauss_newton.iterations=60")
# A network of two channels of tanh instead of products, on two states of each of 64 trajectories, with the derivative of
# the right-hand side in one random direction at each.
PERIODIC_NETWORK = (*(f"data.{split}=data/kuramoto_sivashinsky_fourier_network/{split}.h5" for split in ("train", "validation")),
                    "model.convolution.channels=2", "model.convolution.activation=tanh", "data.window=1",
                    "data.every=[140]", "loss.jacobian=1e-3", "training.gauss_newton.iterations=120")
SYSTEMS = {
    "two_body": jacobian_regularised("two_body", 1e-9),
    "two_body_second_order": jacobian_regularised(
        "two_body", 1e-3, *TWO_BODY_JACOBIAN, "model.nonlinear=[network]", "training.gauss_newton.iterations=300"),
    "two_body_potential": jacobian_regularised(
        "two_body", 1e-4, *TWO_BODY_OFFLINE, "loss.jacobian=0", orbit_times(0.05), "model.nonlinear=[potential]",
        "model.potential.hidden=[20]", "model.potential.neurons=20", "training.adam.epochs=100",
        "training.gauss_newton.iterations=150"),
    "two_body_network": jacobian_regularised(
        "two_body", 5e-3, *TWO_BODY_JACOBIAN, "model.order=1", "model.nonlinear=[library, network]",
        "model.library.degree=1", paper="1.0e-2"),
    "two_body_network_rollout": jacobian_regularised(
        "two_body", None, *TWO_BODY_NETWORK, "loss.jacobian=0", paper="4.9e15"),
    "two_body_network_second_difference": jacobian_regularised(
        "two_body", None, *TWO_BODY_NETWORK, "loss.jacobian=0", "loss.second_difference=0.01", paper="2.6e2"),
    "rigid_body": jacobian_regularised("rigid_body", 5e-3, paper="0.179"),
    "rigid_body_rollout": jacobian_regularised("rigid_body", None, "loss.jacobian=0", paper="1.41e4"),
    "rigid_body_second_difference": jacobian_regularised(
        "rigid_body", None, "loss.jacobian=0", "loss.second_difference=0.1", paper="0.152"),
    "two_body_relu_2": relu_rollout("two_body", 2, 200, paper="4.9e15"),
    "two_body_relu_5": relu_rollout("two_body", 5, 200, paper="1.7e-2"),
    "two_body_relu_10": relu_rollout("two_body", 10, 200),
    "rigid_body_relu_2": relu_rollout("rigid_body", 2, 600, paper="1.41e4"),
    "rigid_body_relu_5": relu_rollout("rigid_body", 5, 600, paper="1.62"),
    "rigid_body_relu_10": relu_rollout("rigid_body", 10, 600),
    "kuramoto_sivashinsky_fourier": periodic(0.3, 120),
    "kuramoto_sivashinsky_fourier_network": periodic(
        1.7, None, *PERIODIC_NETWORK, generate=("generate.tangents=1", "generate.train=64"), paper="8.5e5"),
    "rigid_body_bilinear": jacobian_regularised("rigid_body", 1e-9, *RIGID_BILINEAR),
    "rigid_body_bilinear_rollout": jacobian_regularised("rigid_body", None, *RIGID_BILINEAR, "loss.jacobian=0"),
}
