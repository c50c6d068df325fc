"""Rebuilds a model of spnode from its file alone: du/dt = A u + g(u) - A r(u), encoder and decoder, in NumPy.

usage: rebuild_model.py MODEL.h5 DATA.h5 SUBSTEPS FORECAST.h5      forecasts from DATA's initial states by RK4
"""
import itertools
import sys

import h5py
import numpy as np
import yaml

model_path, data_path, substeps, forecast_path = sys.argv[1:5]
p = {}  # every dataset by its path
with h5py.File(model_path) as file:
    file.visititems(lambda name, item: p.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None)
options = yaml.safe_load(p["deck"].decode())["model"]
if options["parameters"] or options["inputs"] or options["time"]:
    sys.exit("the model depends on parameters, inputs or time: this script knows models of the state alone")
if options["coupling_flow"]["enabled"]:
    sys.exit("the model has a coupling flow, which this script does not know")


def linear(u):  # A_L u, from the entries of its structure
    if options["linear"]["structure"] == "none":
        return 0.0
    if "A_L" in p:
        return u @ p["A_L"].T
    if "A_L_diagonal" in p:
        x, y, z = np.split(u @ p["A_L_factors"], 3, axis=-1)
        return u * p["A_L_diagonal"] + np.concatenate([-x, z, -y], axis=-1) @ p["A_L_factors"].T
    pairs, last = 2 * len(p["A_L_blocks"]), p.get("A_L_last", np.empty(0))
    blocks = np.einsum("bij,...bj->...bi", p["A_L_blocks"], u[..., :pairs].reshape(*u.shape[:-1], -1, 2))
    return np.concatenate([blocks.reshape(*u.shape[:-1], pairs), last * u[..., pairs:]], axis=-1)


SIGMA = {
    "tanh": np.tanh,
    "identity": lambda x: x,
    "squareplus": lambda x: (x + np.sqrt(x**2 + 0.1)) / 2,
    "relu": lambda x: np.maximum(x, 0),
    "softplus": lambda x: np.logaddexp(0, x),
    "silu": lambda x: x / (1 + np.exp(-x)),
    "sin": np.sin,
    "square": np.square,
}
SLOPE = {
    "tanh": lambda x: 1 - np.tanh(x)**2,
    "identity": np.ones_like,
    "squareplus": lambda x: (1 + x / np.sqrt(x**2 + 0.1)) / 2,
    "relu": lambda x: np.where(x > 0, 1.0, 0.0),
    "softplus": lambda x: 1 / (1 + np.exp(-x)),
    "silu": lambda x: (1 + x - x / (1 + np.exp(-x))) / (1 + np.exp(-x)),
    "sin": np.cos,
    "square": lambda x: 2 * x,
}


def network(name, x, options, bound=0.0):  # layers sigma(W x + b), the last without sigma; W normalised where there is a bound
    depth = sum(path.startswith(f"{name}/layer") for path in p) // 2
    for i in range(1, depth + 1):
        W, b = p[f"{name}/layer{i}/W"], p[f"{name}/layer{i}/b"]
        if bound > 0 and options["divisor"] == "smooth":
            size = np.sqrt(W**2 + 0.01**2)
            norms = np.linalg.norm(size.sum(axis=0), 16) * np.linalg.norm(size.sum(axis=1), 16)
            W = bound ** (1 / depth) * W / (1 + norms**8) ** (1 / 16)
        elif bound > 0:
            W = bound ** (1 / depth) * W / max(1, np.sqrt(np.linalg.norm(W, 1) * np.linalg.norm(W, np.inf)))
        x = x @ W.T + b
        if i < depth or options.get("last_activation", False):
            x = SIGMA[options["activation"]](x)
    return x * p.get(f"{name}/scale", 1.0)


def library(u):  # Xi Theta(X) / scale, X the unscaled variables
    form, Xi = options["library"], p["nonlinear/library/Xi"] * p["nonlinear/library/support"]
    if form["fields"] > 0:
        return library_at_points(u, form, Xi)
    X = p["nonlinear/library/shift"] + p["nonlinear/library/scale"] * u
    return functions(X, form) @ Xi.T / p["nonlinear/library/scale"][u.shape[-1] - len(Xi):]


