// Sends RTP both ways through a relay, takes it at the other side, and times it.
//
// It binds SOCKETS sockets for each side, prints their ports in one line, and
// then reads commands, one a line:
//
//   + CALL PORT PORT   begin a call at the relay's ports facing side A and side B
//   - CALL             end it
//   measure            count packets that are sent from now on
//   report             stop counting, wait for stragglers, print the counts
//
// Each answers with one line. The report is: packets sent, packets received,
// times in tenths of a microsecond of which 50, 99 and 99.9 percent were not
// longer, and by how many microseconds it was late itself at most. Time is from just
// before a packet is handed to the system to when the system has it for the
// other side.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	SOCKETS = 4,              // of each side
	CALLS = 4096,
	BATCH = 32,
	SIZE = 172,               // a header and 20 ms of G.711
	INTERVAL = 20 * 1000000,  // ns
	TICK = 250 * 1000,        // ns
	LONGEST = 500000,         // tenths of a microsecond
};

struct stream {
	int active, out;          // the index of the socket it is sent from
	struct sockaddr_in to;
	uint64_t next;
	uint32_t ssrc, timestamp;
	uint16_t sequence;
};

static struct stream streams[2 * CALLS];
static int highest;           // stream that was ever active
static int sockets[2 * SOCKETS];
static uint32_t times[LONGEST + 1];
static uint64_t sent, received, late;
static int measuring;

static struct mmsghdr out[2 * SOCKETS][BATCH];
static struct iovec out_iov[2 * SOCKETS][BATCH];
static uint8_t out_buf[2 * SOCKETS][BATCH][SIZE];
static int waiting[2 * SOCKETS];

static uint64_t now(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static int bind_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0), size = 16 << 20, one = 1;
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	if (fd < 0 || bind(fd, (void *)&a, sizeof a))
		die("bind");
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof one))
		die("SO_TIMESTAMPNS");
	return fd;
}

// flush sends what waits at socket k: each by itself, for what is sent before it is no time
// of its own.
static void flush(int k)
{
	for (int i = 0; i < waiting[k]; i++) {
		uint64_t t = now(CLOCK_REALTIME);
		memcpy(out_buf[k][i] + 12, &t, 8);
		if (sendmsg(sockets[k], &out[k][i].msg_hdr, 0) < 0 && errno != ECONNREFUSED && errno != EAGAIN)
			die("sendmsg");
	}
	waiting[k] = 0;
}

static void queue(struct stream *s)
{
	int k = s->out, i = waiting[k]++;
	uint8_t *b = out_buf[k][i];
	uint16_t sequence = htons(s->sequence++);
	uint32_t timestamp = htonl(s->timestamp), ssrc = htonl(s->ssrc);
	s->timestamp += 160;
	memset(b, 0, 12);
	b[0] = 0x80;
	memcpy(b + 2, &sequence, 2);
	memcpy(b + 4, &timestamp, 4);
	memcpy(b + 8, &ssrc, 4);
	b[20] = measuring;
	sent += measuring;
	out_iov[k][i] = (struct iovec){b, SIZE};
	out[k][i].msg_hdr = (struct msghdr){
		.msg_name = &s->to, .msg_namelen = sizeof s->to, .msg_iov = &out_iov[k][i], .msg_iovlen = 1};
	if (waiting[k] == BATCH)
		flush(k);
}

static void send_due(void)
{
	uint64_t t = now(CLOCK_MONOTONIC);
	for (int i = 0; i <= highest; i++) {
		struct stream *s = &streams[i];
		if (!s->active || s->next > t)
			continue;
		if (measuring && t - s->next > late)
			late = t - s->next;
		queue(s);
		s->next += INTERVAL;
		if (s->next + INTERVAL < t)
			s->next = t + INTERVAL; // what was held up is not made up for
	}
	for (int k = 0; k < 2 * SOCKETS; k++)
		flush(k);
}

static void count(struct msghdr *h, const uint8_t *b, int n)
{
	uint64_t from, at = 0;
	if (n < SIZE || b[0] != 0x80 || !b[20])
		return;
	memcpy(&from, b + 12, 8);
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SO_TIMESTAMPNS) {
			struct timespec t;
			memcpy(&t, CMSG_DATA(c), sizeof t);
			at = (uint64_t)t.tv_sec * 1000000000 + t.tv_nsec;
		}
	uint64_t tenths = at > from ? (at - from) / 100 : 0;
	times[tenths < LONGEST ? tenths : LONGEST]++;
	received++;
}

