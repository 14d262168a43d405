# Flags, each probed: a compiler that lacks one builds without it.

# SIEGEL_FLAG(variable, flag[, "link"]): adds the flag to the variable when the compiler (with "link": the linker) takes it.
AC_DEFUN([SIEGEL_FLAG], [
  AC_MSG_CHECKING([whether $CC takes $2])
  siegel_cflags_saved=$CFLAGS
  siegel_ldflags_saved=$LDFLAGS
  AS_IF([test "x$3" = xlink], [LDFLAGS="$LDFLAGS $2"], [CFLAGS="$CFLAGS -Werror $2"])
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes]); AS_VAR_APPEND([$1], [" $2"])],
    [AC_MSG_RESULT([no])])
  CFLAGS=$siegel_cflags_saved
  LDFLAGS=$siegel_ldflags_saved
])

AC_DEFUN([SIEGEL_SANITIZERS], [
  AC_ARG_ENABLE([sanitizers], [AS_HELP_STRING([--enable-sanitizers], [build with AddressSanitizer and UndefinedBehaviorSanitizer])],
    [], [enable_sanitizers=no])
  AS_IF([test "$enable_sanitizers" = yes], [SANITIZER_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"])
  AC_SUBST([SANITIZER_FLAGS])
  AM_CONDITIONAL([SANITIZERS], [test "$enable_sanitizers" = yes])
])

AC_DEFUN([SIEGEL_FUZZING], [
  AC_ARG_ENABLE([fuzzing], [AS_HELP_STRING([--enable-fuzzing], [build the fuzz targets with libFuzzer (needs CC=clang)])],
    [], [enable_fuzzing=no])
  AS_IF([test "$enable_fuzzing" = yes], [
    SANITIZER_FLAGS="-fsanitize=address,undefined,fuzzer-no-link -fno-omit-frame-pointer"
    FUZZ_LDFLAGS="-fsanitize=fuzzer"
  ])
  AC_SUBST([FUZZ_LDFLAGS])
  AM_CONDITIONAL([FUZZING], [test "$enable_fuzzing" = yes])
])

# Compiles the engine's fault points (ca/fault.h) for the crash tests. A build for use never has them.
AC_DEFUN([SIEGEL_FAULT_POINTS], [
  AC_ARG_ENABLE([fault-points], [AS_HELP_STRING([--enable-fault-points], [let the crash tests end the engine at each step of issuing])],
    [], [enable_fault_points=no])
  AS_IF([test "$enable_fault_points" = yes], [FAULT_CPPFLAGS=-DSIEGEL_FAULT_POINTS])
  AC_SUBST([FAULT_CPPFLAGS])
])

AC_DEFUN([SIEGEL_WARNINGS], [
  for flag in -Wall -Wextra "-Wformat=2 -Werror=format-security" -Wstrict-prototypes -Wmissing-prototypes -Wshadow -Wpointer-arith \
      -Wcast-qual -Wwrite-strings -Wundef -Wvla -Wimplicit-fallthrough -Wnull-dereference; do
    SIEGEL_FLAG([WARNING_FLAGS], [$flag])
  done
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors; the default in a git checkout])],
    [], [AS_IF([test -e "$srcdir/.git"], [enable_werror=yes], [enable_werror=no])])
  AS_IF([test "$enable_werror" = yes], [AS_VAR_APPEND([WARNING_FLAGS], [" -Werror"])])
  AC_SUBST([WARNING_FLAGS])
])

AC_DEFUN([SIEGEL_HARDENING], [
  for flag in -fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE -ftrivial-auto-var-init=zero; do
    SIEGEL_FLAG([HARDENING_CFLAGS], [$flag])
  done
  AS_IF([test "$enable_sanitizers$enable_fuzzing" = nono], [HARDENING_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3"])
  for flag in -pie "-Wl,-z,relro" "-Wl,-z,now" "-Wl,--as-needed"; do
    SIEGEL_FLAG([HARDENING_LDFLAGS], [$flag], [link])
  done
  AC_SUBST([HARDENING_CPPFLAGS])
  AC_SUBST([HARDENING_CFLAGS])
  AC_SUBST([HARDENING_LDFLAGS])
])

AC_DEFUN([SIEGEL_FAULT_POINTS], [
  AC_ARG_ENABLE([fault-points], [AS_HELP_STRING([--enable-fault-points], [build the points at which the crash tests end the engine; never for use])],
    [], [enable_fault_points=no])
  AS_IF([test "$enable_fault_points" = yes], [FAULT_CPPFLAGS=-DSIEGEL_FAULT_POINTS])
  AC_SUBST([FAULT_CPPFLAGS])
])
