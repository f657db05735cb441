#!/usr/bin/env bash
# Solves nonces as an array job of Slurm, a shard for each task:
#
#     sbatch --array=1-16 docs/slurm.sh adam.py --track n_hidden=4 --nonces 0..9999 --key key.pem -o out
#
# A task that has not done its shard in the time puts itself into the queue again, and goes on with what is left. All may
# write to one folder that the machines share; `tig-verify status out` says how far they are.
#SBATCH --job-name=tig-verify
#SBATCH --cpus-per-task=16
#SBATCH --mem-per-cpu=400M
#SBATCH --time=04:00:00
#SBATCH --requeue
#SBATCH --output=%x-%A-%a.log
set -uo pipefail

# 15 minutes before Slurm would kill it: nonces in hand are given up, and nothing else is lost.
tig-verify solve "$@" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --deadline 225m
code=$?
if [ "$code" -eq 4 ]; then  # nonces are left
    scontrol requeue "${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID"
fi
exit "$code"
