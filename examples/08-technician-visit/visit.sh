#!/bin/sh
# A technician's visit with the command line alone: visit.sh CHARGER FIRMWARE LOG
set -eu
charger=$1 firmware=$2 log=$3

echo "== find the charger"
fwdctl status "charger.$charger"

echo "== reset it: not while the partner is in charge"
code=0
fwdctl op "$charger" reset || code=$?
[ "$code" -eq 9 ] || { echo "expected exit code 9, not $code" >&2; exit 1; }

echo "== take it over for an hour; whatever happens, hand it back"
trap 'fwdctl toggle "$charger" --end' EXIT
fwdctl toggle "$charger" --primary local --for 1h --reason "site visit"

echo "== reset it"
fwdctl op "$charger" reset --type hard --reason "site visit"

echo "== update its firmware"
fwdctl firmware add "$firmware"
fwdctl op "$charger" firmware --file "$(basename "$firmware")" --reason "site visit"

echo "== fetch its log"
fwdctl op "$charger" diagnostics --out "$log" --reason "site visit"

echo "== hand it back"
