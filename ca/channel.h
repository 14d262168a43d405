/* Between the master and its children: callers, and their connections on the way to a child. */
#ifndef SIEGEL_CA_CHANNEL_H
#define SIEGEL_CA_CHANNEL_H
#include <stdbool.h>

#include "lib/ipc/engine.pb-c.h"

enum caller { CALLER_API, CALLER_EST, CALLER_SCEP, CALLER_ACME, CALLER_SCHED, CALLER_MANAGE, CALLER_LOGIN, CALLER_COUNT };
/* "api", "est", "scep", "acme", "sched", "manage", "login": the word in the name of the caller's socket, and but for "manage" and "login", which are
 * siegel-api, in [peers]. */
const char *caller_name(enum caller c);
/* May that caller ask for that operation? The table at the head of lib/ipc/engine.proto. */
bool caller_may(enum caller c, Siegel__Request__OperationCase operation);
/* May that caller have that kind of answer signed by a registration authority? Each front end has its own protocol's alone. */
bool caller_may_sign(enum caller c, Siegel__RaSign__AnswerCase answer);

/* What a child tells the master, in one octet. */
#define CHANNEL_READY 'r'  /* it takes connections */
#define CHANNEL_CLOSED 'c' /* one of its connections ended */

/* The master passes a connection to a child; false when the child doesn't take it now. The caller closes fd in any case. */
bool channel_pass(int channel, enum caller caller, int fd);
enum channel_taken { CHANNEL_NOTHING, CHANNEL_TAKEN, CHANNEL_ENDED };
/* A child takes the connection that is there; *ret_fd is the caller's to close. CHANNEL_ENDED: the master is gone. */
enum channel_taken channel_take(int channel, enum caller *ret_caller, int *ret_fd);
/* A child tells the master; one that is gone isn't told. */
void channel_tell(int channel, char what);

#endif
