#!/usr/bin/env python3
"""Writes matrix_functions.txt: phi functions, resolvents and their adjoints for stiff matrices, beyond 80 digits.

    python3 matrix_functions.py > matrix_functions.txt        (a minute; needs mpmath)

The functions are computed in fixed point: integers times 2^-bits, 240 digits behind the point, of which scaling
and squaring loses fewer than 40 at these norms. check() compares with mpmath's exponential and the recurrence, to
80 digits.
The matrices are rounded to double first, so that they are exact on both sides.

One case is a line `case NAME n`, then rows `a`, `phi0` .. `phi3` at Z = A, `phi_adjoint0` ..: the adjoint of phi_k
with respect to A for the bar below, `resolvent`: (I - A)^-1, `resolvent_adjoint`; each n^2 doubles in hexadecimal,
row by row.
"""
import math
import operator
import random
import sys

import mpmath

bits = 800
one = 1 << bits


def fixed(value):
    """A finite double as a fixed-point integer; exact."""
    numerator, denominator = float(value).as_integer_ratio()
    return (numerator << bits) // denominator


def each(function, *matrices):
    return [[function(*entries) for entries in zip(*rows)] for rows in zip(*matrices)]


def product(a, b):
    columns = list(zip(*b))
    return [[sum(map(operator.mul, row, column)) for column in columns] for row in a]


def times(a, b):
    """The product of fixed-point matrices."""
    return each(lambda x: x >> bits, product(a, b))


def transpose(a):
    return [list(column) for column in zip(*a)]


def diagonal(values, zero=0):
    return [[x if i == j else zero for j in range(len(values))] for i, x in enumerate(values)]


