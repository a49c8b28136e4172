// Keeps a CPU awake: it runs where nobody else wants to, and gives way at once.
//
// awake CPU
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	struct sched_param none = {0};
	cpu_set_t one;
	if (argc != 2)
		return 2;
	CPU_ZERO(&one);
	CPU_SET(atoi(argv[1]), &one);
	if (sched_setaffinity(0, sizeof one, &one) || sched_setscheduler(0, SCHED_IDLE, &none)) {
		perror("awake");
		return 1;
	}
	for (;;)
		asm volatile("");
}
