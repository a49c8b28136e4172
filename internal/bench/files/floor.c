/* The least that a text can cost with what the gateway promises: the same
 * system calls, and as little as can be between them. Called as
 *
 *	floor COMPONENT USERS SERVER PHONES
 *
 * it finds open: 3, a component's stream behind its handshake; 4, a UDP socket
 * that is connected to the phones; 5, a file of 256 KiB; 6, another, opened with
 * O_DIRECT.
 *
 *	datagram -> stanza, and behind all that have come a question to ourselves
 *	            (the barrier); its answer -> written down, answered with 200
 *	stanza   -> appended and synced past the page cache (io_submit); MESSAGE;
 *	            its 200 -> crossed out
 *
 * What comes together shares every one of these; while one is synced, the server waits. It trusts what it reads, repeats
 * nothing, and knows nobody. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/aio_abi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STREAM = 3, PHONES = 4, LOG = 5, OUTBOX = 6, MOST = 64, SIZE = 2048, WAITING = 1024, ROOM = 1 << 20, KEPT = 256 << 10,
	BLOCK = 4 << 10 };

static const char *component, *users, *server, *phones;
static char packets[MOST][SIZE], texts[MOST][SIZE];
static struct iovec parts[MOST], textParts[MOST];
static struct mmsghdr headers[MOST], textHeaders[MOST];

/* What is synced, and the texts that wait for that. */
static char *outbox;
static size_t kept;
static int gathered, synced;
static aio_context_t disk;

/* The 200s that wait: those before asked for the question that is out, the others for the next. */
static char answers[WAITING][SIZE];
static unsigned long first, asked, last;

static char in[ROOM], out[ROOM], records[ROOM];
static size_t have, length, noted, at;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void add(char *to, size_t *n, const char *from, size_t size)
{
	if (*n + size >= ROOM) {
		fprintf(stderr, "floor: no room\n");
		exit(1);
	}
	memcpy(to + *n, from, size);
	*n += size;
}

/* flush writes the stanzas that were gathered. */
static void flush(void)
{
	for (size_t done = 0; done < length;) {
		ssize_t n = write(STREAM, out + done, length - done);
		if (n < 0)
			fail("write to the server");
		done += n;
	}
	length = 0;
}

/* note writes down what was gathered; the file is begun anew when it is full. */
static void note(void)
{
	if (noted == 0)
		return;
	if (at + noted > KEPT)
		at = 0;
	if (pwrite(LOG, records, noted, at) != (ssize_t)noted)
		fail("write to the file");
	at += noted;
	noted = 0;
}

/* keep begins to write down what was gathered, and to sync it. */
static void keep(void)
{
	struct iocb write = {.aio_lio_opcode = IOCB_CMD_PWRITE, .aio_rw_flags = RWF_DSYNC, .aio_fildes = OUTBOX,
		.aio_flags = IOCB_FLAG_RESFD, .aio_resfd = synced}, *list = &write;
	size_t from, to;

	if (kept + noted > KEPT)
		kept = 0;
	from = kept / BLOCK * BLOCK;
	memcpy(outbox + kept, records, noted);
	kept += noted;
	noted = 0;
	to = (kept + BLOCK - 1) / BLOCK * BLOCK;
	write.aio_buf = (unsigned long)(outbox + from);
	write.aio_offset = from;
	write.aio_nbytes = to - from;
	if (syscall(SYS_io_submit, disk, 1, &list) != 1)
		fail("write past the page cache");
}

/* post sends n packets. */
static void post(struct mmsghdr *headers, int n)
{
	for (int done = 0; done < n;) {
		int some = sendmmsg(PHONES, headers + done, n - done, 0);
		if (some < 0)
			fail("send to the phones");
		done += some;
	}
}

static void ask(void)
{
	char b[512];
	int n = snprintf(b, sizeof b, "<iq type='get' id='floor' from='%s' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>",
		component, component);

	add(out, &length, b, n);
	asked = last;
}

/* between finds what stands between two texts. */
static const char *between(const char *s, const char *left, const char *right, int *n)
{
	const char *begin = strstr(s, left), *end;

	*n = 0;
	if (begin == NULL || (end = strstr(begin + strlen(left), right)) == NULL)
		return s;
	begin += strlen(left);
	*n = end - begin;
	return begin;
}

static size_t line(char *to, const char *packet, const char *name)
{
	int n;
	const char *value = between(packet, name, "\r\n", &n);

	return sprintf(to, "%s%.*s", name, n, value);
}

/* written takes a text from a phone: its stanza, and the answer that waits. */
static void written(const char *packet)
{
	char b[2 * SIZE], *a = answers[last++ % WAITING];
	int to, from, id;
	const char *t = between(packet, " sip:", "@", &to), *f = between(packet, "From: <sip:", "@", &from);
	const char *i = between(packet, "Call-ID: ", "@", &id), *body = strstr(packet, "\r\n\r\n");
	int n = snprintf(b, sizeof b, "<message type='chat' id='%.*s' from='%.*s@%s' to='%.*s@%s'><body>%s</body></message>",
		id, i, from, f, component, to, t, users, body == NULL ? "" : body + 4);

	add(out, &length, b, n);
	a += sprintf(a, "SIP/2.0 200 OK");
	a += line(a, packet, "\r\nVia: ");
	a += line(a, packet, "\r\nFrom: ");
	a += line(a, packet, "\r\nTo: ");
	a += sprintf(a, ";tag=floor");
	a += line(a, packet, "\r\nCall-ID: ");
	a += line(a, packet, "\r\nCSeq: ");
	sprintf(a, "\r\nContent-Length: 0\r\n\r\n");
}

