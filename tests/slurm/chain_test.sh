#!/usr/bin/env bash
# The chain generate -> train -> evaluate and spectrum runs as dependent jobs; a failed link cancels those behind it.
# usage: chain_test.sh SPNODE REPOSITORY
set -euo pipefail
export SPNODE=$1
source "$2/tests/slurm/one_node.sh"
enter_clone "$2"

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
