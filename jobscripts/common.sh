# Sourced by the job scripts; not submitted itself.
#
# Jobs are submitted from the repository's root, so that the relative paths of decks are right:
#   sbatch jobscripts/single_node.sh input/quickstart.yaml
SPNODE=${SPNODE:-$SLURM_SUBMIT_DIR/build/release/bin/spnode}
export OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1   # one rank per core

if [ ! -x "$SPNODE" ]; then
  echo "$SPNODE is not there: build it (cmake --preset release && cmake --build --preset release)" >&2
  exit 2
fi

# run_ranks WORDS...: `spnode WORDS` on all tasks of the job; returns its exit status.
# Slurm sends --signal=B:USR1 to this shell alone. It is passed on to mpirun, which passes it on to the ranks; they
# write a checkpoint and end with status 75.
run_ranks() {
  local pid status signalled=no
  trap 'signalled=yes; [ -z "${pid:-}" ] || kill -USR1 "$pid"' USR1
  mpirun "$SPNODE" "$@" &
  pid=$!
  while :; do
    signalled=no
    wait "$pid" && status=0 || status=$?
    [ "$signalled" = yes ] || break        # the signal ended the wait, not mpirun
  done
  trap - USR1
  return "$status"
}

# run_directory DECK WORDS...: where the results go.
run_directory() {
  local directory word
  directory=$(sed -n 's/^output:[[:space:]]*\([^[:space:]#]*\).*/\1/p' "$1")
  for word in "${@:2}"; do
    case $word in output=*) directory=${word#output=} ;; esac
  done
  echo "${directory:-runs/spnode}"
}

# train_and_requeue DECK WORDS...: trains; continues from a checkpoint where there is one (after --overwrite: one of
# this job); goes back into the queue when the job's time was up. Any other failure ends the job with the program's
# status.
train_and_requeue() {
  local words=() word anew=no status=0
  for word in "$@"; do
    if [ "$word" = --overwrite ]; then anew=yes; else words+=("$word"); fi
  done
  if [ "$anew" = yes ] && [ "${SLURM_RESTART_COUNT:-0}" -eq 0 ]; then
    words+=(--overwrite)
  elif [ -f "$(run_directory "${words[@]}")/checkpoint.h5" ]; then
    words+=(--resume)
  fi
  echo "$(date +%FT%T) job $SLURM_JOB_ID, start ${SLURM_RESTART_COUNT:-0}: train ${words[*]}"
  run_ranks train "${words[@]}" || status=$?
  if [ "$status" -eq 75 ]; then
    echo "$(date +%FT%T) stopped after a checkpoint; back into the queue"
    scontrol requeue "$SLURM_JOB_ID"
  fi
  exit "$status"
}
