/* SPDX-License-Identifier: BSD-2-Clause */
#include <lib/monitor.h>

#include <lib/bug.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/logblock.h>
#include <lib/printk.h>
#include <lib/string.h>

extern const struct monitor_command __start_monitor_commands[], __stop_monitor_commands[];

#define for_each_command(c)                                                                        \
	for ((c) = __start_monitor_commands; (c) != __stop_monitor_commands; (c)++)

#define PROMPT "firstlight> "

enum { LINE_SIZE = 256, HISTORY = 8, HELP_COLUMN = 24 };

int (*monitor_getc)(void);

/* run=: part of the command line, which stays where it is. */
static const char *run_commands;
static size_t run_len;

/* --- commands ----------------------------------------------------------------------------------
 */

static const char *next_string(const char *s)
{
	return s + strlen(s) + 1;
}

static const struct monitor_command *find_command(const char *name)
{
	const struct monitor_command *c;

	for_each_command(c) if (!strcmp(c->text, name)) return c;
	return NULL;
}

/* The quote we are in behind c, 0 for none, from the one before it. */
static char next_quote(char quote, char c)
{
	if (quote)
		return c == quote ? 0 : quote;
	return c == '"' || c == '\'' ? c : 0;
}

/*
 * Cut the word at s out of its quotes, in place. Returns what follows it, terminated; NULL where a
 * quote has no end.
 */
static char *cut_word(char *s)
{
	char *out = s, quote = 0;

	for (; *s && (quote || !is_space(*s)); s++) {
		char next = next_quote(quote, *s);

		if (next == quote)
			*out++ = *s;
		quote = next;
	}
	if (quote)
		return NULL;
	s += *s != '\0';
	*out = '\0';
	return s;
}

/* Split a line into words. Returns their number, or -EINVAL. */
static int split_line(char *line, char **argv)
{
	int argc = 0;

	for (;;) {
		while (is_space(*line))
			line++;
		if (!*line)
			break;
		argv[argc++] = line;
		line = cut_word(line);
		if (!line)
			return -EINVAL;
	}
	argv[argc] = NULL;
	return argc;
}

static int run_command(char *line)
{
	char *argv[LINE_SIZE / 2 + 1];
	const struct monitor_command *c;
	int argc = split_line(line, argv), err;
	const char *args;

	if (argc < 0)
		cprintf("a quote has no end; nothing was done\n");
	if (argc <= 0)
		return argc;
	c = find_command(argv[0]);
	if (!c) {
		cprintf("%s: unknown command, 'help' lists them\n", argv[0]);
		return -ENOENT;
	}
	err = c->handler(argc, argv);
	args = next_string(c->text);
	if (err == -EINVAL)
		cprintf("usage: %s%s%s\n", c->text, *args ? " " : "", args);
	return err;
}

/* The end of the command at s: a ; outside quotes, or stop. */
static const char *command_end(const char *s, const char *stop)
{
	char quote = 0;

	for (; s < stop && (quote || *s != ';'); s++)
		quote = next_quote(quote, *s);
	return s;
}

static int too_long(long n)
{
	cprintf("%ld characters are too many for a command, %d are possible\n", n, LINE_SIZE - 1);
	return -E2BIG;
}

static int run_all(const char *s, size_t len, bool echo)
{
	const char *stop = s + len, *end;
	char line[LINE_SIZE];
	int err, result = 0;

	for (;; s = end + 1) {
		while (s < stop && is_space(*s))
			s++;
		end = command_end(s, stop);
		if (echo && end > s)
			cprintf(PROMPT "%.*s\n", (int)(end - s), s);
		if (end - s >= LINE_SIZE) {
			err = too_long(end - s);
		} else {
			strscpy(line, s, (size_t)(end - s) + 1);
			err = run_command(line);
		}
		result = result ? result : err;
		if (end == stop)
			return result;
	}
}

int monitor_run(const char *commands)
{
	return run_all(commands, strlen(commands), false);
}

/* The next name in the alphabet behind prev (NULL: the first). */
static const struct monitor_command *next_by_name(const struct monitor_command *prev)
{
	const struct monitor_command *c, *next = NULL;

	for_each_command(c) if ((!prev || strcmp(c->text, prev->text) > 0) &&
				(!next || strcmp(c->text, next->text) < 0)) next = c;
	return next;
}

static void show_help(const struct monitor_command *c)
{
	const char *args = next_string(c->text), *help = next_string(args);
	int gap = HELP_COLUMN - (int)(help - 1 - c->text);

	cprintf("%s %s%s%*s%s\n", c->text, args, gap > 0 ? "" : "\n", gap > 0 ? gap : HELP_COLUMN,
		"", help);
}

static int help_command(int argc, char **argv)
{
	const struct monitor_command *c = NULL;

	if (argc > 2)
		return -EINVAL;
	if (argc == 1) {
		while ((c = next_by_name(c)) != NULL)
			show_help(c);
		return 0;
	}
	c = find_command(argv[1]);
	if (!c) {
		cprintf("help: there is no command %s\n", argv[1]);
		return -ENOENT;
	}
	show_help(c);
	return 0;
}
MONITOR_COMMAND(help, "[command]", "what the commands do", help_command);

static int dmesg_command(int argc, char **argv)
{
	bool previous = argc == 2 && !strcmp(argv[1], "-p");

	if (argc != 1 && !previous)
		return -EINVAL;
	if (!previous) {
		printk_dump();
	} else if (!logblock_dump()) {
		cprintf("no log of a previous boot\n");
		return -ENOENT;
	}
	return 0;
}
MONITOR_COMMAND(dmesg, "[-p]", "the log, every level; -p: the previous boot's", dmesg_command);

