/* A process of the engine in the house, and its callers: raw connections to its sockets. */
#ifndef SIEGEL_TESTS_UNIT_CA_CLIENT_H
#define SIEGEL_TESTS_UNIT_CA_CLIENT_H
#include "tests/unit/ca/house.h"

TCase *tcase_requests(void);
TCase *tcase_frames(void);
TCase *tcase_repetition(void);
TCase *tcase_clerk(void);
TCase *tcase_losses(void);
TCase *tcase_life(void);

/* Builds the house, starts siegel-ca and waits until it issues, unless that was done; ends it, and checks that it ended well. It ends
 * with this program in any case. */
void engine_start(void);
void engine_stop(void);
/* The children of the master now, at most 8: how many. */
size_t engine_children(pid_t ret[8]);
/* Ends the clerk or a worker by SIGKILL, and waits until another is in its place. */
void engine_kill(bool clerk);
/* Waits until workers issue again, at most 5 s. */
void engine_wait(void);

/* A connection as "api", "est" or "sched". */
int client_connect(const char *caller);
void client_send_bytes(int fd, const void *data, size_t len);
void client_send(int fd, const Siegel__Request *q);
void client_send_issue(int fd, struct asking *q);
/* The reply, which the caller frees; NULL when the connection ended instead. Waits at most 15 s. */
Siegel__Reply *client_reply(int fd);
/* True when the engine ended the connection without a reply. */
bool client_closed(int fd);
/* One request on a connection of its own. */
Siegel__Reply *client_ask(const char *caller, const Siegel__Request *q);
Siegel__Reply *client_issue(struct asking *q);
/* That the reply is this error, with this pointer unless that is NULL; frees it. */
void client_expect_error(Siegel__Reply *reply, enum error_code code, const char *pointer);
/* That it is a certificate; frees it, and gives back its id. */
int64_t client_expect_issued(Siegel__Reply *reply);

#endif
