#!/usr/bin/env bash
# Trains one model per value of a key of the deck, each in its own run directory RUN/KEY=VALUE.
#
#   sbatch --array=0-3 jobscripts/array_sweep.sh DECK.yaml seed 1 2 3 4
#   sbatch --array=0-2%1 jobscripts/array_sweep.sh DECK.yaml model.latent_dimension 8 12 20
#
# Each task requeues itself as single_node.sh does. The data are generated once, before (spnode generate DECK).
# Two lines to edit: the size of one task, and your cluster's environment.
#SBATCH --ntasks=1 --time=04:00:00
#SBATCH --nodes=1 --cpus-per-task=1 --job-name=spnode-sweep
#SBATCH --signal=B:USR1@120 --requeue --open-mode=append --output=%x-%A-%a.log
set -euo pipefail
# module load gcc openmpi          # what provides mpirun and the libraries that spnode was built with

source "$SLURM_SUBMIT_DIR/jobscripts/common.sh"
deck=$1 key=$2
values=("${@:3}")
value=${values[$SLURM_ARRAY_TASK_ID]}
train_and_requeue "$deck" "$key=$value" "output=$(run_directory "$deck")/$key=$value"
