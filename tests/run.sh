#!/usr/bin/env bash
# Installs what is needed, builds with warnings as errors and runs the tests.
#
#   tests/run.sh            everything that is not labelled long
#   tests/run.sh --all      the long tests too (job scripts on a one-node Slurm, every deck of input/)
#   tests/run.sh -R core    further words go to ctest
set -euo pipefail
cd "$(dirname "$0")/.."
export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
export OPENBLAS_NUM_THREADS=1
selection=(-LE '^long$')
if [ "${1:-}" = --all ]; then
  selection=()
  shift
fi

app/install_dependencies.sh --tests
cmake --preset ci
cmake --build --preset ci --parallel "$(nproc)"
ctest --preset ci --parallel "$(nproc)" "${selection[@]}" "$@"
