"""The model, its rollout and its loss, written once for JAX and PyTorch.

`xp` is jax.numpy or torch. Everything is differentiable by the framework. Two ways to advance time:
  best    phi matrices once per parameter update, shared by all trajectories; a stage is one product of
          [phi_0, h phi_1, ...] with [u; w_1; ...] for the whole batch
  paper   every trajectory multiplies its own augmented matrix into its own vector, SPNODE-25, eqs. (15)-(19)
"""

import dataclasses
import math

import numpy as np

import problem as problems


@dataclasses.dataclass(frozen=True)
class Variant:
    """One way to write the same arithmetic."""

    lanes: str = "last"  # batches are (components, lanes) or (lanes, components)
    quadratic: str = "factors"  # bilinear form: its factors, or the tensor they make: "outer", "triangle"
    loop: str = "unroll"  # over time: "unroll", "scan" (JAX), "compile" (PyTorch)
    tile: int = 0  # lanes computed at a time; 0: the whole batch
    remat: bool = False  # compute the stages again in the reverse sweep

    def __str__(self):
        parts = [f"lanes {self.lanes}", self.quadratic, self.loop]
        if self.tile:
            parts.append(f"tile {self.tile}")
        if self.remat:
            parts.append("remat")
        return ", ".join(parts)


class Formulas:
    def __init__(self, problem, xp, constant, variant):
        """constant: makes an array of the framework, in the working precision, from a NumPy array."""
        self.problem, self.xp, self.variant = problem, xp, variant
        self.constant = constant
        self.first = variant.lanes == "first"
        n, self.n = problem.n, problem.n
        lower, strict = n * (n + 1) // 2, n * (n - 1) // 2
        # Where entry (i, j) of a triangle stands in its packed vector; the entry behind the last one is zero.
        self.lower_index = np.full((n, n), lower)
        self.lower_index[np.tril_indices(n)] = np.arange(lower)
        self.strict_index = np.full((n, n), strict)
        self.strict_index[np.tril_indices(n, -1)] = np.arange(strict)
        self.diagonal = np.cumsum(np.arange(1, n + 1)) - 1
        self.upper = np.triu_indices(n)
        self.eye, self.zero = constant(np.eye(n)), constant(np.zeros(1))
        self.twice = constant(np.where(self.upper[0] == self.upper[1], 0.5, 1.0))
        steps = problem.steps[:1] if problem.uniform else problem.steps
        self.steps = constant(steps)
        self.tableau = problems.TABLEAUX[problem.scheme]
        self.terms = 0 if problem.term == "none" else max(len(w) for _, w in self.tableau)
        if not self.terms:
            self.tableau = [(1.0, [])]
        halves = any(c == 0.5 for c, _ in self.tableau)
        norm = float(np.max(np.abs(steps))) * np.linalg.norm(problem.linear_operator(), 1)
        self.squarings = max(problems.squarings(norm), int(halves))
        self.layers = {
            prefix: sum(name.startswith(f"{prefix}/layer") and name.endswith("/W") for name in problem.blocks)
            for prefix in (f"nonlinear/{problem.term}", "autoencoder/encoder", "autoencoder/decoder")
        }

    # -- coefficients -------------------------------------------------------------------------------------

    def factor(self, packed):
        """diag(exp(d)) (I + N) from a packed triangle."""
        strict = self.xp.concatenate((packed, self.zero))[self.lower_index] * (1.0 - self.eye)
        return self.xp.exp(packed[self.diagonal])[:, None] * (strict + self.eye)

    def linear_operator(self, p):
        """A_L = (G_s + G_u) S + mu I (n, n): SPNODE-25, Theorem 1."""
        L_S, L_G = self.factor(p["linear/L_S"]), self.factor(p["linear/L_G"])
        K = self.xp.concatenate((p["linear/K"], self.zero))[self.strict_index]
        return (K - K.T - L_G @ L_G.T) @ (L_S @ L_S.T) + self.problem.mu * self.eye

    def phi(self, A):
        """phi_0 .. phi_p at h A and at h A / 2: two lists of (n, n), or of (intervals, n, n).

        Scaling and squaring: a Taylor polynomial of degree 16, then phi_k(2 z) from phi_j(z). phi_0 is
        carried as X = phi_0 - I, which keeps the slow rates of a stiff operator.
        """
        h = self.steps[0] if self.problem.uniform else self.steps[:, None, None]
        Z, count = h * A / 2.0**self.squarings, max(self.terms, 1)
        Z2 = Z @ Z
        Z3, Z4 = Z2 @ Z, Z2 @ Z2
        c = [1.0 / math.factorial(j + count) for j in range(17)]
        top = c[16] * self.eye
        for j in (12, 8, 4, 0):  # Paterson-Stockmeyer
            top = Z4 @ top + (c[j] * self.eye + c[j + 1] * Z + c[j + 2] * Z2 + c[j + 3] * Z3)
        values = [top]
        for k in range(count - 1, 0, -1):
            values.insert(0, Z @ values[0] + self.eye / math.factorial(k))
        X, half = Z @ values[0], None
        for _ in range(self.squarings):
            half = [X + self.eye, *values]
            values = [
                (X @ v + 2.0 * v + sum(values[j - 1] / math.factorial(k - j) for j in range(1, k))) / 2.0**k
                for k, v in enumerate(values, 1)
            ]
            X = X @ X + 2.0 * X
        return [X + self.eye, *values], half

    def stage_matrices(self, A):
        """[phi_0, h phi_1, ...] of every stage, (n, (1 + terms) n); in relaxation form [E, I - E]."""
        h = self.steps[0] if self.problem.uniform else self.steps[:, None, None]
        full, half = self.phi(A)
        result = []
        for c, weights in self.tableau:
            phi = full if c == 1.0 else half
            if self.problem.relaxation:
                blocks = [phi[0], self.eye - phi[0]]
            else:
                blocks = [phi[0]] + [h * phi[k + 1] for k in range(len(weights))]
            result.append(self.xp.concatenate(blocks, -1))
        return result

    def network(self, p, prefix, bound=0.0):
        """Weights and biases; with a bound those of SPNODE-25, Definition 1."""
        xp, result, count = self.xp, [], self.layers[prefix]
        for i in range(1, count + 1):
            W = p[f"{prefix}/layer{i}/W"]
            if bound > 0.0:
                norms = xp.amax(xp.sum(xp.abs(W), 0)) * xp.amax(xp.sum(xp.abs(W), 1))
                W = bound ** (1.0 / count) * W / xp.sqrt(xp.maximum(norms, xp.ones_like(norms)))
            result.append((W, p[f"{prefix}/layer{i}/b"]))
        return result

    def rate_coefficients(self, p):
        """What the nonlinear term needs at every evaluation, assembled once per update."""
        term = self.problem.term
        if term == "none":
            return None
        if term != "bilinear":
            return self.network(p, f"nonlinear/{term}", self.problem.lipschitz)
        C, D, b = (p[f"nonlinear/bilinear/{name}"] for name in "CDb")
        n, R = self.n, self.problem.rank
        if self.variant.quadratic == "factors":
            return self.xp.concatenate((C.reshape(R * n, n), D.reshape(R * n, n)), 0), b
        Q = self.xp.einsum("rij,rik->ijk", C, D)
        if self.variant.quadratic == "outer":
            return Q.reshape(n, n * n), b
        i, j = self.upper
        return (Q[:, i, j] + Q[:, j, i]) * self.twice, b

    # -- maps of batches ----------------------------------------------------------------------------------

    def mul(self, W, x):
        return x @ W.T if self.first else W @ x

    def plus(self, x, b):
        return x + b if self.first else x + b[:, None]

    def cat(self, rows):
        return self.xp.concatenate(rows, -1 if self.first else 0)

    def bilinear(self, kappa, u):
        W, b = kappa
        n, R = self.n, self.problem.rank
        if self.variant.quadratic == "factors":
            products = self.mul(W, u)
            if self.first:
                products = products.reshape(-1, 2, R, n)
                return self.plus((products[:, 0] * products[:, 1]).sum(1), b)
            products = products.reshape(2, R, n, -1)
            return self.plus((products[0] * products[1]).sum(0), b)
        if self.variant.quadratic == "outer":
            if self.first:
                squares = (u[:, :, None] * u[:, None, :]).reshape(-1, n * n)
            else:
                squares = (u[:, None, :] * u[None, :, :]).reshape(n * n, -1)
        elif self.first:
            squares = self.cat([u[:, i : i + 1] * u[:, i:] for i in range(n)])
        else:
            squares = self.cat([u[i : i + 1] * u[i:] for i in range(n)])
        return self.plus(self.mul(W, squares), b)

    def layered(self, layers, x):
        for i, (W, b) in enumerate(layers):
            x = self.plus(self.mul(W, x), b)
            if i + 1 < len(layers):
                x = self.xp.tanh(x)
        return x

    def rate(self, kappa, u):
        return self.bilinear(kappa, u) if self.problem.term == "bilinear" else self.layered(kappa, u)

    def coder(self, p, which, x):
        """Encoder or decoder: a linear map plus a network, either of which may be absent."""
        if not self.problem.autoencoder:
            return x
        prefix = f"autoencoder/{which}"
        y = self.mul(p[f"{prefix}/linear"], x) if f"{prefix}/linear" in p else 0.0
        return y + self.layered(self.network(p, prefix), x) if self.layers[prefix] else y

    # -- time ---------------------------------------------------------------------------------------------

    def combine(self, weights, rates):
        terms = [w * r for w, r in zip(weights, rates, strict=True) if w != 0.0]
        return sum(terms[1:], terms[0])

    def step(self, matrices, kappa, u):
        """One step of the exponential Runge-Kutta scheme with dense phi matrices."""
        rates, U = [], u
        for (_, weights), M in zip(self.tableau, matrices, strict=True):
            if weights:
                rates.append(self.rate(kappa, U))
            U = self.mul(M, self.cat([u] + [self.combine(w, rates) for w in weights]))
        return U

    def expmv_step(self, A, kappa, plan, h, u):
        """One step of one trajectory, u (n): each stage is exp of its own augmented matrix times its own
        vector, (15)-(16), by the recurrence (19) with plan = (s, m)."""
        xp, n, rates, U = self.xp, self.n, [], u
        for c, weights in self.tableau:
            if weights:
                rates.append(self.rate(kappa, U[None] if self.first else U[:, None]).reshape(n))
            count = len(weights)
            t = c * h
            # Columns w_p / h^(p-1) ... w_1, then J; the stage wants (c h)^k phi_k (w_k / c^k h^(k-1)).
            columns = [
                self.combine(w, rates) / (c**k * h ** (k - 1)) for k, w in reversed(list(enumerate(weights, 1)))
            ]
            if self.problem.relaxation:
                columns = [-(A @ w) for w in columns]
            rows = xp.concatenate([A] + [w[:, None] for w in columns], 1)
            if count:
                J = xp.concatenate((xp.zeros_like(A[:count]), self.constant(np.eye(count, k=1))), 1)
                rows = xp.concatenate((rows, J), 0)
            b = xp.concatenate((u, self.constant(np.eye(count)[-1])), 0) if count else u
            U = self.repeat(plan[0], lambda b, M=rows, t=t: self.taylor(M, t, plan, b), b)[:n]
        return U

    def taylor(self, M, t, plan, b):
        """T_m(t M / s) b, (19)."""
        s, m = plan
        term = b
        for k in range(1, m + 1):
            term = (t / (s * k)) * (M @ term)
            b = b + term
        return b

    def repeat(self, count, function, x):
        for _ in range(count):
            x = function(x)
        return x

    # -- loss ---------------------------------------------------------------------------------------------

    def squares(self, predicted, states):
        """Mean over windows of the mean over times and components: uniform weights."""
        return ((predicted - states) ** 2).mean()
