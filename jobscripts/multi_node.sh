#!/usr/bin/env bash
# Trains on several nodes, one rank per core; survives the time limit as single_node.sh does.
#
#   sbatch jobscripts/multi_node.sh DECK.yaml [section.key=value ...]
#
# The ranks share the tiles of a batch: training.batch / training.tile is the largest number of ranks that have work.
# The model is the same to the last bit on any number of ranks, also when the job resumes on another number.
#
# Two lines to edit: the size of the job, and your cluster's environment.
#SBATCH --nodes=2 --ntasks-per-node=32 --time=04:00:00
#SBATCH --cpus-per-task=1 --exclusive --job-name=spnode
#SBATCH --signal=B:USR1@180 --requeue --open-mode=append --output=%x-%j.log
set -euo pipefail
# module load gcc openmpi          # what provides mpirun and the libraries that spnode was built with

source "$SLURM_SUBMIT_DIR/jobscripts/common.sh"
train_and_requeue "${@:-input/quickstart.yaml}"
