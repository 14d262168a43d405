/* A filter of system calls that says what isn't done, and lets the rest through. A list of what is done would be stronger; but libcurl, libunbound,
 * OpenSSL and the C library of two releases decide what that is, and a call that is missed there ends a validation on somebody's machine. What an
 * intruder would want is on the list. bind(2) isn't: libunbound binds the sockets of its questions to ports that nobody guesses; without listen(2)
 * nobody can connect. */
#include "enroll/acme-probe/drop.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "lib/mem.h"

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED 1 /* it makes calls of its own */
#else
#define SANITIZED 0
#endif

enum { FILES_MAX = 4096 };

static const int never[] = {
	SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork),
	SCMP_SYS(listen), SCMP_SYS(accept), SCMP_SYS(accept4),
	SCMP_SYS(ptrace), SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(kcmp), SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_getfd),
	SCMP_SYS(creat), SCMP_SYS(truncate), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
	SCMP_SYS(mkdir), SCMP_SYS(mkdirat), SCMP_SYS(rmdir), SCMP_SYS(link), SCMP_SYS(linkat), SCMP_SYS(symlink), SCMP_SYS(symlinkat),
	SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(chmod), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(chown), SCMP_SYS(fchown),
	SCMP_SYS(lchown), SCMP_SYS(fchownat), SCMP_SYS(setxattr), SCMP_SYS(lsetxattr), SCMP_SYS(fsetxattr),
	SCMP_SYS(mount), SCMP_SYS(umount2), SCMP_SYS(pivot_root), SCMP_SYS(chroot), SCMP_SYS(unshare), SCMP_SYS(setns), SCMP_SYS(bpf),
	SCMP_SYS(perf_event_open), SCMP_SYS(userfaultfd), SCMP_SYS(keyctl), SCMP_SYS(add_key), SCMP_SYS(request_key), SCMP_SYS(init_module),
	SCMP_SYS(finit_module), SCMP_SYS(delete_module), SCMP_SYS(kexec_load), SCMP_SYS(setuid), SCMP_SYS(setgid), SCMP_SYS(setreuid),
	SCMP_SYS(setregid), SCMP_SYS(setresuid), SCMP_SYS(setresgid), SCMP_SYS(setgroups), SCMP_SYS(kill), SCMP_SYS(tkill),
};

/* Calls that are refused as if the kernel were older: the C library then takes the one before, whose arguments can be looked at. */
static const int unknown[] = {SCMP_SYS(clone3), SCMP_SYS(openat2), SCMP_SYS(io_uring_setup), SCMP_SYS(io_uring_enter), SCMP_SYS(io_uring_register)};

static int
refuse_writing(scmp_filter_ctx f, int call, unsigned argument)
{
	static const scmp_datum_t flags[] = {O_CREAT, O_TRUNC, O_APPEND};
	int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), call, 1, SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_WRONLY));
	if (rc == 0)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), call, 1, SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, O_ACCMODE, O_RDWR));
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(flags); i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EACCES), call, 1, SCMP_CMP(argument, SCMP_CMP_MASKED_EQ, flags[i], flags[i]));
	return rc;
}

/* All families but those that are used; the kernel compares one argument in a rule, so what lies between is refused by bounds. */
static int
refuse_sockets(scmp_filter_ctx f)
{
	static const int used[] = {AF_UNIX, AF_INET, AF_INET6, AF_NETLINK};
	int rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_GT, AF_NETLINK, 0));
	for (int family = 0; rc == 0 && family < AF_NETLINK; family++) {
		bool is_used = false;
		for (size_t i = 0; i < ARRAY_LEN(used); i++)
			is_used = is_used || used[i] == family;
		if (!is_used)
			rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EAFNOSUPPORT), SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)family, 0));
	}
	return rc;
}

static int
fill(scmp_filter_ctx f)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(never); i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), never[i], 0);
	for (size_t i = 0; rc == 0 && i < ARRAY_LEN(unknown); i++)
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(ENOSYS), unknown[i], 0);
	if (rc == 0) /* a thread, yes; a process, no */
		rc = seccomp_rule_add(f, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	if (rc == 0)
		rc = refuse_writing(f, SCMP_SYS(open), 1);
	if (rc == 0)
		rc = refuse_writing(f, SCMP_SYS(openat), 2);
	return rc == 0 ? refuse_sockets(f) : rc;
}

int
drop_powers(struct error *e)
{
	const struct rlimit files = {FILES_MAX, FILES_MAX};
	struct rlimit had;
	if (getrlimit(RLIMIT_NOFILE, &had) == 0 && had.rlim_max > FILES_MAX)
		(void)setrlimit(RLIMIT_NOFILE, &files);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(e, E_UNAVAILABLE, "no_new_privs: %s", strerror(errno));
	if (SANITIZED)
		return 0;
	scmp_filter_ctx f = seccomp_init(SCMP_ACT_ALLOW);
	int rc = f ? fill(f) : -ENOMEM;
	if (rc == 0)
		rc = seccomp_load(f);
	seccomp_release(f);
	return rc == 0 ? 0 : fail(e, E_UNAVAILABLE, "the kernel doesn't take the filter of system calls: %s", strerror(-rc));
}
