#!/usr/bin/env bash
# The array sweep trains one model per value; the script for several nodes works (here on one).
# usage: scripts_test.sh SPNODE REPOSITORY
set -euo pipefail
export SPNODE=$1
repository=$2
source "$repository/tests/slurm/one_node.sh"
skip_without_slurm
work=$(mktemp -d)
trap 'stop_slurm; rm -rf "$work"' EXIT
start_slurm "$work/slurm"
mkdir "$work/clone"
cp -r "$repository/jobscripts" "$work/clone"
sed 's/epochs: 15000/epochs: 100/' "$repository/tests/slurm/deck.yaml" >"$work/clone/deck.yaml"
cd "$work/clone"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OPENBLAS_NUM_THREADS=1
"$SPNODE" generate deck.yaml

sweep=$(sbatch --parsable --array=0-1 jobscripts/array_sweep.sh deck.yaml seed 1 2)
nodes=$(sbatch --parsable --nodes=1 --ntasks-per-node=2 jobscripts/multi_node.sh deck.yaml output=runs/nodes)
for number in "${sweep}_0" "${sweep}_1" "$nodes"; do
  wait_for_state 120 "$number" COMPLETED FAILED CANCELLED || { cat ./*.log; exit 1; }
  expect "state of $number" "$(job JobState "$number")" COMPLETED || { cat ./*.log; exit 1; }
done
[ -s runs/nodes/model.h5 ]
if h5diff --exclude-path=/deck runs/slurm/seed=1/model.h5 runs/slurm/seed=2/model.h5 >/dev/null; then
  echo "FAILED: two seeds gave the same model" >&2; exit 1
fi
echo "ok: the sweep trained one model per seed"
