"""Fast-slow systems of FSNN."""
import sys
from pathlib import Path

import h5py
import numpy as np

from study import REPOSITORY, Goal, System


def fast_eigenvalues(study, run, exact):
    """Of T(x) over 200 states with all slow variables in [-1/2, 1]; exact(x): those of slow variables x."""
    study.spnode("spectrum", f"output={run}", "spectrum.states=200", "--overwrite")
    with h5py.File(study.folder / run / "spectrum.h5") as file:
        found = file["states_real"][...] + 1j * file["states_imag"][...]
        states = file["state"][...]
    distance = np.concatenate([np.abs(values[:, None] - exact(x)).min(axis=1) for values, x in zip(found, states)])
    return {"eigenvalue_rms_error": np.sqrt((distance**2).mean()), "eigenvalue_error": distance.max()}


def lorenz96_eigenvalues(study, run):
    """dy_j/dt = x (y_{j-1} - y_{j+2}) - y_j on a ring of four for each x."""
    wave = np.exp(0.5j * np.pi * np.arange(4))
    return fast_eigenvalues(study, run, lambda u: (-1 - np.outer(u[:len(u) // 5], wave**2 - 1 / wave)).ravel())


def grad_moment_eigenvalues(study, run):
    return fast_eigenvalues(study, run, lambda u: np.array([-1, -2 / 3]))


def other_test(study, name, *words):
    """Further test data of a deck, made where there are none."""
    path = study.folder / "finer" / f"{study.name}_{name}.h5"
    if study.options.again or not path.exists():
        study.spnode("generate", f"data.test={path}", "generate.train=0", "generate.validation=0", *words, "--overwrite")
    return path


def lorenz96_long(study, run, epsilon=1.1e-3, end=3000):
    """Relative errors at t = 3000, in steps of 1/3 with all variables and of 30 on the slow manifold."""
    path = other_test(study, "long", f"generate.vary_from={epsilon}", f"generate.vary_to={epsilon}",
                      f"generate.t_end={end}", "generate.times=101")
    with h5py.File(path) as file:
        truth = file["state"][:, -1]
    found = {}
    for mode, substeps in (("full", 90), ("slow", 1)):
        last = study.forecast(run, f"forecast.data={path}", f"forecast.mode={mode}", f"forecast.substeps={substeps}")[:, -1]
        found[f"long_error_{mode}"] = (np.linalg.norm(last - truth, axis=1) / np.linalg.norm(truth, axis=1)).mean()
    return found


def grad_moments_slow(study, run):
    """Over 2.5 slow times in steps of 1/4 of one, on the slow manifold."""
    path = other_test(study, "slow", "generate.time_scale=slow", "generate.on_manifold=true", "generate.vary_from=1e-4",
                      "generate.t_end=2.5")
    study.evaluate(run, f"{run}/slow", f"evaluate.data={path}", "evaluate.mode=slow")
    return {"slow_l2_error": study.metrics(f"{run}/slow")["relative_l2_error"]}


def truth_of(path):
    with h5py.File(path) as file:
        return file["state"][...]


def slow_manifold_test(study, epsilon):
    """States of the test data's kind over 10 units of the fast time at one epsilon."""
    return other_test(study, f"epsilon_{epsilon:g}", f"generate.vary_from={epsilon}", f"generate.vary_to={epsilon}",
                      "generate.test=100", "generate.t_end=10", "generate.times=41")


def slow_manifold(study, run):
    """FSNN, eqs. (5.1), (5.2): root mean square errors of forecasts, of the manifold at epsilon = 0, eigenvalues."""
    found = fast_eigenvalues(study, run, lambda u: np.array([-1 - np.cos(2 * u[0]) / 10]))
    for epsilon in (0, 1e-3, 1e-2):
        path = slow_manifold_test(study, epsilon)
        error = study.forecast(run, f"forecast.data={path}") - truth_of(path)
        found[f"rms_error_{epsilon:g}"] = np.sqrt((error**2).mean())
    states = study.forecast(run, f"forecast.data={slow_manifold_test(study, 0)}", "forecast.mode=slow")[:, 0]
    found["manifold_error"] = np.abs(states[:, 1] - 2 * np.tanh(states[:, 0])).max()
    path = other_test(study, "slow", "generate.vary_from=1e-3", "generate.time_scale=slow", "generate.on_manifold=true",
                      "generate.t_end=2")
    study.evaluate(run, f"{run}/slow", f"evaluate.data={path}", "evaluate.mode=slow")
    return found | {"slow_l2_error": study.metrics(f"{run}/slow")["relative_l2_error"]}


def tokamak(x):
    """B of FSNN, eq. (5.22), at positions (..., 3), real or complex."""
    r = np.sqrt(x[..., 0]**2 + x[..., 1]**2)
    q = 1.2 + 2.8 * ((r - 3)**2 + x[..., 2]**2) / 2.25
    radial, toroidal = -x[..., 2] / (q * r), 3 / r
    return np.stack([(radial * x[..., 0] - toroidal * x[..., 1]) / r, (radial * x[..., 1] + toroidal * x[..., 0]) / r,
                     (r - 3) / (q * r)], axis=-1)


def acceleration(order, x, v, epsilon):
    """On the slow manifold of electrons up to a power of epsilon: a_0 = -v x B, a_k = a_0 + (2/3) epsilon times the
    derivative of a_{k-1} along (v, a_{k-1}), which is its rate forward in time."""
    force = -np.cross(v, tokamak(x))
    if order == 0:
        return force
    before = acceleration(order - 1, x, v, epsilon)
    if order == 1:
        size = 1e-30  # complex step
        along = acceleration(0, x + 1j * size * v, v + 1j * size * before, epsilon).imag / size
    else:
        size = 1e-3   # central differences of order 4: their error is below 1e-11
        at = [acceleration(order - 1, x + k * size * v, v + k * size * before, epsilon) for k in (-2, -1, 1, 2)]
        along = (at[0] - 8 * at[1] + 8 * at[2] - at[3]) / (12 * size)
    return force + 2 / 3 * epsilon * along


def asymptotic_orbit(order, start, epsilon, end, times, substeps=10):
    """Positions (trajectories, times, 3) forward from slow variables [x; v] with dx/dt = v, dv/dt = a, by RK4."""
    h = end / (times - 1) / substeps
    rate = lambda u: np.concatenate([u[:, 3:], acceleration(order, u[:, :3], u[:, 3:], epsilon)], axis=1)
    u, found = start, [start[:, :3]]
    for _ in range(times - 1):
        for _ in range(substeps):
            a = rate(u)
            b = rate(u + h / 2 * a)
            c = rate(u + h / 2 * b)
            u = u + h / 6 * (a + 2 * b + 2 * c + rate(u + h * c))
        found.append(u[:, :3])
    return np.stack(found, axis=1)


GYRATIONS, ORBIT_TIMES = 10, 401


def forward_orbits(study, run):
    """Orbits inside the region of the data, followed in reverse time and turned round: truth (orbits, times, 9), epsilon,
    and the forecast of the model on its slow manifold. A gyration for B = 1 takes 2 pi times 3/(2 epsilon)."""
    end = 2 * np.pi * GYRATIONS
    path = other_test(study, "reverse", "generate.test=400", "generate.vary_from=1e-3", "generate.vary_spread=logarithmic",
                      "generate.time_scale=slow", "generate.on_manifold=true", "generate.relaxation=0.25",
                      f"generate.t_end={1.5 * end}", f"generate.times={ORBIT_TIMES}")
    with h5py.File(path) as file:
        state, time, epsilon = file["state"][...], file["time"][...], file["parameters/epsilon"][...]
    r = np.hypot(state[..., 0], state[..., 1])
    inside = ((np.abs(r - 3) < 1) & (np.abs(state[..., 2]) < 1) & (np.linalg.norm(state[..., 3:6], axis=2) < 1)).all(axis=1)
    turned = study.folder / run / "turned.h5"
    with h5py.File(turned, "w") as file:
        file["state"], file["time"] = state[inside][:, ::-1], time[inside][:, ::-1]
        file["parameters/epsilon"] = epsilon[inside]
    found = study.forecast(run, f"forecast.data={turned}", "forecast.mode=slow")
    return state[inside][:, ::-1], epsilon[inside], found


def abraham_lorentz(study, run):
    """Eigenvalues of T, the slow manifold at states that have relaxed to it, and positions after 10 gyrations forward."""
    found = fast_eigenvalues(study, run, lambda u: np.array([-1]))
    path = other_test(study, "relaxed", "generate.relaxation=30", "generate.vary_from=0", "generate.vary_spread=uniform")
    with h5py.File(path) as file:
        truth, epsilon = file["state"][:, 0], file["parameters/epsilon"][...]
    manifold = study.forecast(run, f"forecast.data={path}", "forecast.mode=slow")[:, 0]
    found["manifold_rms_error"] = np.sqrt(((manifold - truth)[:, 6:]**2).mean())
    for order in (0, 1, 2):
        error = acceleration(order, truth[:, :3], truth[:, 3:6], epsilon[:, None]) - truth[:, 6:]
        found[f"manifold_rms_error_order_{order}"] = np.sqrt((error**2).mean())
    truth, epsilon, model = forward_orbits(study, run)
    found["orbits"] = len(truth)
    positions = {"": model[..., :3]} | {f"_order_{k}": asymptotic_orbit(k, truth[:, 0, :6], epsilon[:, None],
                                                                       2 * np.pi * GYRATIONS, ORBIT_TIMES)
                                        for k in (0, 1, 2)}
    for name, x in positions.items():
        found["position_error" + name] = np.linalg.norm(x - truth[..., :3], axis=2).max(axis=1).mean()
    return found


def plot_style():
    """What the program's own pictures use."""
    sys.path.insert(0, str(REPOSITORY / "app/plots"))
    import style
    return style


def slow_manifold_figure(study, run, output):
    """Phase portraits and eigenvalues, as FSNN's figure 5."""
    style = plot_style()
    fig, axes = style.figure(1, 4, figsize=(1.6 * style.WIDTH, 2.8))
    for axis, epsilon in zip(axes[0], (0, 1e-3, 1e-2)):
        path = slow_manifold_test(study, epsilon)
        model, truth = study.forecast(run, f"forecast.data={path}"), truth_of(path)
        for k in range(12):
            axis.plot(*truth[k].T, color=style.GREY, linewidth=2.4, alpha=0.5, label=None if k else "truth")
            axis.plot(*model[k].T, ".", color=style.BLUE, markersize=3, label=None if k else "model")
        axis.set_title(f"epsilon = {epsilon:g}")
        axis.set_xlabel("$z_1$")
    axes[0, 0].set_ylabel("$z_2$")
    axes[0, 0].legend(loc="upper left")
    with h5py.File(study.folder / run / "spectrum.h5") as file:
        x, found = file["state"][:, 0], file["states_real"][:, 0]
    grid = np.linspace(-1, 1, 200)
    axes[0, 3].plot(grid, -1 - np.cos(2 * grid) / 10, color=style.GREY, linewidth=2.4, alpha=0.5)
    axes[0, 3].plot(x, found, ".", color=style.BLUE, markersize=3)
    axes[0, 3].set_title("eigenvalue")
    axes[0, 3].set_xlabel("$z_1$")
    style.save(fig, output)


def abraham_lorentz_figure(study, run, output):
    """An orbit in the plane of r and z for asymptotic orders and the model, and all errors, as FSNN's figures 10 and 11."""
    style = plot_style()
    truth, epsilon, model = forward_orbits(study, run)
    end, time = 2 * np.pi * GYRATIONS, np.linspace(0, GYRATIONS, ORBIT_TIMES)
    orbits = {f"order {k}": asymptotic_orbit(k, truth[:, 0, :6], epsilon[:, None], end, ORBIT_TIMES) for k in (0, 1)}
    orbits["model"] = model[..., :3]
    shown = np.argmax(epsilon)
    fig, axes = style.figure(1, 2, figsize=(1.2 * style.WIDTH, 3.4))
    for name, x, color in (("truth", truth[..., :3], style.GREY), *zip(orbits, orbits.values(), style.CYCLE)):
        axes[0, 0].plot(np.hypot(x[shown, :, 0], x[shown, :, 1]), x[shown, :, 2], label=name, color=color,
                        linewidth=2.6 if name == "truth" else 0.9)
        if name != "truth":
            axes[0, 1].plot(time, np.linalg.norm(x - truth[..., :3], axis=2).mean(axis=0), color=color, label=name)
    axes[0, 0].set_title(f"epsilon = {epsilon[shown]:.2g}")
    axes[0, 0].set_xlabel("r")
    axes[0, 0].set_ylabel("z")
    axes[0, 0].legend()
    axes[0, 1].set_yscale("log")
    axes[0, 1].set_xlabel("gyrations, forward in time")
    axes[0, 1].set_title("error of the position, mean over the orbits")
    axes[0, 1].legend()
    style.save(fig, output)


def random_states(study, run):
    """400 states of two independent normal numbers at epsilon = 1e-3, and the model's forecast of them to t = 4."""
    path, random = study.folder / run / "normal.h5", np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        file["state"], file["time"] = np.repeat(random.normal(size=(400, 1, 2)), 2, axis=1), [0.0, 4.0]
        file["parameters/epsilon"] = np.full(400, 1e-3)
    return path, study.forecast(run, f"forecast.data={path}", "forecast.substeps=16")


def manifold_below(study, run, states):
    """y of the model's slow manifold at the x of states (n, 2)."""
    path = study.folder / run / "below.h5"
    with h5py.File(path, "w") as file:
        file["state"], file["time"] = np.repeat(states[:, None], 2, axis=1), [0.0, 1.0]
        file["parameters/epsilon"] = np.full(len(states), 1e-3)
    return study.forecast(run, f"forecast.data={path}", "forecast.mode=slow")[:, 0, 1]


def random_network(study, run):
    """By how much distances from the slow manifold shrink to t = 4, over what the largest eigenvalue of T promises."""
    path, states = random_states(study, run)
    first, last = (np.abs(states[:, t, 1] - manifold_below(study, run, states[:, t])) for t in (0, 1))
    study.spnode("spectrum", f"output={run}", f"spectrum.data={path}", "spectrum.states=800", "--overwrite")
    with h5py.File(study.folder / run / "spectrum.h5") as file:
        slowest = file["states_real"][...].max()
    return {"contraction": (last / first).max(), "over_promise": (last / first).max() / np.exp(4 * slowest)}


def random_network_figure(study, run, output):
    """States at t = 4 and the slow manifold of three networks, as FSNN's figure 4."""
    style = plot_style()
    fig, axes = style.figure(1, 4, figsize=(1.6 * style.WIDTH, 2.8))
    for number, axis in enumerate(axes[0, 1:]):
        other = str(Path(run).parent / f"seed{study.options.seeds[number]}")
        states = random_states(study, other)[1]
        if number == 0:
            axes[0, 0].plot(*states[:, 0].T, ".", color=style.BLUE, markersize=2)
            axes[0, 0].set_title("t = 0")
        grid = np.stack([np.linspace(-3, 3, 200), np.zeros(200)], axis=1)
        axis.plot(grid[:, 0], manifold_below(study, other, grid), color=style.ORANGE, label="slow manifold")
        axis.plot(*states[:, 1].T, ".", color=style.BLUE, markersize=2, label="states")
        axis.set_title(f"t = 4, network {number + 1}")
    axes[0, 1].legend()
    for axis in axes[0]:
        axis.set_xlim(-3, 3)
        axis.set_ylim(-3, 3)
    style.save(fig, output)


LORENZ96_FILES = {"slow": ("generate.train=100", "generate.time_scale=slow", "generate.relaxation=0.5",
                           "generate.t_end=2.5", "generate.vary_from=1e-3"),
                  "manifold": ("generate.train=2000", "generate.on_manifold=true", "generate.vary_from=0",
                               "generate.vary_to=0", "generate.vary_spread=uniform", "generate.times=2")}


def lorenz96_variant(name, goals, *words):
    """Of input/lorenz96.yaml, with data of its own."""
    files = tuple(f"data.{split}=data/{name}/{split}.h5" for split in ("train", "slow", "manifold", "validation", "test"))
    return System(goals, None, measures=(lorenz96_eigenvalues, lorenz96_long), deck="lorenz96", words=(*files, *words),
                  further=LORENZ96_FILES)


SYSTEMS = {
    "lorenz96": System(
        [Goal("eigenvalue_rms_error", 2e-4), Goal("long_error_full", 3e-4), Goal("long_error_slow", 3e-4),
         Goal("relative_l2_error")], None, measures=(lorenz96_eigenvalues, lorenz96_long),
        further=LORENZ96_FILES),
    "lorenz96_network": System(
        [Goal("eigenvalue_rms_error", 1e-2), Goal("long_error_full", 1e-2), Goal("long_error_slow", 1e-2),
         Goal("relative_l2_error")], None, measures=(lorenz96_eigenvalues, lorenz96_long),
        further=LORENZ96_FILES),
    "lorenz96_noise": lorenz96_variant(
        "lorenz96_noise", [Goal("eigenvalue_rms_error"), Goal("long_error_full", 5e-3), Goal("long_error_slow", 5e-3)],
        "generate.noise=1e-4"),
    "lorenz96_8": lorenz96_variant(
        "lorenz96_8",
        [Goal("eigenvalue_rms_error", 2e-4), Goal("long_error_full", 3e-4), Goal("long_error_slow", 3e-4)],
        "generate.lorenz96.slow=8", "generate.train=4000", "model.linear.slow_dimension=8", "model.coupling_flow.split=8",
        "model.coupling_flow.factor_hidden=[44]", "model.fast_linear.hidden=[44]"),
    "grad_moments": System(
        [Goal("eigenvalue_error", 1e-5, paper="3e-3, 9e-4"), Goal("relative_l2_error", 1e-4), Goal("slow_l2_error", 1e-4)],
        None, measures=(grad_moment_eigenvalues, grad_moments_slow),
        further={"slow": ("generate.time_scale=slow", "generate.on_manifold=true", "generate.vary_from=1e-4")}),
    "random_networks": System(
        [Goal("over_promise", 1.05), Goal("contraction")], None, measures=(random_network,), figure=random_network_figure,
        deck="slow_manifold",
        words=("training.optimizers=[adam]", "training.adam.epochs=1", "training.adam.rate=1e-12",  # as initialised
               "training.adam.final_rate=1e-12", "model.nonlinear=[slow, fast_bilinear, fast_linear]",
               "model.linear.noise=1", "model.linear.rate_min=1", "model.linear.rate_max=1",
               "model.coupling_flow.initial_scale=10", "evaluate.step_consistency=false")),
    "slow_manifold": System(
        [Goal("rms_error_0", 1e-4), Goal("rms_error_0.001", 1e-4), Goal("rms_error_0.01", 1e-4),
         Goal("manifold_error", 1e-4), Goal("eigenvalue_error", 1e-3), Goal("slow_l2_error")],
        None, measures=(slow_manifold,), figure=slow_manifold_figure),
    "abraham_lorentz": System(
        [Goal("eigenvalue_error", 1e-4, paper="4.2e-4"), Goal("manifold_rms_error", 1e-3), Goal("position_error", 1e-2),
         *(Goal(f"{name}_order_{k}") for name in ("manifold_rms_error", "position_error") for k in (0, 1, 2)),
         Goal("orbits")],
        None, measures=(abraham_lorentz,), figure=abraham_lorentz_figure,
        further={
            "slow": ("generate.train=3000", "generate.time_scale=slow", "generate.on_manifold=true",
                     "generate.relaxation=0.2", "generate.t_end=0.4", "generate.times=5", "generate.vary_from=5e-3",
                     "generate.vary_spread=uniform"),
            "manifold": ("generate.train=12000", "generate.on_manifold=true", "generate.vary_from=0", "generate.vary_to=0",
                         "generate.vary_spread=uniform", "generate.times=2")}),
}
