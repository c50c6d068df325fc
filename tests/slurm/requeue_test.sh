#!/usr/bin/env bash
# A training job that Slurm's time limit stops requeues itself, resumes, and ends with the model of one long run.
# usage: requeue_test.sh SPNODE REPOSITORY
set -euo pipefail
export SPNODE=$1
source "$2/tests/slurm/one_node.sh"
enter_clone "$2"
"$SPNODE" generate deck.yaml

# Two minutes of time, the signal 105 s before their end: after some 15 s (Slurm may be early, never late).
number=$(sbatch --parsable --ntasks=2 --time=2 --signal=B:USR1@105 jobscripts/single_node.sh deck.yaml output=runs/limited \
  --overwrite)
wait_for_state 30 "$number" RUNNING
wait_for_state 110 "$number" PENDING || { cat ./*.log; exit 1; }
echo "requeued after a checkpoint:"; cat ./*.log
[ -f runs/limited/checkpoint.h5 ]

scontrol update jobid="$number" timelimit=10 starttime=now   # Slurm would hold it back for two minutes
wait_for_state 300 "$number" COMPLETED FAILED TIMEOUT || { cat ./*.log; exit 1; }
cat ./*.log
expect "state of the resumed job" "$(job JobState "$number")" COMPLETED
expect "number of restarts" "$(job Restarts "$number")" 1

mpirun --oversubscribe --bind-to none -n 1 "$SPNODE" train deck.yaml output=runs/whole >whole.log
# The models agree to the last bit; the deck inside names another output directory.
h5diff --exclude-path=/deck runs/limited/model.h5 runs/whole/model.h5
echo "ok: the model equals that of an uninterrupted run on another number of ranks"
