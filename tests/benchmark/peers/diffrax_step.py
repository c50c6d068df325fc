"""One training step of the same model with diffrax, as its users write a neural ODE: du/dt = A u + g(u), one adaptive
solve per trajectory under vmap, SaveAt at the data times, RecursiveCheckpointAdjoint (diffrax's default), Adam.

  tsit5      explicit, PIDController(rtol 1e-3, atol 1e-6): diffrax's own examples
  kencarp4   implicit-explicit, A u implicit and g explicit; the solver for stiff neural ODEs in its documentation
  kvaerno5   implicit, PIDController(rtol 1e-8, atol 1e-8): its example of a stiff problem (Robertson)

The solvers' error is not spnode's: the agreement that is printed tells how close a step of the same model comes.
"""

import harness
import formulas
import jax_step
import problem as problems

import diffrax
import jax
import jax.numpy as jnp
import numpy as np

TOLERANCES = {"tsit5": (1e-3, 1e-6), "kencarp4": (1e-3, 1e-6), "kvaerno5": (1e-8, 1e-8)}


class Step(jax_step.Step):
    """jax_step's model, loss and optimizer around diffrax's solution."""

    def __init__(self, problem, dtype, solver):
        super().__init__(problem, dtype, formulas.Variant("first"))
        self.solver = solver

    def rate(self, p):
        """Latent rate du/dt of one trajectory, as (linear, nonlinear)."""
        f, kappa, A = self.f, self.f.rate_coefficients(p), self.f.linear_operator(p)

        def linear(t, u, args):
            return A @ u

        def nonlinear(t, u, args):
            if kappa is None:
                return jnp.zeros_like(u)
            g = f.rate(kappa, u[None])[0]
            return -(A @ g) if self.problem.relaxation else g

        return linear, nonlinear

    def rollout(self, p, u):
        linear, nonlinear = self.rate(p)
        whole = diffrax.ODETerm(lambda t, v, args: linear(t, v, args) + nonlinear(t, v, args))
        terms, solver = {
            "tsit5": lambda: (whole, diffrax.Tsit5()),
            "kvaerno5": lambda: (whole, diffrax.Kvaerno5()),
            "kencarp4": lambda: (
                diffrax.MultiTerm(diffrax.ODETerm(nonlinear), diffrax.ODETerm(linear)),
                diffrax.KenCarp4(),
            ),
        }[self.solver]()
        rtol, atol = TOLERANCES[self.solver]
        times = jnp.asarray(self.problem.time, self.dtype)

        def solve(v):
            solution = diffrax.diffeqsolve(
                terms, solver, times[0], times[-1], None, v,
                saveat=diffrax.SaveAt(ts=times),
                stepsize_controller=diffrax.PIDController(rtol=rtol, atol=atol),
                max_steps=4096,
            )
            return solution.ys

        return jnp.swapaxes(jax.vmap(solve)(u), 0, 1)


def main():
    options = harness.arguments(__doc__, tuple(TOLERANCES)).parse_args()
    jax.config.update("jax_enable_x64", options.precision == "double")
    dtype = np.float64 if options.precision == "double" else np.float32
    problem = problems.load(options.problem)
    step = Step(problem, dtype, options.formulation)
    if options.check:
        value, gradient = jax.jit(step.value_and_gradient)(step.theta, step.states)
        return harness.report_agreement(problem, options, value, gradient, step.forecast_states())
    make = lambda work: step.train() if work == "step" else step.forecast()
    harness.report(
        problem, options, make, jax_step.product(dtype), peer="diffrax", version=diffrax.__version__,
        tolerances=TOLERANCES[options.formulation],
    )


if __name__ == "__main__":
    main()
