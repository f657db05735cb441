#!/usr/bin/env bash
# A benchmarker's first day: from a key to claims that a validator can check, with a deadline in between.
#     examples/roles/benchmarker.sh MODULE FOLDER
# FOLDER is made; examples/roles/validator.sh goes on with it.
set -euo pipefail
module=$1 out=$2
mkdir -p "$out"

ended_with() {  # the exit code that a command is to have
    local code=0
    "${@:2}" || code=$?
    [ "$code" = "$1" ] || { echo "expected exit code $1, found $code: ${*:2}" >&2; exit 1; }
}

tig-verify keygen "$out/key.pem"

# What is chosen is signed before anybody knows the seeds. Then a beacon is published, such as the hash of the next block.
tig-verify precommit "$module" --track n_hidden=1 --num-nonces 6 --trial --key "$out/key.pem" -o "$out/first.precommit"
bound=(--precommit "$out/first.precommit" --seed-beacon 4c3594711e8362ac)

# A call that must end soon ends with 4, and the same call goes on where it ended.
ended_with 4 tig-verify solve "$module" "${bound[@]}" --key "$out/key.pem" -o "$out" --limit 4
tig-verify status "$out"
tig-verify solve "$module" "${bound[@]}" --key "$out/key.pem" -o "$out"
tig-verify status "$out"
[ "$(ls "$out"/*.claim | wc -l)" = 6 ]
tig-verify report "$out" -o "$out/report.html"

# Many nonces are proved by a few, which a later beacon picks.
tig-verify commit "$out"/*.claim --bundles 3 --key "$out/key.pem" -o "$out/first.benchmark"
tig-verify prove "$out/first.benchmark" "$out"/*.claim --beacon 02914ae09391b719 --key "$out/key.pem" -o "$out/first.proof"

# A validator asks for an audit of one claim; the answer is made by training again.
claim=$(ls "$out"/*.claim | head -n 1)
tig-verify keygen "$out/validator.pem"
tig-verify verify "$claim" --level audit --epochs 3 --request-out "$out/x.request" --key "$out/validator.pem"
tig-verify respond "$out/x.request" "$claim" --key "$out/key.pem"
tig-verify verify "$claim" --level audit --request "$out/x.request" --response "${claim%.claim}.response" --key "$out/validator.pem"
