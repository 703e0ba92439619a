/* SPDX-License-Identifier: BSD-2-Clause */
#include "capture.h"

#include <assert.h>
#include <string.h>

static char text[1 << 20];
static size_t text_len;

unsigned int capture_writes;
void (*capture_hook)(void);

static void capture_write(struct console *con, const char *s, size_t len)
{
	assert(con == &capture_console);
	if (capture_hook)
		capture_hook();
	assert(text_len + len < sizeof(text));
	memcpy(text + text_len, s, len);
	text_len += len;
	text[text_len] = '\0';
	capture_writes++;
}

struct console capture_console = {"capture", capture_write};

const char *captured(void)
{
	return text;
}

void capture_clear(void)
{
	text_len = 0;
	text[0] = '\0';
	capture_writes = 0;
}
