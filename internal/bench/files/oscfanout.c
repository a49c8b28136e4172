/* The least that a member of an OSC group can do with what its app sends: take
 * a datagram, and give it to each of the others. Beside this the gateway is
 * measured. Arguments: the port on loopback, then an address and a port of each
 * of the others. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MOST 64

static struct sockaddr_in endpoint(const char *address, const char *port)
{
	struct sockaddr_in a;

	memset(&a, 0, sizeof a);
	a.sin_family = AF_INET;
	a.sin_port = htons((unsigned short)atoi(port));
	inet_pton(AF_INET, address, &a.sin_addr);
	return a;
}

int main(int argc, char **argv)
{
	static char packet[65536];
	struct sockaddr_in here, others[MOST];
	int n = 0, in = socket(AF_INET, SOCK_DGRAM, 0), out = socket(AF_INET, SOCK_DGRAM, 0);

	if (argc < 4)
		return 2;
	here = endpoint("127.0.0.1", argv[1]);
	for (; n < MOST && 3 + 2 * n < argc; n++)
		others[n] = endpoint(argv[2 + 2 * n], argv[3 + 2 * n]);
	if (bind(in, (struct sockaddr *)&here, sizeof here) < 0) {
		perror("bind");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		ssize_t size = recvfrom(in, packet, sizeof packet, 0, NULL, NULL);

		for (int i = 0; size >= 0 && i < n; i++)
			sendto(out, packet, (size_t)size, 0, (struct sockaddr *)&others[i], sizeof others[i]);
	}
}
