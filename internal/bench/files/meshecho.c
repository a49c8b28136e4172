/* The least that a server of a mesh can do with a beacon: take it, and send as
 * many bytes back as the answer has. Beside this the gateway is measured.
 * Arguments: an address and a port, and the answer's bytes. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	static char packet[65536];
	struct sockaddr_in here, from;
	int s = socket(AF_INET, SOCK_DGRAM, 0);
	size_t answer;

	if (argc < 4)
		return 2;
	memset(&here, 0, sizeof here);
	here.sin_family = AF_INET;
	here.sin_port = htons((unsigned short)atoi(argv[2]));
	inet_pton(AF_INET, argv[1], &here.sin_addr);
	answer = (size_t)atoi(argv[3]);
	if (bind(s, (struct sockaddr *)&here, sizeof here) < 0) {
		perror("bind");
		return 1;
	}
	puts("ready");
	fflush(stdout);
	for (;;) {
		socklen_t size = sizeof from;

		if (recvfrom(s, packet, sizeof packet, 0, (struct sockaddr *)&from, &size) >= 0)
			sendto(s, packet, answer, 0, (struct sockaddr *)&from, size);
	}
}
