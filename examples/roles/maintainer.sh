#!/usr/bin/env bash
# A maintainer's regression tests: whole trainings pinned in golden files, and a change that shows.
#     examples/roles/maintainer.sh FOLDER
# FOLDER is made. It needs pytest for the last part.
set -euo pipefail
mkdir -p "$1" && cd "$1"

ended_with() {  # the exit code that a command is to have
    local code=0
    "${@:2}" || code=$?
    [ "$code" = "$1" ] || { echo "expected exit code $1, found $code: ${*:2}" >&2; exit 1; }
}

tig-verify init mine.py
tig-verify golden fill mine.py --track n_hidden=1 --nonces 0..1 -o golden
tig-verify golden check golden

# A refactoring changes the text and no result.
cp mine.py before.py
sed -i 's/^"""My optimiser/"""Our optimiser/' mine.py
ended_with 1 tig-verify golden check golden
tig-verify golden check golden --ignore-module-digest

# A real change is named by its first epoch and field.
sed -i 's/"beta2": 0.99,/"beta2": 0.98,/' mine.py
ended_with 1 tig-verify golden check golden --ignore-module-digest
tig-verify golden refill golden
tig-verify golden check golden

# The same as a test.
cat > test_mine.py <<'TEST'
def test_mine(golden_training):
    golden_training("mine.py", track="n_hidden=1", nonces=range(2))
TEST
python -m pytest -q test_mine.py --golden-fill
python -m pytest -q test_mine.py
cp before.py mine.py
ended_with 1 python -m pytest -q test_mine.py
