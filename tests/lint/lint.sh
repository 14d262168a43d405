#!/bin/bash
# lint.sh TOOL…: runs tools over the tree, each quiet unless it has something to say. make lint and make format-check call it.
# From make: SRCDIR, BUILDDIR, CC, LINT_CPPFLAGS. LINT_RESULTS: a file that gets a line PASS or FAIL with the tool's name.
set -eu
cd "$SRCDIR"
export PYTHONDONTWRITEBYTECODE=1
jobs=$(nproc)
eval "cppflags=($LINT_CPPFLAGS)"

# Sources by suffix, one a line; generated ones aren't ours to judge.
sources() {
	PYTHONPATH=tests/lint python3 -c 'import style, sys; print(*style.Tree(".").c(tuple(sys.argv[1:])), sep="\n")' "$@"
}

scripts() {
	PYTHONPATH=tests/lint python3 -c '
import style
for n in style.Tree(".").files:
    first = open(n, "rb").readline()
    if n.endswith(".sh") or (first.startswith(b"#!") and b"sh" in first and b"python" not in first):
        print(n)'
}

# The analyzer doesn't follow cleanup attributes: what it says of leaks is what they free. What gcc 14 says of descriptors and of
# memory that may be short, it says of tests; a check after a use, of a pointer that was set to NULL in between.
gcc_analyzer() {
	# shellcheck disable=SC2016
	sources .c | xargs -P "$jobs" -n 4 sh -c '
		cc=$1
		shift
		flags=
		while [ "$1" != -- ]; do flags="$flags $1"; shift; done
		shift
		for one; do
			$cc $flags -std=gnu17 -O1 -fanalyzer -Wno-analyzer-malloc-leak -Wno-analyzer-file-leak -Wno-analyzer-fd-leak \
				-Wno-analyzer-fd-use-without-check -Wno-analyzer-fd-phase-mismatch -Wno-analyzer-deref-before-check \
				-Wno-analyzer-possible-null-argument -Wno-analyzer-possible-null-dereference \
				-Werror -c -o /dev/null "$one" || exit 1
		done' - "$CC" "${cppflags[@]}" --
}

# bugprone-easily-swappable-parameters and -implicit-widening speak of every second function; -cert-err33-c wants the result of
# every fprintf; DeprecatedOrUnsafeBufferHandling wants Annex K, which glibc hasn't; valist.Uninitialized is wrong in
# version 14; unix.Malloc loses count of lists that free their head and of references that are counted (the sanitizers judge these);
# unix.Stream and unix.StdCLibraryFunctions of version 19 lose what a caller has checked.
clang_tidy() {
	local checks='-*,bugprone-*,cert-*,clang-analyzer-*,performance-*'
	checks+=',-bugprone-easily-swappable-parameters,-bugprone-implicit-widening-of-multiplication-result,-bugprone-reserved-identifier'
	checks+=',-bugprone-assignment-in-if-condition,-bugprone-macro-parentheses,-bugprone-narrowing-conversions,-bugprone-branch-clone'
	checks+=',-bugprone-switch-missing-default-case,-bugprone-multi-level-implicit-pointer-conversion,-bugprone-not-null-terminated-result'
	checks+=',-bugprone-suspicious-include,-bugprone-casting-through-void,-bugprone-misplaced-widening-cast,-bugprone-signal-handler,-bugprone-sizeof-expression'
	checks+=',-cert-err33-c,-cert-err34-c,-cert-dcl37-c,-cert-dcl51-cpp,-cert-sig30-c,-cert-msc30-c,-cert-msc50-cpp'
	checks+=',-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-valist.Uninitialized,-clang-analyzer-unix.Malloc,-clang-analyzer-unix.Stream'
	checks+=',-clang-analyzer-unix.StdCLibraryFunctions,-bugprone-inc-dec-in-conditions'
	checks+=',-clang-analyzer-optin.performance.Padding,-performance-no-int-to-ptr,-performance-enum-size'
	# shellcheck disable=SC2016
	sources .c | grep -v '^tests/' | xargs -P "$jobs" -n 6 sh -c '
		checks=$1
		shift
		flags=
		while [ "$1" != -- ]; do flags="$flags $1"; shift; done
		shift
		clang-tidy --quiet --warnings-as-errors="*" --checks="$checks" "$@" -- -std=gnu17 $flags 2>/dev/null' - \
		"$checks" "${cppflags[@]}" --
}

cppcheck_all() {
	# varFuncNullUB: NULL is a pointer in our C library; preprocessorErrorDirective: versions of generated headers it can't compute;
	# nullPointerRedundantCheck: it takes our fail() for something that returns to the next line;
	# nullPointerOutOfMemory: of tests; uninitvar: version 2.17 doesn't see an array that is filled through a pointer, which
	# compiler and sanitizers do; unknownMacro: our two folders come by -D.
	sources .c | cppcheck -q --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -j "$jobs" \
		-I. -D_GNU_SOURCE --suppress=missingInclude --suppress=varFuncNullUB --suppress=preprocessorErrorDirective --suppress=nullPointerRedundantCheck \
		--suppress=nullPointerOutOfMemory --suppress=nullPointerOutOfResources --suppress=uninitvar --suppress=unknownMacro \
		--suppress='nullPointer:tests/*' --suppress='ctunullpointer:tests/*' --suppress=normalCheckLevelMaxBranches --suppress=checkersReport --file-list=-
}

shell_check() {
	scripts | xargs shellcheck -x
}

style_check() {
	python3 tests/lint/style.py .
}

format_check() {
	python3 tests/lint/format.py .
}

status=0
for tool; do
	if ! declare -F "$tool" >/dev/null; then
		echo "lint.sh: no such tool: $tool" >&2
		exit 2
	fi
	if "$tool"; then
		word=PASS
	else
		word=FAIL status=1
	fi
	echo "lint: $tool: $word"
	[ -z "${LINT_RESULTS:-}" ] || echo "$word lint: $tool" >>"$LINT_RESULTS"
done
exit $status
