/* Kamailio's xmpp module looks for an empty string behind an element's
 * attributes, where expat has a null pointer, and so ends at the first element
 * that it reads (kamailio issue 4154). Preloaded, this puts one there. */
#include <dlfcn.h>
#include <stddef.h>

#define MOST 126

typedef void (*starts)(void *, const char *, const char **);
typedef void (*ends)(void *, const char *);
typedef void (*setter)(void *, starts, ends);

static starts module; /* it has one handler for all its parsers */

static void terminated(void *data, const char *name, const char **atts)
{
	const char *copy[MOST + 2];
	int n = 0;

	for (; n < MOST && atts[n] != NULL; n++)
		copy[n] = atts[n];
	copy[n] = "";
	copy[n + 1] = NULL;
	module(data, name, copy);
}

void XML_SetElementHandler(void *parser, starts start, ends end)
{
	setter set = (setter)dlsym(dlopen("libexpat.so.1", RTLD_NOW), "XML_SetElementHandler");

	module = start;
	set(parser, terminated, end);
}
