#!/bin/sh
# All figures of docs/performance.md, in Markdown: tests/benchmark/all.sh BUILD/bin [PYTHON] > figures.md
#
# BUILD is configured with -DSPNODE_ARCH=native, the default. PYTHON has the packages of peers/requirements.txt; without it the peers are
# left out. About 25 minutes on a quiet machine, 10 of them for the peers. Everything but the scaling runs on core $CORE.
set -eu
bin=$1 python=${2:-} core=${CORE:-0}
here=$(dirname "$0")
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 MKL_NUM_THREADS=1
section() { # TITLE COMMAND ...
  printf '\n### %s\n\n' "$1"
  shift
  printf '    %s\n\n' "$(printf '%s ' "$@" | sed "s|$bin|BUILD/bin|g; s|$here|tests/benchmark|g; s|^on_core|taskset -c $core|; s|${python:-python3}|python3|g")"
  "$@"
}
on_core() { taskset -c "$core" "$@"; }

date -u '+Measured on %Y-%m-%d.'
lscpu | grep -E 'Model name|^CPU\(s\)|L1d|L2|L3' | sed 's/^/    /'
c++ --version | head -1 | sed 's/^/    /'

section "Steps of training, double" on_core "$bin/benchmark_training_step" --markdown
section "Steps of training, mixed" on_core "$bin/benchmark_training_step" --precision mixed --markdown
section "Forecasts, double" on_core "$bin/benchmark_forecast" --markdown
section "Forecasts, mixed" on_core "$bin/benchmark_forecast" --precision mixed --markdown
section "Losses on derivatives" on_core "$bin/benchmark_derivative_losses" --markdown
section "Growth" python3 "$here/growth.py" --spnode "$bin" --core "$core"
section "Two ranks" python3 "$here/scaling.py" --spnode "$bin"
section "Small products" on_core "$bin/benchmark_small_products" --markdown
section "Activations" on_core "$bin/benchmark_activation" --markdown
section "Parts of a step" on_core "$bin/benchmark_step_parts" --markdown
section "Matrix functions" on_core "$bin/benchmark_matrix_functions" --markdown
[ -n "$python" ] || exit 0
section "Peers" "$python" "$here/peers/compare.py" --spnode "$bin" --core "$core"
section "Peers, trained operators" "$python" "$here/peers/compare.py" --spnode "$bin" --core "$core" --trained \
  --problems ks20_bilinear --precision double --work step
