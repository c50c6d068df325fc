#!/usr/bin/env bash
# From a fresh clone on Debian 12 to a chaotic PDE learned: installs, builds, generates data, trains on two ranks,
# evaluates, checks the spectrum, draws. A second run takes what is there and ends quickly.
#
#   app/quickstart.sh [DECK.yaml]       the deck is input/quickstart.yaml unless another is named
#   RANKS=4 app/quickstart.sh           on four ranks (the model is the same to the last bit)
set -euo pipefail
cd "$(dirname "$0")/.."
deck=${1:-input/quickstart.yaml}
ranks=${RANKS:-2}
export OPENBLAS_NUM_THREADS=1            # one core per rank
export CMAKE_GENERATOR=${CMAKE_GENERATOR:-Ninja}
if [ "$(id -u)" -eq 0 ]; then            # a container
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1
fi
start=$SECONDS
step() { printf '\n==> %s   [%d s]\n' "$*" $((SECONDS - start)); }

step "Packages"
app/install_dependencies.sh

step "Build (release)"
cmake --preset release
cmake --build --preset release --target spnode --parallel "$(nproc)"

step "Generate, train on $ranks ranks, evaluate, spectrum: spnode run $deck"
mpirun --oversubscribe --bind-to none -n "$ranks" build/release/bin/spnode run "$deck"

step "Pictures"
run=$(sed -n 's/^output:[[:space:]]*\([^[:space:]#]*\).*/\1/p' "$deck")
run=${run:-runs/spnode}                  # the default of a deck without `output`
/usr/bin/python3 app/plots/plot.py "$run"

step "Done; everything is in $run/"
ls -1 "$run"
