"""One training step in PyTorch."""

import itertools

import harness
import formulas
import problem as problems

import numpy as np
import torch
import torch.utils.checkpoint

COMPILE = {"cpp_wrapper": True, "max_autotune_gemm": True, "max_autotune_gemm_backends": "CPP,ATEN"}


def variant_of(problem, formulation):
    """The fastest way found for a formulation; "factors" keeps the arithmetic of the bilinear form's factors."""
    if formulation == "paper":
        return formulas.Variant("first", "factors", "unroll")
    if problem.term == "bilinear":
        quadratic = "triangle" if formulation == "best" and problem.n <= 4 * problem.rank else "factors"
        return formulas.Variant("last", quadratic, "compile")
    return formulas.Variant("first", "factors", "compile" if problem.uniform else "unroll")


def compiled(function):
    """torch.compile, its products chosen by measurement, calls between kernels without Python."""
    return torch.compile(function, options=COMPILE)


class Step:
    def __init__(self, problem, dtype, variant, paper=False):
        self.problem, self.dtype, self.variant, self.paper = problem, dtype, variant, paper
        self.f = formulas.Formulas(problem, torch, lambda x: torch.as_tensor(np.array(x), dtype=dtype), variant)
        self.theta = torch.tensor(problem.theta, dtype=dtype)
        states = problem.state.transpose(1, 0, 2) if self.f.first else problem.state.transpose(1, 2, 0)
        self.states = torch.tensor(np.ascontiguousarray(states), dtype=dtype)
        frozen = [np.full(int(np.prod(shape)), frozen) for _, shape, frozen in problem.blocks.values()]
        self.learns = torch.tensor(~np.concatenate(frozen))
        self.plan = problems.expmv_plan(problem, 2.0**-53 if dtype == torch.float64 else 2.0**-24)

    def coder(self, p, which, x):
        """Over all times at once: (times, lanes, m) -> (times, lanes, n), or with lanes last."""
        if not self.problem.autoencoder:
            return x
        if self.f.first:
            return self.f.coder(p, which, x.reshape(-1, x.shape[-1])).reshape(*x.shape[:2], -1)
        wide = x.transpose(0, 1).reshape(x.shape[1], -1)
        return self.f.coder(p, which, wide).reshape(-1, *x.shape[::2]).transpose(0, 1)

    def advance(self, p):
        f, kappa = self.f, self.f.rate_coefficients(p)
        A = f.linear_operator(p)
        if self.paper:
            axis = 0 if f.first else 1
            one = lambda h, u: f.expmv_step(A, kappa, self.plan, h, u)
            lanes = self.states.shape[1 if f.first else 2]
            return torch.vmap(one, (0, axis), axis), f.steps[:, None].expand(-1, lanes)
        step = lambda matrices, u: f.step(matrices, kappa, u)
        if self.variant.remat:
            inner = step
            step = lambda matrices, u: torch.utils.checkpoint.checkpoint(inner, matrices, u, use_reentrant=False)
        return step, f.stage_matrices(A)

    def rollout(self, p, u):
        problem, states = self.problem, [u]
        step, table = self.advance(p)
        pick = (lambda i: table[i]) if self.paper else (lambda i: [M[i] for M in table])
        if problem.uniform:
            shared = table[0] if self.paper else table
            pick = lambda _: shared
        for i in range(len(problem.time) - 1):
            for _ in range(problem.substeps):
                u = step(pick(i), u)
            states.append(u)
        return torch.stack(states, 0)

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

    def value_and_gradient(self):
        """A function that returns the loss and leaves its gradient in theta.grad."""
        loss = compiled(self.loss) if self.variant.loop == "compile" else self.loss
        theta = self.theta.requires_grad_()
        axis = 1 if self.f.first else 2
        tiles = self.states.split(self.variant.tile or self.states.shape[axis], axis)

        def call():
            theta.grad = None
            total = 0.0
            for states in tiles:
                value = loss(theta, states) * (states.shape[axis] / self.states.shape[axis])
                value.backward()
                total += value.detach()
            theta.grad *= self.learns
            return total

        return call

    def train(self):
        """A call that takes one training step."""
        evaluate = self.value_and_gradient()
        optimizer = torch.optim.Adam([self.theta], lr=self.problem.rate, foreach=False)

        def call():
            value = evaluate()
            torch.nn.utils.clip_grad_norm_([self.theta], self.problem.clip)
            optimizer.step()
            return value

        return call

    def forecast(self):
        def run(theta, first):
            p = self.problem.split(theta)
            return self.coder(p, "decoder", self.rollout(p, self.coder(p, "encoder", first)[0]))

        forward = compiled(run) if self.variant.loop == "compile" else run
        first = self.states[:1].contiguous()

        def call():
            with torch.no_grad():
                return forward(self.theta, first)

        return call

    def forecast_states(self):
        """The forecast as (lanes, times, m)."""
        return self.forecast()().permute((1, 0, 2) if self.f.first else (2, 0, 1)).numpy()


def product(dtype):
    def make(M, K, N):
        A, B = torch.ones((M, K), dtype=dtype), torch.ones((K, N), dtype=dtype)
        C = torch.empty((M, N), dtype=dtype)
        return lambda: torch.mm(A, B, out=C)

    return make


def blas():
    """The line of PyTorch's build that names its BLAS."""
    lines = torch.__config__.show().splitlines()
    return next(line.strip(" -") for line in lines if "Math Kernel" in line or "BLAS" in line)


def tune(problem, dtype, seconds):
    """Measures every variant; the fastest ones stand in variant_of."""
    quadratic = ("factors", "outer", "triangle") if problem.term == "bilinear" else ("factors",)
    for q, lanes, loop in itertools.product(quadratic, ("first", "last"), ("unroll", "compile")):
        torch.compiler.reset()
        variant = formulas.Variant(lanes, q, loop)
        call = Step(problem, dtype, variant).train()
        print(f"{1e3 * harness.timed(call, seconds):10.3f} ms  {variant}", flush=True)


def main():
    parser = harness.arguments(__doc__, ("best", "factors", "paper"))
    parser.add_argument("--tune", action="store_true", help="measure all ways to write the best formulation")
    options = parser.parse_args()
    torch.set_num_threads(1)
    dtype = torch.float64 if options.precision == "double" else torch.float32
    problem = problems.load(options.problem)
    if options.tune:
        return tune(problem, dtype, options.seconds)
    paper = options.formulation == "paper"
    step = Step(problem, dtype, variant_of(problem, options.formulation), paper)
    if options.check:
        value = step.value_and_gradient()()
        return harness.report_agreement(problem, options, value, step.theta.grad, step.forecast_states())
    make = lambda work: step.train() if work == "step" else step.forecast()
    harness.report(
        problem, options, make, product(dtype), peer="torch", version=torch.__version__, blas=blas(),
        variant=str(step.variant), plan=step.plan if paper else None,
    )


if __name__ == "__main__":
    main()
