#!/usr/bin/env bash
# An innovator's first hour: from an empty file to a tuned optimiser that beats the one it began as.
#     examples/roles/innovator.sh FOLDER
# FOLDER is made. Everything is on small tracks, so that it takes two minutes.
set -euo pipefail
mkdir -p "$1" && cd "$1"

ended_with() {  # the exit code that a command is to have
    local code=0
    "${@:2}" || code=$?
    [ "$code" = "$1" ] || { echo "expected exit code $1, found $code: ${*:2}" >&2; exit 1; }
}

tig-verify init my_optimiser.py
tig-verify check --run my_optimiser.py

# What is wrong is said at once, with line and column.
sed 's/return updates, state/return updates/; s/"step": 0,/"step": open("seed"),/' my_optimiser.py > broken.py
ended_with 1 tig-verify check broken.py
sed 's/return updates, state/return updates/' my_optimiser.py > broken.py
ended_with 1 tig-verify check --run - < broken.py

# One training, with a picture of the losses and of what the network learnt.
tig-verify run my_optimiser.py --track n_hidden=2 --plot run.png

# Seven optimisers beside each other: one text, other hyperparameters.
tig-verify compare my_optimiser.py my_optimiser.py -p lr=0.0003 my_optimiser.py -p lr=0.001 my_optimiser.py -p lr=0.01 \
    my_optimiser.py -p lr=0.03 my_optimiser.py -p beta1=0.8 my_optimiser.py -p weight_decay=0.0 \
    --track n_hidden=1 --nonces 0..4 --out compared.jsonl --plot compared.png

# Better hyperparameters, judged on nonces that the search has not seen. The same call again trains nothing.
tune=(tig-verify tune my_optimiser.py --search 'lr=log 1e-3..1e-1' --track n_hidden=1 --nonces 0..2 --judge-nonces 100..105 --trials 4 -o tuned)
"${tune[@]}"
"${tune[@]}"
tig-verify check tuned/my_optimiser-tuned.py

# Where the fuel goes, and the same file in plain torch under a debugger.
tig-verify profile my_optimiser.py --track n_hidden=1 --epochs 2 --plot costs.png
tig-verify debug my_optimiser.py --track n_hidden=1 --epochs 2
tig-verify stubs

# For a program that writes optimisers: one JSON object, whatever the module does.
tig-verify score my_optimiser.py --track n_hidden=1 --nonces 0..1 --seconds 60
ended_with 2 tig-verify score broken.py --track n_hidden=1 --nonces 0..1 --seconds 60
