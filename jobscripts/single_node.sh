#!/usr/bin/env bash
# Trains on one node; survives the time limit by a checkpoint, requeues itself and resumes.
#
#   sbatch jobscripts/single_node.sh DECK.yaml [section.key=value ...]
#
# Two lines to edit: the size of the job, and your cluster's environment.
#SBATCH --ntasks=2 --time=04:00:00
#SBATCH --nodes=1 --cpus-per-task=1 --job-name=spnode
#SBATCH --signal=B:USR1@120 --requeue --open-mode=append --output=%x-%j.log
set -euo pipefail
# module load gcc openmpi          # what provides mpirun and the libraries that spnode was built with

source "$SLURM_SUBMIT_DIR/jobscripts/common.sh"
train_and_requeue "${@:-input/quickstart.yaml}"
