"""One training step in JAX: rollout, exact gradient, Adam, all in one jit."""

import functools
import itertools

import harness
import formulas
import problem as problems

import jax
import jax.numpy as jnp
import numpy as np


def variant_of(problem, formulation, work):
    """The fastest way found for a formulation; "factors" keeps the arithmetic of the bilinear form's factors."""
    if formulation == "paper":
        return formulas.Variant(*("last", "factors", "unroll") if problem.term == "bilinear" else ("first", "factors", "scan"))
    if problem.term == "bilinear":
        quadratic = "triangle" if formulation == "best" and problem.n <= 4 * problem.rank else "factors"
        return formulas.Variant("last", quadratic, "scan", 0, work == "step")
    return formulas.Variant("first", "factors", "unroll" if problem.uniform else "scan")


def flat_adam(problem, theta, gradient, state):
    """Adam with clipping by the global norm on the flat vector; frozen entries have gradient zero."""
    first, second, t = state
    t = t + 1
    norm = jnp.sqrt(jnp.sum(gradient**2))
    g = gradient * jnp.where(norm > problem.clip, problem.clip / norm, 1.0)
    first = 0.9 * first + 0.1 * g
    second = 0.999 * second + 0.001 * g**2
    direction = (first / (1.0 - 0.9**t)) / (jnp.sqrt(second / (1.0 - 0.999**t)) + 1e-8)
    return theta - problem.rate * direction, (first, second, t)


class Formulas(formulas.Formulas):
    def repeat(self, count, function, x):
        if count == 1:
            return function(x)
        return jax.lax.scan(lambda y, _: (function(y), None), x, None, length=count)[0]


class Step:
    def __init__(self, problem, dtype, variant, paper=False):
        self.problem, self.dtype, self.variant, self.paper = problem, dtype, variant, paper
        self.f = Formulas(problem, jnp, lambda x: np.asarray(x, dtype), variant)
        self.theta = jnp.asarray(problem.theta, dtype)
        states = problem.state.transpose(1, 0, 2) if self.f.first else problem.state.transpose(1, 2, 0)
        self.states = jnp.asarray(np.ascontiguousarray(states), dtype)  # (times, lanes, m) or (times, m, lanes)
        self.frozen = np.concatenate(
            [np.full(int(np.prod(shape)), frozen) for _, shape, frozen in problem.blocks.values()]
        )
        self.plan = problems.expmv_plan(problem, 2.0**-53 if dtype == np.float64 else 2.0**-24)

    def coder(self, p, which, x):
        """Over all times at once: (times, lanes, m) -> (times, lanes, n), or with lanes last."""
        if not self.problem.autoencoder:
            return x
        if self.f.first:
            y = self.f.coder(p, which, x.reshape(-1, x.shape[-1]))
            return y.reshape(*x.shape[:2], -1)
        return jax.vmap(lambda block: self.f.coder(p, which, block))(x)

    def advance(self, p):
        """A function of (matrices of one interval, u) that takes one step."""
        f, kappa = self.f, self.f.rate_coefficients(p)
        A = f.linear_operator(p)
        if self.paper:
            one = lambda h, u: f.expmv_step(A, kappa, self.plan, h, u)
            axis = 0 if f.first else 1
            step = lambda h, u: jax.vmap(one, (0, axis), axis)(h, u)
            lanes = self.states.shape[1 if f.first else 2]
            return step, jnp.broadcast_to(f.steps[:, None], (f.steps.shape[0], lanes))
        step = lambda matrices, u: f.step(matrices, kappa, u)
        return (jax.checkpoint(step) if self.variant.remat else step), f.stage_matrices(A)

    def rollout(self, p, u):
        """Latent states at all data times, (times, ...)."""
        problem = self.problem
        step, table = self.advance(p)
        intervals = len(problem.time) - 1
        if problem.uniform:
            table = table[0] if self.paper else table

        def interval(u, matrices):
            if self.variant.loop == "scan" and problem.substeps > 1:
                u, _ = jax.lax.scan(lambda v, _: (step(matrices, v), None), u, None, length=problem.substeps)
            else:
                for _ in range(problem.substeps):
                    u = step(matrices, u)
            return u, u

        if self.variant.loop == "scan":
            one = (lambda v, _: interval(v, table)) if problem.uniform else interval
            _, states = jax.lax.scan(one, u, None if problem.uniform else table, length=intervals)
            return jnp.concatenate((u[None], states), 0)
        states = [u]
        for i in range(intervals):
            matrices = table if problem.uniform else jax.tree.map(lambda M: M[i], table)
            states.append(interval(states[-1], matrices)[0])
        return jnp.stack(states, 0)

    def loss(self, theta, states):
        p = self.problem.split(theta)
        first = self.coder(p, "encoder", states[:1])[0]
        total = self.problem.trajectory * self.f.squares(
            self.coder(p, "decoder", self.rollout(p, first)), states
        )
        if self.problem.reconstruction:
            again = self.coder(p, "decoder", self.coder(p, "encoder", states))
            total = total + self.problem.reconstruction * self.f.squares(again, states)
        return total

    def value_and_gradient(self, theta, states):
        tile, axis = self.variant.tile, 1 if self.f.first else 2
        if tile:
            count = states.shape[axis] // tile
            shape = list(states.shape)
            shape[axis : axis + 1] = [count, tile]
            tiles = jnp.moveaxis(states.reshape(shape), axis, 0)
            mean = lambda th: jnp.mean(jax.lax.map(functools.partial(self.loss, th), tiles))
            value, gradient = jax.value_and_grad(mean)(theta)
        else:
            value, gradient = jax.value_and_grad(self.loss)(theta, states)
        return value, jnp.where(self.frozen, 0.0, gradient)

    def train(self):
        """A call that takes one training step and waits for it."""

        @functools.partial(jax.jit, donate_argnums=(0, 1))
        def step(theta, adam, states):
            value, gradient = self.value_and_gradient(theta, states)
            theta, adam = flat_adam(self.problem, theta, gradient, adam)
            return value, theta, adam

        zeros = jnp.zeros_like(self.theta)
        state = [jnp.array(self.theta), (zeros, jnp.array(zeros), jnp.zeros((), self.dtype))]

        def call():
            value, theta, adam = step(state[0], state[1], self.states)
            state[:] = theta, adam
            return value.block_until_ready()

        return call

    def forecast(self):
        @jax.jit
        def run(theta, first):
            p = self.problem.split(theta)
            return self.coder(p, "decoder", self.rollout(p, self.coder(p, "encoder", first)[0]))

        first = self.states[:1]
        return lambda: run(self.theta, first).block_until_ready()

    def forecast_states(self):
        """The forecast as (lanes, times, m)."""
        return np.asarray(self.forecast()()).transpose((1, 0, 2) if self.f.first else (2, 0, 1))