def functions(X, form, first_limited=None):  # Theta(X); at most neighbour_factors factors from first_limited on
    N = X.shape[-1]
    Theta = [np.prod(X[..., factors], axis=-1) for d in range(form["degree"] + 1)
             for factors in map(list, itertools.combinations_with_replacement(range(N), d))
             if first_limited is None or sum(v >= first_limited for v in factors) <= form["neighbour_factors"]]
    for k in form["frequencies"]:
        Theta += [wave(k * X[..., v]) for v in range(N) for wave in (np.sin, np.cos)]
    return np.stack(Theta, axis=-1)


def library_at_points(u, form, Xi):  # the same at all points of a periodic grid
    scale, fields, grid = p["nonlinear/library/state_scale"], form["fields"], form["points"] or [u.shape[-1] // form["fields"]]
    first = form["field_axis"] == "first"
    X = (p["nonlinear/library/state_shift"] + scale * u).reshape(len(u), *([fields, *grid] if first else [*grid, fields]))
    X = np.moveaxis(X, 1, -1) if first else X  # (states, points ..., fields)
    near = [X] + [np.roll(X, -step, axis) for axis in range(1, len(grid) + 1)
                  for distance in range(1, form["neighbours"] + 1) for step in (distance, -distance)]
    value = functions(np.concatenate(near, axis=-1), form, fields) @ Xi.T
    value = (np.moveaxis(value, -1, 1) if first else value).reshape(len(u), -1)
    return value / scale[-value.shape[1]:]


def rate(u):  # du/dt; a row of u is a latent state
    if options["order"] == 2:  # u = [x; v] with dx/dt = v
        v = u[:, u.shape[1] // 2:]
        return np.concatenate([p["motion/rate"] * v + p["motion/drift"], projected(averaged(terms, u, v.shape[1]))], axis=1)
    return linear(u) + projected(averaged(terms, u, u.shape[1]))


def group(n):  # all products of the symmetries, as pairs (permutation, signs): (P u)_i = signs_i u_permutation_i
    found, form = [(tuple(range(n)), (1,) * n)], options["symmetries"]
    rows = max(len(form["permutations"]), len(form["signs"])) // n
    places = np.reshape(form["permutations"] or list(range(n)) * rows, (rows, n))
    signs = np.reshape(form["signs"] or [1] * n * rows, (rows, n))
    for permutation, sign in found:  # which grows
        for q, s in zip(places, signs):
            new = (tuple(np.array(permutation)[q]), tuple(s * np.array(sign)[q]))
            found += [new] if new not in found else []
    return [(list(permutation), np.array(sign)) for permutation, sign in found]


def averaged(g, u, k):  # the mean of P^T g(P u) over the symmetries; g has k components, and sees the first k alone, too
    total = np.zeros((len(u), k))
    for permutation, sign in group(u.shape[1]):
        Pu = sign * u[:, permutation]
        total[:, permutation[:k]] += sign[:k] * g(Pu, Pu[:, :k])
    return total / len(group(u.shape[1]))


def projected(g):  # P g, which keeps the invariants
    if "invariants/Q" not in p:
        return g
    Q = p["invariants/Q"][:, -g.shape[1]:]  # of second order those of velocities alone
    return g - (g @ Q.T) @ Q


def multiply(z, u):  # Fourier modes times complex numbers: pairs (cosine, sine), then the mean
    x, y, c, s = z[:-1:2], z[1::2], u[:, :-1:2], u[:, 1::2]
    return np.concatenate([np.stack([x * c - y * s, y * c + x * s], axis=-1).reshape(len(u), -1), z[-1] * u[:, -1:]], axis=1)


def convolution(u):
    n = u.shape[1]
    m = 3 * (n // 2) + 1
    angle = 2 * np.pi * np.outer(np.arange(1, n // 2 + 1), np.arange(m)) / m
    modes = np.stack([np.cos(angle), np.sin(angle)], axis=1).reshape(n - 1, m)
    modes = np.concatenate([np.sqrt(2 / m) * modes, np.full((1, m), np.sqrt(1 / m))])
    sigma, total = SIGMA[options["convolution"]["activation"]], 0.0
    for P, R, b in zip(*(p[f"nonlinear/convolution/{name}"] for name in "PRb")):
        total = total + multiply(R, sigma(multiply(P, u) @ modes + b) @ modes.T)
    return total


def terms(u, x):  # the nonlinear terms
    total = 0.0
    for kind in options["nonlinear"]:
        if kind == "bilinear":
            C, D, b = (p[f"nonlinear/bilinear/{name}"] for name in "CDb")
            total = total + ((C @ u.T) * (D @ u.T)).sum(axis=0).T + b
        elif kind == "potential":
            total = total + force(x)
        elif kind == "central_force":
            c, origin, length, factor = (p[f"nonlinear/central_force/{name}"] for name in ("c", "origin", "length", "rate"))
            X = length * (x - origin)
            R = np.linalg.norm(X, axis=1, keepdims=True)
            total = total + factor * X * np.polynomial.polynomial.polyval(1 / R, c)
        elif kind == "library":
            total = total + library(u)
        elif kind == "convolution":
            total = total + convolution(u)
        else:
            value = network(f"nonlinear/{kind}", u, options[kind], options[kind].get("bound", 0.0))
            total = total - linear(value) if options[kind]["relaxation"] else total + value
    if not options["nonlinear"] and options["constant"]:
        total = total + p["nonlinear/constant/b"]
    return total


def force(x):  # minus the gradient of a potential, from its terms back to x
    name, activation, layers = "nonlinear/potential", options["potential"]["activation"], []
    while f"{name}/layer{len(layers) + 1}/W" in p:
        W, b = (p[f"{name}/layer{len(layers) + 1}/{block}"] for block in "Wb")
        layers.append((W, x @ W.T + b))
        x = SIGMA[activation](layers[-1][1])
    W, b, w, metric = (p[f"{name}/{block}"] for block in ("W", "b", "w", "metric"))
    gradient = (w * SIGMA[activation](x @ W.T + b)) @ W
    for W, a in reversed(layers):
        gradient = (gradient * SLOPE[activation](a)) @ W
    return -metric * gradient


def positive(u, encode=False):  # z of u, entry by entry, or u of z; psi = exp or log(1 + exp)
    if "positive/mean" not in p:
        return u
    mean, deviation = p["positive/mean"], p["positive/deviation"]
    some = deviation > 0
    log, v = options["positive"]["coordinates"] == "log", u.copy()
    if encode:
        x = u[..., some]
        v[..., some] = ((np.log(x) if log else x + np.log(-np.expm1(-x))) - mean[some]) / deviation[some]
    else:
        x = mean[some] + deviation[some] * u[..., some]
        v[..., some] = np.exp(x) if log else np.logaddexp(0, x)
    return v


def lift(z):  # products of components as further ones
    pairs = options["lifting"]["products"]
    return np.concatenate([z] + [z[..., [a]] * z[..., [b]] for a, b in zip(pairs[::2], pairs[1::2])], axis=-1)


def autoencode(name, x):  # encoder or decoder: a linear map plus a network, either may be absent
    if not options["autoencoder"]["enabled"]:
        return x
    linear = x @ p[f"{name}/linear"].T if f"{name}/linear" in p else 0.0
    return linear + (network(name, x, options["autoencoder"]) if f"{name}/layer1/W" in p else 0.0)


with h5py.File(data_path) as file:
    state, time = file["state"][:, 0], file["time"][...]
u = lift(autoencode("autoencoder/encoder", positive((state - p["scaling/shift"]) / p["scaling/scale"], encode=True)))
latent = [u]
for h in np.diff(time) / int(substeps):
    for _ in range(int(substeps)):
        k1 = rate(u)
        k2 = rate(u + h / 2 * k1)
        k3 = rate(u + h / 2 * k2)
        u = u + h / 6 * (k1 + 2 * k2 + 2 * k3 + rate(u + h * k3))
    latent.append(u)
with h5py.File(forecast_path, "w") as file:
    latent = np.stack(latent, axis=1)[..., :len(p["scaling/scale"]) if options["lifting"]["products"] else None]
    file["state"] = positive(autoencode("autoencoder/decoder", latent)) * p["scaling/scale"] + p["scaling/shift"]
    file["time"] = time
