"""The checker itself must be able to fail: it is shown forbidden and allowed includes."""
import tempfile
import unittest
from pathlib import Path

from check_includes import check

FORBIDDEN = [
    ("core/a.hpp", "mpi.h"),
    ("core/a.hpp", "petscvec.h"),
    ("core/a.hpp", "parallel/communicator.hpp"),
    ("core/a.cpp", "hdf5.h"),
    ("core/model/a.cpp", "core/integrators/step.hpp"),
    ("core/integrators/a.cpp", "core/model/hurwitz.hpp"),
    ("core/kernels/a.cpp", "core/model/hurwitz.hpp"),
    ("parallel/a.cpp", "io/hdf5.hpp"),
    ("io/a.cpp", "hdf5.h"),
    ("io/trajectories.cpp", "io/hdf5_detail.hpp"),
    ("io/hdf5.hpp", "hdf5.h"),
    ("io/a.cpp", "distributed/petsc.hpp"),
    ("distributed/a.cpp", "slepceps.h"),
    ("distributed/a.cpp", "io/hdf5.hpp"),
    ("spectral/a.cpp", "io/hdf5.hpp"),
    ("spectral/a.cpp", "yaml-cpp/yaml.h"),
    ("distributed/a.cpp", "app/deck.hpp"),
    ("elsewhere/a.cpp", "vector"),
]
ALLOWED = [
    ("core/a.hpp", "Kokkos_Core.hpp"),
    ("core/a.hpp", "vector"),
    ("core/model/a.cpp", "core/kernels/gemm.hpp"),
    ("core/a.cpp", "core/model/hurwitz.hpp"),
    ("parallel/a.cpp", "mpi.h"),
    ("io/hdf5.cpp", "hdf5.h"),
    ("distributed/a.cpp", "petsctao.h"),
    ("spectral/a.cpp", "slepceps.h"),
    ("spectral/a.cpp", "distributed/petsc.hpp"),
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
