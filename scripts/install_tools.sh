#!/usr/bin/env bash
# Installs the HDL tools that the tests and the compiled engine need, and the browser that the tests
# look at pages with (Debian packages), those that are missing only.
set -euo pipefail

missing=()
for tool in ghdl iverilog verilator g++ chromium; do
    command -v "$tool" >/dev/null || missing+=("$tool")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit 0
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! sudo -n true 2>/dev/null; then
        echo "install_tools: ${missing[*]} must be installed by root: apt-get install ${missing[*]}" >&2
        exit 1
    fi
    as_root=(sudo -n env)
fi
echo "install_tools: installing ${missing[*]}"
"${as_root[@]}" apt-get -qq update
# Each tool's Debian package has its name.
DEBIAN_FRONTEND=noninteractive "${as_root[@]}" apt-get -qq install --yes --no-install-recommends \
    "${missing[@]}" >/dev/null