static int echo_command(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		cprintf("%s%s", i > 1 ? " " : "", argv[i]);
	cprintf("\n");
	return 0;
}
MONITOR_COMMAND(echo, "[text...]", "print its words", echo_command);

/* --- line editor -------------------------------------------------------------------------------
 */

enum {
	KEY_CTRL_C = 0x03,
	KEY_BACKSPACE = 0x08,
	KEY_NEWLINE = '\n',
	KEY_RETURN = '\r',
	KEY_CTRL_U = 0x15,
	KEY_ESCAPE = 0x1b,
	KEY_DELETE = 0x7f,
	KEY_UP = 0x100,
	KEY_DOWN,
	KEY_NONE, /* to be ignored */
};

static struct {
	char text[LINE_SIZE];
	size_t len;
	size_t lost; /* characters for which there was no room since the line was last edited */
	char history[HISTORY][LINE_SIZE];
	unsigned int entered; /* lines put into the history so far */
	unsigned int back;    /* how far up in it the user is; 0: on the new line */
	bool after_return;    /* a newline now belongs to the return before */
} editor;

/* The console may be gone, even while it is read. */
static __noinline void need_input(void)
{
	if (monitor_getc)
		return;
	pr_notice("This console has no input: no prompt, halted\n");
	halt();
}

static int wait_for_char(void)
{
	int c;

	do {
		need_input();
		c = monitor_getc();
	} while (c < 0);
	return c;
}

/* A key; escape sequences (ECMA-48 section 5.4: ESC [ parameters final, and ESC O final) count as
 * one. */
static int read_key(void)
{
	int c = wait_for_char();
	bool after_return = editor.after_return;

	editor.after_return = c == KEY_RETURN;
	if (c == KEY_NEWLINE && after_return)
		return KEY_NONE;
	if (c != KEY_ESCAPE)
		return c;
	c = wait_for_char();
	if (c != '[' && c != 'O')
		return KEY_NONE;
	do
		c = wait_for_char();
	while (c >= 0x20 && c < 0x40);
	return c == 'A' ? KEY_UP : c == 'B' ? KEY_DOWN : KEY_NONE;
}

static void bell(void)
{
	cprintf("\a");
}

static void show_line(void)
{
	cprintf("\r\033[K" PROMPT "%s", editor.text);
}

static void clear_line(void)
{
	editor.len = editor.lost = 0;
	editor.text[0] = '\0';
	editor.back = 0;
}

static void erase_char(void)
{
	if (editor.len == 0) {
		bell();
		return;
	}
	editor.lost = 0;
	editor.text[--editor.len] = '\0';
	cprintf("\b \b");
}

static void insert_char(int c)
{
	if (c == '\t')
		c = ' ';
	if (c < 0x20 || c > 0x7e || editor.len == LINE_SIZE - 1) {
		editor.lost += editor.len == LINE_SIZE - 1;
		bell();
		return;
	}
	editor.text[editor.len++] = (char)c;
	editor.text[editor.len] = '\0';
	cprintf("%c", c);
}

/* The line that was entered back lines ago, 1 being the last. */
static char *history_line(unsigned int back)
{
	return editor.history[(editor.entered - back) % HISTORY];
}

static void recall(unsigned int back)
{
	if (back > min(editor.entered, (unsigned int)HISTORY)) {
		bell();
		return;
	}
	editor.lost = 0;
	editor.len = strscpy(editor.text, back ? history_line(back) : "", LINE_SIZE);
	editor.back = back;
	show_line();
}

static void remember_line(void)
{
	if (editor.len == 0 || (editor.entered && !strcmp(history_line(1), editor.text)))
		return;
	strscpy(editor.history[editor.entered++ % HISTORY], editor.text, LINE_SIZE);
}

/* Serve one key; true when it ends the line. */
static bool serve_key(int key)
{
	switch (key) {
	case KEY_RETURN:
	case KEY_NEWLINE:
		cprintf("\n");
		return true;
	case KEY_CTRL_C:
		cprintf("^C\n");
		clear_line();
		return true;
	case KEY_CTRL_U:
		clear_line();
		show_line();
		return false;
	case KEY_BACKSPACE:
	case KEY_DELETE:
		erase_char();
		return false;
	case KEY_UP:
		recall(editor.back + 1);
		return false;
	case KEY_DOWN:
		recall(editor.back ? editor.back - 1 : HISTORY + 1);
		return false;
	case KEY_NONE:
		return false;
	default:
		insert_char(key);
		return false;
	}
}

static const char *read_line(void)
{
	clear_line();
	cprintf(PROMPT);
	while (!serve_key(read_key()))
		;
	/* A part of what was typed is not what was meant. */
	if (editor.lost) {
		too_long((long)(editor.len + editor.lost));
		clear_line();
	}
	remember_line();
	return editor.text;
}

/* --- run= and the prompt -----------------------------------------------------------------------
 */

static int __init set_run(const char *val, size_t len)
{
	if (!val)
		return -EINVAL;
	run_commands = val;
	run_len = len;
	return 0;
}
EARLY_PARAM("run", set_run, "=\"<command>; ...\" runs them before the prompt");

void monitor_loop(void)
{
	if (run_commands)
		run_all(run_commands, run_len, true);
	need_input();
	for (;;)
		monitor_run(read_line());
}