def product(dtype):
    def make(M, K, N):
        A, B = jnp.ones((M, K), dtype), jnp.ones((K, N), dtype)
        multiply = jax.jit(jnp.matmul)
        return lambda: multiply(A, B).block_until_ready()

    return make


def tune(problem, dtype, seconds):
    """Measures every variant; the fastest ones stand in VARIANTS."""
    quadratic = ("factors", "outer", "triangle") if problem.term == "bilinear" else ("factors",)
    loops = [(loop, remat) for loop in ("unroll", "scan") for remat in (False, True)]
    for q, lanes, (loop, remat) in itertools.product(quadratic, ("first", "last"), loops):
        variant = formulas.Variant(lanes, q, loop, 0, remat)
        call = Step(problem, dtype, variant).train()
        print(f"{1e3 * harness.timed(call, seconds):10.3f} ms  {variant}", flush=True)


def main():
    parser = harness.arguments(__doc__, ("best", "factors", "paper"))
    parser.add_argument("--tune", action="store_true", help="measure all ways to write the best formulation")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", options.precision == "double")
    dtype = np.float64 if options.precision == "double" else np.float32
    problem = problems.load(options.problem)
    if options.tune:
        return tune(problem, dtype, options.seconds)
    paper = options.formulation == "paper"
    variants = {work: variant_of(problem, options.formulation, work) for work in harness.WORK}
    step_for = lambda work: Step(problem, dtype, variants[work], paper)
    step = step_for("step")
    if options.check:
        value, gradient = jax.jit(step.value_and_gradient)(step.theta, step.states)
        return harness.report_agreement(problem, options, value, gradient, step.forecast_states())
    make = lambda work: step.train() if work == "step" else step_for(work).forecast()
    harness.report(
        problem, options, make, product(dtype), peer="jax", version=jax.__version__,
        variant={work: str(variant) for work, variant in variants.items()}, plan=step.plan if paper else None,
    )


if __name__ == "__main__":
    main()
