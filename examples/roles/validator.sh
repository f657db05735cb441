#!/usr/bin/env bash
# A validator's first day: claims of strangers, some of them spoilt, and verdicts that say what they prove.
#     examples/roles/validator.sh FOLDER INBOX
# FOLDER is what examples/roles/benchmarker.sh has made; INBOX is made.
set -euo pipefail
from=$1 inbox=$2
mkdir -p "$inbox" "$inbox.keys"

ended_with() {  # the exit code that a command is to have
    local code=0
    "${@:2}" || code=$?
    [ "$code" = "$1" ] || { echo "expected exit code $1, found $code: ${*:2}" >&2; exit 1; }
}

tig-verify doctor
tig-verify keygen "$inbox.pem"

# The benchmark has all nonces of the precommit, and the proof shows the claims that the beacon picks.
bound=(--precommit "$from/first.precommit" --seed-beacon 4c3594711e8362ac)
tig-verify verify-proof "$from/first.benchmark" "$from/first.proof" --beacon 02914ae09391b719 "${bound[@]}"

# Honest claims, at each level.
cp "$from"/*.claim "$from"/*.solution "$from"/*.transcript "$from"/optimiser-*.py "$inbox"
cp "$from/key.pem.pub" "$inbox.keys/somebody.pub"
judge=(tig-verify verify "$inbox" "${bound[@]}" --signers "$inbox.keys")
"${judge[@]}"
"${judge[@]}" --level replay --key "$inbox.pem" --verdicts "$inbox.verdicts" --junit "$inbox.xml" --quiet
tig-verify inspect "$inbox.verdicts" > /dev/null
tig-verify report "$inbox" -o "$inbox.html"

# Strangers' files: a cut claim, a pipe that would wait for ever, a key where a claim should be, a copy, a solution of another
# nonce. Each is named, the others are judged all the same, and the exit code does not hide them.
first=$(ls "$inbox"/*.claim | head -n 1) second=$(ls "$inbox"/*.claim | sed -n 2p)
head -c 100 "$first" > "$inbox/cut.claim"
mkfifo "$inbox/pipe.claim"
cp "$inbox.pem.pub" "$inbox/key.claim"
cp "$first" "$inbox/copy.claim" && cp "${first%.claim}.solution" "$inbox/copy.solution"
cp "${first%.claim}.solution" "${second%.claim}.solution"
ended_with 2 timeout 60 "${judge[@]}" --json > "$inbox.jsonl"
[ "$(wc -l < "$inbox.jsonl")" = "$(ls "$inbox"/*.claim | wc -l)" ]

# A pool: chance and each signer's record decide the level, and anybody can check the draws.
rm "$inbox"/{cut,pipe,key,copy}.* && cp "$from"/*.solution "$inbox"
cat > "$inbox.toml" < "$(dirname "$0")/../pool-policy.toml"
ended_with 0 tig-verify verify "$inbox" --policy "$inbox.toml" --out "$inbox.log" --draw-beacon 00f3a1 --requests "$inbox.requests" --key "$inbox.pem"
tig-verify check-log "$inbox.log" --policy "$inbox.toml"
