#include "hsm/board.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/* A stalled token is left alone for so many times the longest call, then twice as long each time; then one process tries, for at most
 * as long as opening may take and a little more. */
#define STALL_FIRST 3
#define STALL_LONGEST 48
#define PROBE (BOARD_OPEN_FACTOR + 1)
#define LOGIN_WAIT_NS 500000000
#define MARK_BYTES 32

struct process {
	_Atomic int64_t deadline_us; /* 0: not in a call */
	atomic_uint store;
	atomic_bool probe; /* the call finds out whether a stalled token is well again */
};

struct store {
	_Atomic int64_t stalled_until_us; /* 0: well */
	atomic_uint stalls;
	pthread_mutex_t login;
	bool refused;
	uint8_t refused_mark[MARK_BYTES];
};

struct board {
	struct process processes[BOARD_PROCESSES];
	struct store stores[BOARD_STORES];
	uint8_t key[MARK_BYTES];
};

static struct board *board;
static size_t own_place;
static int call_ms = 5000;

static int64_t
clock_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t); /* the same for all processes of the machine */
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int
board_share(struct error *e)
{
	pthread_mutexattr_t a;
	struct board *b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (b == MAP_FAILED)
		return fail(e, E_INTERNAL, "no shared memory: %s", strerror(errno));
	if (RAND_bytes(b->key, sizeof(b->key)) != 1) {
		munmap(b, sizeof(*b));
		return fail(e, E_INTERNAL, "no random numbers");
	}
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST); /* whoever is ended in a login holds nobody up */
	for (size_t i = 0; i < BOARD_STORES; i++)
		pthread_mutex_init(&b->stores[i].login, &a);
	pthread_mutexattr_destroy(&a);
	board = b;
	return 0;
}

void
board_set_call_ms(int ms)
{
	call_ms = ms;
}

int
board_call_ms(void)
{
	return call_ms;
}

void
board_take_place(size_t place)
{
	own_place = place < BOARD_PROCESSES ? place : BOARD_PROCESSES - 1;
}

static struct board *
the_board(void)
{
	struct error e;
	if (!board && board_share(&e) < 0)
		abort();
	return board;
}

bool
board_overdue(size_t place, unsigned *ret_store)
{
	struct process *p = &the_board()->processes[place];
	int64_t deadline = atomic_load(&p->deadline_us), now = clock_us(), unit = (int64_t)call_ms * 1000, pause = STALL_FIRST * unit;
	unsigned store = atomic_load(&p->store);
	if (deadline == 0 || now < deadline || atomic_load(&p->deadline_us) != deadline)
		return false;
	struct store *s = &board->stores[store];
	*ret_store = store;
	/* Others may wait in the same token, and end one after the other: it is one stall. */
	if (atomic_load(&s->stalled_until_us) > now && !atomic_load(&p->probe))
		return true;
	for (unsigned i = atomic_fetch_add(&s->stalls, 1); i > 0 && pause < STALL_LONGEST * unit; i--)
		pause *= 2;
	atomic_store(&s->stalled_until_us, now + pause);
	return true;
}

void
board_clear(size_t place)
{
	atomic_store(&the_board()->processes[place].deadline_us, 0);
}

bool
board_enter(unsigned store, int limit_ms, int64_t *ret_wait_ms)
{
	struct store *s = &the_board()->stores[store];
	struct process *p = &board->processes[own_place];
	int64_t now = clock_us(), until = atomic_load(&s->stalled_until_us);
	bool probe = until != 0;
	if (until > now || (probe && !atomic_compare_exchange_strong(&s->stalled_until_us, &until, now + PROBE * (int64_t)call_ms * 1000))) {
		*ret_wait_ms = until > now ? (until - now) / 1000 + 1 : 1000;
		return false;
	}
	atomic_store(&p->store, store);
	atomic_store(&p->probe, probe);
	atomic_store(&p->deadline_us, now + (int64_t)limit_ms * 1000);
	return true;
}

void
board_leave(bool worked)
{
	struct process *p = &the_board()->processes[own_place];
	atomic_store(&p->deadline_us, 0);
	if (!atomic_exchange(&p->probe, false))
		return;
	struct store *s = &board->stores[atomic_load(&p->store)];
	if (worked)
		atomic_store(&s->stalls, 0);
	atomic_store(&s->stalled_until_us, worked ? 0 : clock_us()); /* the next call is a trial again */
}

int64_t
board_stalled_ms(unsigned store)
{
	int64_t left = atomic_load(&the_board()->stores[store].stalled_until_us) - clock_us();
	return left > 0 ? left / 1000 + 1 : 0;
}

bool
board_lock_login(unsigned store)
{
	pthread_mutex_t *m = &the_board()->stores[store].login;
	struct timespec until;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += LOGIN_WAIT_NS;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	int rc = pthread_mutex_timedlock(m, &until);
	if (rc == EOWNERDEAD)
		rc = pthread_mutex_consistent(m);
	return rc == 0;
}

void
board_unlock_login(unsigned store)
{
	pthread_mutex_unlock(&the_board()->stores[store].login);
}

static void
mark(const void *pin, size_t len, uint8_t ret[MARK_BYTES])
{
	unsigned n = 0;
	if (!HMAC(EVP_sha256(), the_board()->key, MARK_BYTES, pin, len, ret, &n))
		abort();
}

void
board_note_refused(unsigned store, const void *pin, size_t len)
{
	struct store *s = &the_board()->stores[store];
	mark(pin, len, s->refused_mark);
	s->refused = true;
}

bool
board_was_refused(unsigned store, const void *pin, size_t len)
{
	const struct store *s = &the_board()->stores[store];
	uint8_t now[MARK_BYTES];
	mark(pin, len, now);
	return s->refused && memcmp(now, s->refused_mark, sizeof(now)) == 0;
}
