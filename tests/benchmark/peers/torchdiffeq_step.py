"""One training step of the same model with torchdiffeq, as its users write a neural ODE: du/dt = A u + g(u), the whole
batch in one adaptive dopri5 solve with torchdiffeq's default tolerances (rtol 1e-7, atol 1e-9), Adam.

  odeint   differentiates through the solver's operations
  adjoint  odeint_adjoint: solves the continuous adjoint backwards; its gradient is not that of the computed loss

The solver's error is not spnode's: the agreement that is printed tells how close a step of the same model comes.
"""

import harness
import formulas
import problem as problems
import torch_step

import torch
import torchdiffeq


class Rate(torch.nn.Module):
    """du/dt for a batch (lanes, n); its coefficients are parameters of the solve, as odeint_adjoint wants them."""

    def __init__(self, f, p):
        super().__init__()
        self.f, self.A, self.kappa = f, f.linear_operator(p), f.rate_coefficients(p)

    def coefficients(self):
        kappa = self.kappa or ()
        return (self.A, *[x for pair in kappa for x in (pair if isinstance(pair, tuple) else (pair,))])

    def forward(self, t, u):
        rate = u @ self.A.T
        if self.kappa is None:
            return rate
        g = self.f.rate(self.kappa, u)
        return rate - g @ self.A.T if self.f.problem.relaxation else rate + g


class Step(torch_step.Step):
    """torch_step's model, loss and optimizer around torchdiffeq's solution."""

    def __init__(self, problem, dtype, way):
        super().__init__(problem, dtype, formulas.Variant("first"))
        self.way = way
        self.times = torch.tensor(problem.time, dtype=dtype)

    def rollout(self, p, u):
        rate = Rate(self.f, p)
        if self.way == "odeint":
            return torchdiffeq.odeint(rate, u, self.times, method="dopri5")
        return torchdiffeq.odeint_adjoint(
            rate, u, self.times, method="dopri5", adjoint_params=rate.coefficients()
        )


def main():
    options = harness.arguments(__doc__, ("odeint", "adjoint")).parse_args()
    torch.set_num_threads(1)
    dtype = torch.float64 if options.precision == "double" else torch.float32
    problem = problems.load(options.problem)
    step = Step(problem, dtype, options.formulation)
    if options.check:
        value = step.value_and_gradient()()
        return harness.report_agreement(problem, options, value, step.theta.grad, step.forecast_states())
    make = lambda work: step.train() if work == "step" else step.forecast()
    harness.report(
        problem, options, make, torch_step.product(dtype), peer="torchdiffeq", version=torchdiffeq.__version__,
        blas=torch_step.blas(),
    )


if __name__ == "__main__":
    main()
