/* A service that answers everything with the same body: what the HTTP stack alone can do, as a limit for those that work. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include "lib/http/http.h"
#include "lib/limits.h"

struct fixed {
	int status;
	const char *type;
	struct bytes body;
};

static void
answer(void *ctx, struct http_request *r, struct http_answer *a)
{
	const struct fixed *f = ctx;

	(void)r;
	a->status = f->status;
	a->content_type = f->type;
	a->body = f->body;
}

static void
refuse(struct http_request *r, const struct error *e, struct http_answer *a)
{
	(void)r;
	a->status = error_http_status(e->code);
	a->content_type = "text/plain";
	a->body = BYTES_STR("refused\n");
}

static int
listen_at(const char *path)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(to.sun_path))
		return -1;
	strcpy(to.sun_path, path);
	unlink(path);
	if (bind(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 || chmod(path, 0666) < 0 || listen(fd, 511) < 0)
		return -1;
	return fd;
}

static uint8_t *
read_body(const char *path, size_t *ret_len)
{
	static uint8_t body[LIMIT_BODY_BYTES];
	FILE *f = fopen(path, "rb");

	if (!f)
		return NULL;
	*ret_len = fread(body, 1, sizeof(body), f);
	fclose(f);
	return body;
}

int
main(int argc, char **argv)
{
	struct fixed fixed = {.status = argc > 3 ? atoi(argv[3]) : 200, .type = argc > 4 ? argv[4] : "application/octet-stream"};
	struct http_options o = {.threads = argc > 5 ? atoi(argv[5]) : 0, .max_connections = 256, .max_body_bytes = LIMIT_BODY_BYTES,
	                         .refuse = refuse, .handle = answer, .ctx = &fixed};
	struct http_server *server;
	struct error e = {0};
	sigset_t stop;
	int fd, sig;

	if (argc < 3 || !(fixed.body.data = read_body(argv[2], &fixed.body.len))) {
		fprintf(stderr, "usage: static_answer SOCKET BODY-FILE [STATUS [TYPE [THREADS]]]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGINT);
	sigprocmask(SIG_BLOCK, &stop, NULL);
	fd = listen_at(argv[1]);
	if (fd < 0) {
		perror(argv[1]);
		return 2;
	}
	if (http_serve(fd, &o, &server, &e) < 0) {
		fprintf(stderr, "static_answer: %s\n", e.detail);
		return 2;
	}
	sigwait(&stop, &sig);
	http_stop(server);
	return 0;
}