static void receive(void)
{
	static struct mmsghdr in[BATCH];
	static struct iovec iov[BATCH];
	static uint8_t buf[BATCH][512];
	static char control[BATCH][128];
	for (int k = 0; k < 2 * SOCKETS; k++)
		for (int n = BATCH; n == BATCH;) {
			for (int i = 0; i < BATCH; i++) {
				iov[i] = (struct iovec){buf[i], sizeof buf[i]};
				in[i].msg_hdr = (struct msghdr){
					.msg_iov = &iov[i], .msg_iovlen = 1,
					.msg_control = control[i], .msg_controllen = sizeof control[i]};
			}
			n = recvmmsg(sockets[k], in, BATCH, MSG_DONTWAIT, 0);
			for (int i = 0; i < n; i++)
				count(&in[i].msg_hdr, buf[i], in[i].msg_len);
		}
}

static void begin_call(int call, int port_a, int port_b)
{
	int ports[2] = {port_a, port_b};
	for (int side = 0; side < 2; side++) {
		int i = 2 * call + side;
		streams[i] = (struct stream){
			.active = 1, .out = side * SOCKETS + call % SOCKETS,
			.to = {.sin_family = AF_INET, .sin_port = htons(ports[side]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)},
			.next = now(CLOCK_MONOTONIC) + random() % INTERVAL,
			.ssrc = random(), .timestamp = random(), .sequence = random()};
		if (i > highest)
			highest = i;
	}
}

static uint64_t time_of(double share)
{
	uint64_t want = received * share, seen = 0;
	for (int i = 0; i <= LONGEST; i++)
		if ((seen += times[i]) > want)
			return i;
	return LONGEST;
}

static void report(void)
{
	measuring = 0;
	for (uint64_t end = now(CLOCK_MONOTONIC) + 300 * 1000000; now(CLOCK_MONOTONIC) < end; usleep(TICK / 1000)) {
		send_due();
		receive();
	}
	printf("%lu %lu %lu %lu %lu %lu\n", sent, received, time_of(0.5), time_of(0.99), time_of(0.999), late / 1000);
	sent = received = late = 0;
	memset(times, 0, sizeof times);
}

static void command(const char *line)
{
	int call, a, b;
	if (sscanf(line, "+ %d %d %d", &call, &a, &b) == 3 && call >= 0 && call < CALLS) {
		begin_call(call, a, b);
	} else if (sscanf(line, "- %d", &call) == 1 && call >= 0 && call < CALLS) {
		streams[2 * call].active = streams[2 * call + 1].active = 0;
	} else if (!strcmp(line, "measure")) {
		measuring = 1;
	} else if (!strcmp(line, "report")) {
		report();
		return;
	} else {
		fprintf(stderr, "no command: %s\n", line);
		exit(1);
	}
	printf("ok\n");
}

// read_commands does what is there to be read; 0 at the end.
static int read_commands(void)
{
	static char buf[65536];
	static size_t have;
	struct pollfd p = {.fd = 0, .events = POLLIN};
	while (poll(&p, 1, 0) > 0) {
		ssize_t n = read(0, buf + have, sizeof buf - 1 - have);
		if (n <= 0)
			return 0;
		have += n;
		for (char *end; (end = memchr(buf, '\n', have));) {
			*end = 0;
			command(buf);
			have -= end + 1 - buf;
			memmove(buf, end + 1, have);
		}
	}
	return 1;
}

int main(void)
{
	setvbuf(stdout, 0, _IOLBF, 0);
	for (int k = 0; k < 2 * SOCKETS; k++) {
		struct sockaddr_in a;
		socklen_t n = sizeof a;
		sockets[k] = bind_socket();
		getsockname(sockets[k], (void *)&a, &n);
		printf("%d%s", ntohs(a.sin_port), k + 1 < 2 * SOCKETS ? " " : "\n");
	}
	uint64_t tick = now(CLOCK_MONOTONIC);
	while (read_commands()) {
		send_due();
		receive();
		tick += TICK;
		uint64_t t = now(CLOCK_MONOTONIC);
		if (tick < t)
			tick = t;
		struct timespec until = {tick / 1000000000, tick % 1000000000};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, 0);
	}
	return 0;
}
