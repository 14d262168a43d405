#!/bin/bash
# hsm/ is linked into siegel-ca alone: no other program has its symbols, libp11, or a way to load a PKCS#11 module.
# Programs are looked for in the build's folder (make check) or in the folders given.
set -eu
folders=("$@")
[ $# -gt 0 ] || folders=(.)
archive=./hsm/libhsm.a
bad=0 seen=0 engine=no

symbols=$(mktemp)
trap 'rm -f "$symbols"' EXIT
if [ -e $archive ]; then
	nm -g --defined-only $archive 2>/dev/null | awk 'NF == 3 && $2 == "T" { print $3 }' | sort -u >"$symbols"
fi

for folder in "${folders[@]}"; do
	for program in "$folder"/siegel*; do
		[ -f "$program" ] && readelf -h "$program" >/dev/null 2>&1 || continue
		name=${program##*/}
		[ "$name" != siegel-ca ] || { engine=yes; continue; }
		seen=$((seen + 1))
		if readelf -d "$program" | grep -qE 'NEEDED.*(libp11|p11-kit|pkcs11)'; then
			echo "$name is linked with a PKCS#11 library"
			bad=1
		fi
		if nm "$program" 2>/dev/null | awk '{ print $NF }' | grep -E '^(PKCS11_|C_GetFunctionList)'; then
			echo "$name has symbols of PKCS#11"
			bad=1
		fi
		if [ -s "$symbols" ] && nm --defined-only "$program" 2>/dev/null | awk '{ print $NF }' | sort -u | comm -12 - "$symbols" | grep .; then
			echo "$name has these symbols of hsm/"
			bad=1
		fi
	done
done
[ $seen -gt 0 ] || { echo "no programs in ${folders[*]}"; exit 1; }
[ $engine = yes ] || { echo "siegel-ca isn't among the programs"; exit 1; }
exit $bad
