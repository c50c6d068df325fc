#!/usr/bin/env bash
# The chain generate -> train -> evaluate and spectrum runs as dependent jobs; a failed link cancels those behind it.
# usage: chain_test.sh SPNODE REPOSITORY
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
cp "$repository/tests/slurm/deck.yaml" "$work/clone"
cd "$work/clone"
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1

# numbers LINE: the job numbers in what chain.sh prints, in its order.
numbers() { grep -o '[0-9]\+' <<<"$1"; }

line=$(jobscripts/chain.sh deck.yaml training.adam.epochs=200)
echo "$line"
read -r -d '' -a jobs < <(numbers "$line" && printf '\0')
for number in "${jobs[@]}"; do
  wait_for_state 180 "$number" COMPLETED FAILED CANCELLED || { cat ./*.log; exit 1; }
done
cat ./*.log
for number in "${jobs[@]}"; do
  expect "state of $(job JobName "$number")" "$(job JobState "$number")" COMPLETED
done
for file in model.h5 metrics.csv spectrum.csv; do
  [ -s "runs/slurm/$file" ] && echo "ok: runs/slurm/$file is there"
done

line=$(jobscripts/chain.sh deck.yaml no.such.key=1 output=runs/failed)
echo "$line"
read -r -d '' -a jobs < <(numbers "$line" && printf '\0')
wait_for_state 60 "${jobs[0]}" FAILED
for number in "${jobs[@]:1}"; do
  wait_for_state 60 "$number" CANCELLED
  expect "state of $(job JobName "$number") behind a failed job" "$(job JobState "$number")" CANCELLED
done
expect "exit status of the failed job" "$(job ExitCode "${jobs[0]}")" 2:0
[ ! -e runs/failed ]
