# Sourced: a real Slurm of one node in a temporary folder, and what the tests ask of it.

# skip_without_slurm: ends with 77 (CTest: skipped) and the reason, where no Slurm can be started here.
skip_without_slurm() {
  local program
  for program in munged slurmctld slurmd sbatch scontrol; do
    if ! command -v "$program" >/dev/null && [ ! -x "/usr/sbin/$program" ]; then
      echo "skipped: no $program (Debian: slurm-wlm and munge)"; exit 77
    fi
  done
  [ "$(id -u)" -eq 0 ] || { echo "skipped: only root can start a Slurm here"; exit 77; }
}

# start_slurm FOLDER: sets SLURM_CONF. Needs root; no systemd, no cgroup.
start_slurm() {
  slurm_root=$1
  PATH=$PATH:/usr/sbin
  mkdir -p "$slurm_root"/{state,spool,log,munge}
  chmod 755 "$slurm_root" "$slurm_root"/*
  head -c 128 /dev/urandom >"$slurm_root/munge/munge.key"
  chmod 400 "$slurm_root/munge/munge.key"
  munged --force --key-file="$slurm_root/munge/munge.key" --socket="$slurm_root/munge/munge.sock" \
    --pid-file="$slurm_root/munged.pid" --log-file="$slurm_root/log/munged.log" --seed-file="$slurm_root/munge/seed"
  local port=$((20000 + $$ % 20000))
  sed -e "s|@ROOT@|$slurm_root|g" -e "s|@HOST@|$(hostname -s)|g" -e "s|@CPUS@|$(nproc)|g" \
    -e "s|@PORT@|$port|g" -e "s|@PORT1@|$((port + 1))|g" "$(dirname "${BASH_SOURCE[0]}")/slurm.conf.in" \
    >"$slurm_root/slurm.conf"
  export SLURM_CONF=$slurm_root/slurm.conf
  slurmctld
  slurmd
  for _ in $(seq 200); do
    [ "$(sinfo -h -o %T 2>/dev/null)" != idle ] || return 0
    sleep 0.1
  done
  echo "Slurm did not come up:" >&2
  tail -n 20 "$slurm_root"/log/*.log >&2
  return 1
}

# enter_clone REPOSITORY: skips, or starts a Slurm and enters a temporary folder with the job scripts and the deck; both
# go when the test ends.
enter_clone() {
  skip_without_slurm
  work=$(mktemp -d)
  trap 'stop_slurm; rm -rf "$work"' EXIT
  start_slurm "$work/slurm"
  mkdir "$work/clone"
  cp -r "$1/jobscripts" "$1/tests/slurm/deck.yaml" "$work/clone"
  cd "$work/clone"
  export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OPENBLAS_NUM_THREADS=1
}

# stop_slurm: ends the daemons that start_slurm started, by their process numbers.
stop_slurm() {
  local name pid
  for name in slurmd slurmctld munged; do
    pid=$(cat "$slurm_root/$name.pid" 2>/dev/null) || continue
    kill "$pid" 2>/dev/null || continue
    for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
  done
}

# job FIELD NUMBER: a field of `scontrol show job`, for instance JobState.
job() { scontrol show job "$2" 2>/dev/null | tr ' ' '\n' | sed -n "s/^$1=//p" | head -1; }

# wait_for_state SECONDS NUMBER STATE...: until the job is in one of the states; fails after so many seconds.
wait_for_state() {
  local seconds=$1 number=$2 state end
  end=$((SECONDS + seconds))
  while [ $SECONDS -lt $end ]; do
    state=$(job JobState "$number")
    case " ${*:3} " in *" $state "*) return 0 ;; esac
    sleep 0.2
  done
  echo "job $number is $state after $seconds s; expected ${*:3}" >&2
  return 1
}

# expect WHAT ACTUAL EXPECTED
expect() {
  [ "$2" = "$3" ] && { echo "ok: $1 is $2"; return 0; }
  echo "FAILED: $1 is '$2', expected '$3'" >&2
  return 1
}