static void fromPhones(void)
{
	int n;

	for (int i = 0; i < MOST; i++)
		parts[i] = (struct iovec){packets[i], SIZE - 1};
	if ((n = recvmmsg(PHONES, headers, MOST, MSG_DONTWAIT, NULL)) < 0) {
		if (errno != EAGAIN && errno != ECONNREFUSED)
			fail("read from the phones");
		return;
	}
	for (int i = 0; i < n; i++) {
		packets[i][headers[i].msg_len] = 0;
		if (strncmp(packets[i], "SIP/2.0 ", 8) == 0) { /* it is there */
			int id;
			const char *call = between(packets[i], "Call-ID: ", "\r\n", &id);

			add(records, &noted, call, id);
			add(records, &noted, " gone and handed on\n", 20);
		} else {
			written(packets[i]);
		}
	}
	note();
	if (first == asked && last > asked)
		ask();
	flush();
}

/* answered says 200 to all that went before the question. */
static void answered(void)
{
	for (unsigned long i = first; i < asked; i++)
		add(records, &noted, answers[i % WAITING], strlen(answers[i % WAITING]));
	note();
	while (first < asked) {
		int n = 0;

		for (; n < MOST && first < asked; n++, first++)
			parts[n] = (struct iovec){answers[first % WAITING], strlen(answers[first % WAITING])};
		post(headers, n);
	}
	if (last > asked)
		ask();
	flush();
}

/* message makes the MESSAGE of a stanza. */
static void message(const char *stanza, int i)
{
	static unsigned long sent;
	int to, from, body;
	const char *t = between(stanza, " to='", "@", &to), *f = between(stanza, " from='", "@", &from);
	const char *text = between(stanza, "<body>", "</body>", &body);
	int n = snprintf(texts[i], SIZE,
		"MESSAGE sip:%.*s@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK-f-%lu;rport\r\nMax-Forwards: 70\r\n"
		"From: <sip:%.*s@%s>;tag=f%lu\r\nTo: <sip:%.*s@%s>\r\nCall-ID: f-%lu\r\nCSeq: 1 MESSAGE\r\n"
		"Content-Type: text/plain\r\nContent-Length: %d\r\n\r\n%.*s",
		to, t, phones, server, sent, from, f, component, sent, to, t, phones, sent, body, body, text);

	textParts[i] = (struct iovec){texts[i], n < SIZE ? n : SIZE - 1};
	sent++;
}

/* take takes the stanzas that are whole, no more than can be sent at once. */
static void take(void)
{
	size_t done = 0;
	int back = 0;

	for (;;) {
		char *end = strstr(in + done, "</message>"), *iq = strstr(in + done, "</iq>");
		int size;

		if (iq != NULL && (end == NULL || iq < end)) {
			back = 1;
			done = iq + 5 - in;
			continue;
		}
		if (end == NULL || gathered == MOST)
			break;
		end[9] = 0;
		size = end + 10 - (in + done);
		add(records, &noted, in + done, size);
		message(in + done, gathered++);
		done += size;
	}
	if (gathered > 0)
		keep();
	if (back)
		answered();
	memmove(in, in + done, have - done + 1);
	have -= done;
}

static void fromServer(void)
{
	ssize_t n = read(STREAM, in + have, ROOM - 1 - have);

	if (n <= 0)
		fail("read from the server");
	have += n;
	in[have] = 0;
	take();
}

/* fromDisk sends the texts that are synced. */
static void fromDisk(void)
{
	struct io_event end;
	struct timespec now = {0};

	if (syscall(SYS_io_getevents, disk, 0, 1, &end, &now) != 1)
		return;
	if (end.res <= 0) {
		errno = -end.res;
		fail("sync the file");
	}
	post(textHeaders, gathered);
	gathered = 0;
	take();
}

static int watch(int one, unsigned how, int other)
{
	struct epoll_event events[2] = {{.events = how, .data.fd = one}, {.events = EPOLLIN, .data.fd = other}};
	int both = epoll_create1(0);

	for (int i = 0; i < 2; i++)
		if (epoll_ctl(both, EPOLL_CTL_ADD, events[i].data.fd, &events[i]) != 0)
			fail("watch");
	return both;
}

int main(int argc, char **argv)
{
	struct epoll_event events[2];
	int idle, busy;

	if (argc != 5)
		return 2;
	component = argv[1], users = argv[2], server = argv[3], phones = argv[4];
	for (int i = 0; i < MOST; i++) {
		headers[i].msg_hdr = (struct msghdr){.msg_iov = &parts[i], .msg_iovlen = 1};
		textHeaders[i].msg_hdr = (struct msghdr){.msg_iov = &textParts[i], .msg_iovlen = 1};
	}
	if ((synced = eventfd(0, EFD_NONBLOCK)) < 0 || syscall(SYS_io_setup, 1, &disk) != 0 ||
		(outbox = aligned_alloc(BLOCK, KEPT + ROOM)) == NULL)
		fail("prepare to sync");
	memset(outbox, 0, KEPT + ROOM);
	idle = watch(STREAM, EPOLLIN, PHONES);
	busy = watch(synced, EPOLLIN | EPOLLET, PHONES);
	for (;;) {
		int n = epoll_wait(gathered > 0 ? busy : idle, events, 2, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.fd == STREAM)
				fromServer();
			else if (events[i].data.fd == synced)
				fromDisk();
			else
				fromPhones();
		}
	}
}
