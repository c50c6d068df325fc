#pragma once
/// Which reference system is simulated, and what is sampled from it.

#include <cstddef>
#include <cstdint>
#include <vector>

namespace spnode::core {

enum class SystemKind { transient_growth, grad13, robertson, kuramoto_sivashinsky };
enum class TimeGrid { uniform, logarithmic };

struct GenerateOptions {
  SystemKind system = SystemKind::kuramoto_sivashinsky;
  std::size_t train = 100, validation = 10, test = 10;  ///< trajectories in each file
  std::size_t times = 101;                              ///< times per trajectory, both ends included
  double t_start = 0.0;  ///< first time (logarithmic grid: the first time after t = 0, which is stored too)
  double t_end = 100.0;
  TimeGrid grid = TimeGrid::uniform;
  double epsilon = 0.0;          ///< transient growth: strength of sin(x); Grad-13: scale separation
  double perturbation = 0.05;    ///< Robertson: relative spread of the initial state around (1, 0, 0)
  double burn_in = 200.0;        ///< Kuramoto-Sivashinsky: time integrated before sampling
  double domain_length = 22.0;   ///< Kuramoto-Sivashinsky
  std::size_t grid_points = 64;  ///< Kuramoto-Sivashinsky
  double step = 0.025;           ///< Kuramoto-Sivashinsky: step of the Fourier ETDRK4 reference
  double tolerance = 1e-10;      ///< relative error that the adaptive reference solvers aim at, 1e-11 to 1e-2
};

}  // namespace spnode::core
