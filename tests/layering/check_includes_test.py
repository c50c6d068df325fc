"""The checker itself must be able to fail: it is shown forbidden and allowed includes."""
import tempfile
import unittest
from pathlib import Path

from check_includes import check

FORBIDDEN = [
    ("core/a.hpp", "core/support/error.hpp"),
    ("core/memory/a.hpp", "mpi.h"),
    ("core/memory/a.hpp", "petscvec.h"),
    ("core/data/a.hpp", "parallel/communicator.hpp"),
    ("core/data/a.cpp", "hdf5.h"),
    ("core/components/a.cpp", "core/integrators/step.hpp"),
    ("core/components/a.cpp", "core/linear/options.hpp"),
    ("core/kernels/a.cpp", "core/linear/hurwitz.hpp"),
    ("core/unknown/a.cpp", "core/kernels/gemm.hpp"),
    ("parallel/a.cpp", "io/hdf5.hpp"),
    ("io/a.cpp", "hdf5.h"),
    ("io/trajectories.cpp", "io/hdf5_detail.hpp"),
    ("io/hdf5.hpp", "hdf5.h"),
    ("io/a.cpp", "petsc/petsc.hpp"),
    ("petsc/a.cpp", "training/trainer.hpp"),
    ("training/a.cpp", "slepceps.h"),
    ("training/a.cpp", "io/hdf5.hpp"),
    ("training/a.cpp", "reference/generate.hpp"),
    ("reference/a.cpp", "training/trainer.hpp"),
    ("spectral/a.cpp", "io/hdf5.hpp"),
    ("spectral/a.cpp", "yaml-cpp/yaml.h"),
    ("training/a.cpp", "app/deck/deck.hpp"),
    ("elsewhere/a.cpp", "vector"),
]
ALLOWED = [
    ("core/memory/a.hpp", "Kokkos_Core.hpp"),
    ("core/memory/a.hpp", "vector"),
    ("core/components/a.cpp", "core/kernels/gemm.hpp"),
    ("core/loss/a.cpp", "core/linear/hurwitz.hpp"),
    ("parallel/a.cpp", "mpi.h"),
    ("io/hdf5.cpp", "hdf5.h"),
    ("petsc/a.cpp", "petsctao.h"),
    ("spectral/a.cpp", "slepceps.h"),
    ("spectral/a.cpp", "petsc/petsc.hpp"),
    ("reference/a.cpp", "fftw3.h"),
    ("training/a.cpp", "spectral/pod.hpp"),
]


class CheckIncludes(unittest.TestCase):
    def lines(self, name, target):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, name)
            path.parent.mkdir(parents=True)
            path.write_text(f'#pragma once\n  #  include "{target}"\n', encoding="utf-8")
            return check(Path(folder))

    def test_a_forbidden_include_is_found(self):
        for name, target in FORBIDDEN:
            with self.subTest(file=name, include=target):
                self.assertEqual(len(self.lines(name, target)), 1)

    def test_an_allowed_include_passes(self):
        for name, target in ALLOWED:
            with self.subTest(file=name, include=target):
                self.assertEqual(self.lines(name, target), [])


if __name__ == "__main__":
    unittest.main()
