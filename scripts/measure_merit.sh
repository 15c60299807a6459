#!/bin/sh
# Places the cores of dense and list at 8, 16 and 32 bits, runs three networks on each list, and
# prints the table of docs/area.md. Takes hours; what is in the synthesis cache is not done again.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-.venv/bin/python}
out=build/merit
seeds=${SEEDS:-4}
mkdir -p "$out"

place() { # accelerator, bits, look-ahead
    $python scripts/synthesise.py --accelerator "$1" --bits "$2" --lookahead "$3" --target ecp5 \
        --place-and-route --core-only --seeds "$seeds" --json "$out/area-$1-$2-$3.json" --quiet
}

run() { # network, images, bits, look-ahead
    file=$1 input=
    if [ "$3" != 8 ] && [ "$1" != fire2-expand3x3 ]; then
        file=networks/data/$1-fashion-pruned.onnx
        input="--input networks/data/$1-fashion-testvec.npz"
    fi
    # shellcheck disable=SC2086
    $python scripts/run_scenario.py scripts/scenarios/lenet5-list.toml --network "$file" $input \
        --images "$2" --bits "$3" --lookahead "$4" --engine fast \
        --json "$out/run-$1-$3-$4.json" --quiet
}

set --
for bits in 8 16 32; do
    place dense $bits 1
    set -- "$@" --area "$out/area-dense-$bits-1.json"
    for lookahead in 1 2 4; do
        [ $lookahead = 4 ] && [ $bits != 8 ] && continue
        place list $bits $lookahead
        run lenet300 8 $bits $lookahead
        run lenet5 2 $bits $lookahead
        run fire2-expand3x3 1 $bits $lookahead
        set -- "$@" --area "$out/area-list-$bits-$lookahead.json"
        for network in lenet300 lenet5 fire2-expand3x3; do
            set -- "$@" --run "$out/run-$network-$bits-$lookahead.json"
        done
    done
done
$python scripts/merit.py "$@" --markdown
