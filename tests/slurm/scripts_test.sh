#!/usr/bin/env bash
# The array sweep trains one model per value; the script for several nodes works (here on one).
# usage: scripts_test.sh SPNODE REPOSITORY
set -euo pipefail
export SPNODE=$1
source "$2/tests/slurm/one_node.sh"
enter_clone "$2"
sed -i 's/epochs: 15000/epochs: 100/' deck.yaml
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
