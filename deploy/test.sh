#!/usr/bin/env bash
# Tests what is in deploy/: rules, chart, container, units, Terraform module, and that they speak of what the code has.
#
# Needs promtool (Debian: prometheus), python3 with venv, and systemd-analyze where the units are to be looked at.
set -euo pipefail
cd "$(dirname "$0")/.."
VENV=$PWD/target/tools/deploy

if ! cmp --silent deploy/tests/requirements.txt "$VENV/requirements.txt"; then
    python3 -m venv "$VENV"
    "$VENV/bin/pip" install --quiet --requirement deploy/tests/requirements.txt
    cp deploy/tests/requirements.txt "$VENV/requirements.txt"
fi

promtool check rules deploy/prometheus/recording.yaml deploy/prometheus/alerts.yaml
promtool check config deploy/prometheus/prometheus.yaml
promtool test rules deploy/prometheus/tests.yaml
"$VENV/bin/hadolint" deploy/Dockerfile
PYTHONDONTWRITEBYTECODE=1 "$VENV/bin/python" -m unittest discover --start-directory deploy/tests \
    2> >(grep -v "found symbolic link" >&2)

if command -v systemd-analyze >/dev/null; then
    for unit in deploy/systemd/*.service; do
        # The binary is not installed where this runs; anything else that it finds is a fault.
        faults=$(systemd-analyze verify "$unit" 2>&1 | grep -v 'octo-sts is not executable' || true)
        [ -z "$faults" ] || { printf '%s\n' "$faults" >&2; exit 1; }
        # 1.2 now; 2.0 is where somebody should think.
        systemd-analyze security --offline=true --threshold=20 "$unit" | tail -1
    done
fi
