#!/bin/sh
# Every action that the code writes to the audit log is in doc/audit.md, and every member of a profile in doc/profiles.md; and what
# these say is in the code.
set -eu
top=${srcdir:-.}
[ -d "$top/ca" ] || top=$(cd "$(dirname "$0")/../../.." && pwd)
subjects='certificate|crl|tenant|ca|profile|token|account|credential|request|role|policy|approval|job|import|secret|key|audit|status'
verbs='intent|made|done|withdrawn|[a-z]+ed|key'
bad=0

listed() { # listed WHAT FILE: the words in backquotes in the first column of its tables
	sed -n 's/^| \(`[^|]*\) |.*/\1/p' "$2" | grep -oE "\`($1)\`" | tr -d '`' | sort -u
}
compare() { # compare TITLE IN-CODE IN-DOC
	only=$(printf '%s\n---\n%s\n' "$2" "$3" | awk '/^---$/ {doc = 1; next} !doc {code[$0]; next} {said[$0]}
		END {for (w in code) if (!(w in said)) print w " (code alone)"; for (w in said) if (!(w in code)) print w " (doc alone)"}')
	[ -z "$only" ] || { printf '%s: %s\n' "$1" "$only" >&2; bad=1; }
}

actions=$(cat "$top"/ca/*.c "$top"/ca/manage/*.c "$top"/ca/jobs/*.c "$top"/ca/import/*.c "$top"/api/*.c "$top"/api/resources/*.c "$top"/cli/*.c "$top"/migrations/0*.sql |
	grep -oE "[\"']($subjects)\.($verbs)[\"']" | tr -d "\"'" | sort -u)
compare "actions of doc/audit.md" "$actions" "$(listed "($subjects)\.($verbs)" "$top/doc/audit.md")"
members=$(sed -n -e 's/^    {"\([a-z_]*\)", read_.*/\1/p' -e 's/^    \.member = "\([a-z_]*\)",/\1/p' "$top"/ca/profile.c "$top"/ca/ext/*.c | sort -u)
compare "members of doc/profiles.md" "$members" "$(listed '[a-z_]+' "$top/doc/profiles.md")"
[ -n "$actions" ] && [ -n "$members" ]
exit $bad