def combine(divisor, *matrices):
    return each(lambda *x: sum(x) // divisor, *matrices)


def phi_functions(z):
    """phi_0 .. phi_3 of a fixed-point matrix, by the Taylor series of phi_3 and doubling of the argument."""
    n, unit = len(z), diagonal([one] * len(z))
    norm = max(sum(map(abs, column)) for column in zip(*z))
    doublings = max(0, norm.bit_length() - bits + 6)
    z = combine(1 << doublings, z)  # drops digits beyond the last: far below what is kept
    term, degree = combine(6, unit), 0
    phi3 = term
    while any(x not in (0, -1) for row in term for x in row):
        degree += 1
        term = combine(degree + 3, times(term, z))
        phi3 = combine(1, phi3, term)
    phi2 = combine(1, times(z, phi3), combine(2, unit))
    phi1 = combine(1, times(z, phi2), unit)
    phi0 = combine(1, times(z, phi1), unit)
    for _ in range(doublings):
        phi3 = combine(8, times(phi0, phi3), phi3, phi2, combine(2, phi1))
        phi2 = combine(4, times(phi0, phi2), phi2, phi1)
        phi1 = combine(2, times(phi0, phi1), phi1)
        phi0 = times(phi0, phi0)
    return [phi0, phi1, phi2, phi3]


def bar(n):
    """The adjoint of a value, as the test sets it."""
    return [[(7 * i + 3 * j) % 11 - 5 for j in range(n)] for i in range(n)]


def adjoints(z):
    """For real f and bar W the adjoint is the Frechet derivative of f at Z^T in the direction W: the upper right
    block of f([[Z^T, W], [0, Z^T]])."""
    n, zt = len(z), transpose(z)
    block = [row + [x * one for x in w] for row, w in zip(zt, bar(n))] + [[0] * n + row for row in zt]
    return [[row[n:] for row in phi[:n]] for phi in phi_functions(block)]


def resolvent(z):
    """R = (I - Z)^-1 by mpmath, and its adjoint R^T W R^T for the bar W."""
    matrix = mpmath.matrix(each(lambda x, y: (mpmath.mpf(x) - y) / one, diagonal([one] * len(z)), z))
    inverse = matrix ** -1
    return inverse.tolist(), (inverse.T * mpmath.matrix(bar(len(z))) * inverse.T).tolist()


def check(a):
    """Against mpmath's exponential, and phi_k = Z^-1 (phi_{k-1} - 1 / (k - 1)!)."""
    z, unit = mpmath.matrix(a), mpmath.eye(len(a))
    value = mpmath.expm(z)
    for k, phi in enumerate(phi_functions(each(fixed, a))):
        if k > 0:
            value = z ** -1 * (value - unit / mpmath.factorial(k - 1))
        error = value - mpmath.matrix(each(lambda x: mpmath.mpf(x) / one, phi))
        assert mpmath.mnorm(error, 1) < mpmath.mpf(10) ** -80 * mpmath.mnorm(value, 1), (k, error)


def random_matrix(rng, n):
    return [[rng.gauss(0.0, 1.0) for _ in range(n)] for _ in range(n)]


def orthogonal(rng, n):
    """Gram and Schmidt's rows of a random matrix, twice."""
    rows = []
    for row in random_matrix(rng, n):
        for _ in range(2):
            for other in rows:
                shadow = math.fsum(map(operator.mul, row, other))
                row = [x - shadow * y for x, y in zip(row, other)]
        size = math.hypot(*row)
        rows.append([x / size for x in row])
    return rows


def decades(n, norm):
    """From 0.1 to norm, evenly over the decades."""
    return [0.1 * (10.0 * norm) ** (i / (n - 1)) for i in range(n)]


def graded(rng, n, norm):
    """Full and nearly normal."""
    q = orthogonal(rng, n)
    return product(q, product(diagonal([-x for x in decades(n, norm)], 0.0), transpose(q)))


def skewed(rng, n, norm):
    """The same spread in a basis of condition 10, in complex pairs."""
    core = diagonal([-x for x in decades(n, norm)], 0.0)
    for i in range(0, n - 1, 2):
        core[i + 1][i + 1] = core[i][i]
        core[i][i + 1], core[i + 1][i] = core[i][i], -core[i][i]
    p, q = orthogonal(rng, n), orthogonal(rng, n)
    stretch = [1.0 + 9.0 * i / (n - 1) for i in range(n)]
    v = product(p, product(diagonal(stretch, 0.0), q))
    inverse = product(transpose(q), product(diagonal([1.0 / x for x in stretch], 0.0), transpose(p)))
    return product(v, product(core, inverse))


def hurwitz(rng, n, norm):
    """(G_s + G_u) S + mu I as a model forms it, with factors diag(e^d)(I + N): the spread sits in d."""
    def factor():
        d, m = [norm ** (0.25 * i / (n - 1)) for i in range(n)], random_matrix(rng, n)
        return [[d[i] * (1.0 if i == j else 0.3 * m[i][j] if j < i else 0.0) for j in range(n)] for i in range(n)]
    ls, lg, k = factor(), factor(), random_matrix(rng, n)
    g = each(lambda x, y, z: -x + y - z, product(lg, transpose(lg)), k, transpose(k))
    return each(lambda x, y: x + y, product(g, product(ls, transpose(ls))), diagonal([-0.1] * n, 0.0))


def triangular(rng, n, norm):
    """Far from normal: above each rate, entries of its own size."""
    rates, m = decades(n, norm), random_matrix(rng, n)
    return [[-rates[i] if i == j else m[i][j] * rates[j] if j > i else 0.0 for j in range(n)] for i in range(n)]


def decoupled(rng, n, norm):
    """Block diagonal: rows that decay beside rows that do not, each to be had to relative accuracy."""
    a = diagonal([-rng.uniform(0.5, 1.0) * x for x in decades(n, norm)], 0.0)
    for i in range(0, n - 1, 2):
        a[i][i + 1], a[i + 1][i] = 0.3 * a[i][i], -0.2 * a[i][i]
    return a


def rising(rng, n, norm):
    """Rises by orders of magnitude before it decays: equal rates under large entries, in a full basis."""
    m, q = random_matrix(rng, n), orthogonal(rng, n)
    core = [[-40.0 - i if i == j else 80.0 * m[i][j] if j > i else 0.0 for j in range(n)] for i in range(n)]
    scale = norm / max(sum(map(abs, row)) for row in core)
    return product(q, product(each(lambda x: scale * x, core), transpose(q)))


def number(x):
    """Hexadecimal, without the zeros at the end."""
    mantissa, exponent = float(x).hex().split("p")
    return mantissa.rstrip("0") + "p" + exponent if "." in mantissa else mantissa + "p" + exponent


def print_case(name, a, highest):
    z = each(fixed, a)
    rows = {"a": a}
    rows.update({f"phi{k}": each(lambda x: x / one, phi) for k, phi in enumerate(phi_functions(z)[: highest + 1])})
    rows.update({f"phi_adjoint{k}": each(lambda x: x / one, phi) for k, phi in enumerate(adjoints(z)[: highest + 1])})
    rows["resolvent"], rows["resolvent_adjoint"] = resolvent(z)
    print("case", name, len(a))
    for key, matrix in rows.items():
        print(key, *(number(x) for row in matrix for x in row))
    sys.stdout.flush()


def main():
    mpmath.mp.dps = 160
    check(skewed(random.Random(1), 3, 1e6))
    stiff = (graded, skewed, hurwitz, triangular, decoupled)
    cases = [(kind, 3, norm) for kind in stiff for norm in (1e0, 1e2, 1e4, 1e6, 1e9, 1e12)]
    cases += [(kind, 8, 1e12) for kind in stiff] + [(graded, 8, 1e3), (skewed, 8, 1e2)]
    cases += [(rising, 3, 200.0), (rising, 8, 100.0), (rising, 8, 400.0)]
    for kind, n, norm in cases:
        print_case(f"{kind.__name__}_{norm:.0e}", kind(random.Random(n), n, norm), highest=3)
    for kind in (graded, hurwitz):  # at order 20 not all functions, for the size of the file
        print_case(f"{kind.__name__}_1e+12", kind(random.Random(20), 20, 1e12), highest=1)


if __name__ == "__main__":
    main()
