#include "ca/channel.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for one descriptor in a control message, aligned as one. */
union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

const char *
caller_name(enum caller c)
{
	static const char *const names[CALLER_COUNT] = {"api", "est", "scep", "acme", "sched", "manage", "login"};
	return names[c];
}

bool
caller_may(enum caller c, Siegel__Request__OperationCase operation)
{
	switch (operation) {
	case SIEGEL__REQUEST__OPERATION_ISSUE:
		return c == CALLER_API || c == CALLER_EST || c == CALLER_SCEP || c == CALLER_ACME;
	case SIEGEL__REQUEST__OPERATION_RA_SIGN:
		return c == CALLER_EST || c == CALLER_SCEP;
	case SIEGEL__REQUEST__OPERATION_RA_DECRYPT:
	case SIEGEL__REQUEST__OPERATION_PASSWORD:
		return c == CALLER_SCEP;
	case SIEGEL__REQUEST__OPERATION_WRAP_KEY:
	case SIEGEL__REQUEST__OPERATION_CSR_ATTRIBUTES:
		return c == CALLER_EST;
	case SIEGEL__REQUEST__OPERATION_REVOKE:
		return c == CALLER_API || c == CALLER_ACME;
	case SIEGEL__REQUEST__OPERATION_SECOND_FACTOR:
		return c == CALLER_API;
	case SIEGEL__REQUEST__OPERATION_MAC:
		return c == CALLER_ACME;
	case SIEGEL__REQUEST__OPERATION_CRL:
	case SIEGEL__REQUEST__OPERATION_SIGNER:
	case SIEGEL__REQUEST__OPERATION_RA:
	case SIEGEL__REQUEST__OPERATION_SWEEP:
	case SIEGEL__REQUEST__OPERATION_SEAL:
		return c == CALLER_SCHED;
	case SIEGEL__REQUEST__OPERATION_STATUS:
		return c == CALLER_API || c == CALLER_SCHED;
	case SIEGEL__REQUEST__OPERATION_MANAGE:
		return c == CALLER_MANAGE || c == CALLER_LOGIN;
	default:
		return false;
	}
}

bool
caller_may_sign(enum caller c, Siegel__RaSign__AnswerCase answer)
{
	switch (answer) {
	case SIEGEL__RA_SIGN__ANSWER_SCEP_REPLY:
	case SIEGEL__RA_SIGN__ANSWER_SCEP_NEXT_CA:
		return c == CALLER_SCEP;
	case SIEGEL__RA_SIGN__ANSWER_CMC_REPLY:
	case SIEGEL__RA_SIGN__ANSWER_KEY_PACKAGE:
		return c == CALLER_EST;
	default:
		return false;
	}
}

bool
channel_pass(int channel, enum caller caller, int fd)
{
	char octet = (char)caller;
	union control control = {.space = {0}};
	struct iovec io = {&octet, 1};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(h), &fd, sizeof(int));
	return sendmsg(channel, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == 1;
}

enum channel_taken
channel_take(int channel, enum caller *ret_caller, int *ret_fd)
{
	char octet;
	union control control;
	struct iovec io = {&octet, 1};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
	ssize_t n = recvmsg(channel, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return CHANNEL_NOTHING;
	if (n <= 0)
		return CHANNEL_ENDED;
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int fd;
	if (!h || h->cmsg_type != SCM_RIGHTS)
		return CHANNEL_NOTHING;
	memcpy(&fd, CMSG_DATA(h), sizeof(fd));
	if (octet < 0 || octet >= CALLER_COUNT) {
		close(fd);
		return CHANNEL_NOTHING;
	}
	*ret_caller = (enum caller)octet;
	*ret_fd = fd;
	return CHANNEL_TAKEN;
}

void
channel_tell(int channel, char what)
{
	(void)!send(channel, &what, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}
