#!/usr/bin/env bash
# Runs any command of spnode as a job; chain.sh uses it for what is not training.
#
#   sbatch jobscripts/command.sh COMMAND DECK.yaml [section.key=value ...]
#
# Two lines to edit: the size of the job, and your cluster's environment.
#SBATCH --ntasks=2 --time=00:30:00
#SBATCH --nodes=1 --cpus-per-task=1 --job-name=spnode --output=%x-%j.log
set -euo pipefail
# module load gcc openmpi          # what provides mpirun and the libraries that spnode was built with

source "$SLURM_SUBMIT_DIR/jobscripts/common.sh"
run_ranks "$@"
