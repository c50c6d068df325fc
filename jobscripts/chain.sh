#!/usr/bin/env bash
# Submits generate -> train -> evaluate and spectrum as dependent jobs. Run it on the login node:
#
#   jobscripts/chain.sh DECK.yaml [section.key=value ...]
#   SBATCH_OPTIONS="--account=abc --partition=short" jobscripts/chain.sh DECK.yaml
#
# A job starts when the one before has ended with status 0; when it failed, those that wait for it are cancelled.
# The size of the jobs and the environment are those of command.sh and single_node.sh (two lines each).
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 1 ] || { echo "usage: $0 DECK.yaml [section.key=value ...]" >&2; exit 2; }
read -r -a options <<<"${SBATCH_OPTIONS:-}"

# submit NAME DEPENDENCY WORDS...: prints the number of the job.
submit() {
  local after=()
  [ -z "$2" ] || after=(--dependency="afterok:$2" --kill-on-invalid-dep=yes)
  sbatch --parsable --job-name="spnode-$1" "${after[@]}" "${options[@]}" "${@:3}" | cut -d';' -f1
}

generate=$(submit generate "" jobscripts/command.sh generate "$@")
train=$(submit train "$generate" jobscripts/single_node.sh "$@")
evaluate=$(submit evaluate "$train" jobscripts/command.sh evaluate "$@")
spectrum=$(submit spectrum "$train" jobscripts/command.sh spectrum "$@")
echo "generate $generate, train $train, evaluate $evaluate, spectrum $spectrum"
