/* SPDX-License-Identifier: BSD-2-Clause */
#include <lib/printk.h>

#include <lib/cmdline.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/logblock.h>
#include <lib/string.h>

int console_loglevel = CONSOLE_LOGLEVEL_DEFAULT;
u64 (*printk_clock)(void);
unsigned long (*printk_lock)(void);
void (*printk_unlock)(unsigned long cookie);

/*
 * The ring holds records, each a line as the console gets it: time stamp, text, newline. So a line
 * is rendered once, and a memory dump of the ring can be read. Positions only grow; a position
 * modulo the size is the place in data. A record lies in one chunk; one of length 0 says that the
 * next one is at the start of the next chunk. The first ring is in BSS, see printk_move().
 */
enum { EARLY_SIZE = 16 * SZ_1K, RECORD_ALIGN = 8, STAMP_LEN_USUAL = 15 };

/* log_message.buf is laid out so that the usual line and its record are aligned alike. */
_Static_assert((LOG_HEADROOM - STAMP_LEN_USUAL) % RECORD_ALIGN ==
		       offsetof(struct log_record, text) % RECORD_ALIGN,
	       "usual line and record text are aligned alike");

static char early_log[EARLY_SIZE] __aligned(RECORD_ALIGN);

static struct {
	char *data;
	unsigned long size;
	u64 seed;                 /* of the records' sums */
	unsigned long head, tail; /* where the next record goes; the oldest one */
	unsigned long shown;      /* the first one no console has been given */
	unsigned long lost;       /* lines overwritten */
	unsigned long unseen;     /* those of them a console should have shown; until it says so */
	bool changing;            /* the above do not agree right now */
} ring = {.data = early_log, .size = EARLY_SIZE};

static struct console *console;
static unsigned int console_depth; /* write() calls under way, one inside the other */

static unsigned long lock(void)
{
	return printk_lock ? printk_lock() : 0;
}

static void unlock(unsigned long cookie)
{
	if (printk_unlock)
		printk_unlock(cookie);
}

static struct log_record *record_at(unsigned long pos)
{
	return (struct log_record *)&ring.data[pos % ring.size];
}

static unsigned long bytes_to_end(unsigned long pos)
{
	return LOG_CHUNK - pos % LOG_CHUNK;
}

/* The record at *pos, which moves on to the next; NULL for a jump to the next chunk. */
static struct log_record *next_record(unsigned long *pos)
{
	struct log_record *rec = record_at(*pos);

	if (rec->len == 0) {
		*pos += bytes_to_end(*pos);
		return NULL;
	}
	*pos += log_record_size(rec->len);
	return rec;
}

static void drop_oldest(void)
{
	bool unseen = ring.shown == ring.tail;
	struct log_record *rec = next_record(&ring.tail);

	if (unseen)
		ring.shown = ring.tail;
	if (!rec)
		return;
	ring.lost++;
	ring.unseen += unseen && rec->level < console_loglevel;
}

static void make_room(unsigned long size)
{
	while (ring.head + size - ring.tail > ring.size)
		drop_oldest();
}

/* A word that may lie anywhere. */
struct __attribute__((__packed__, __may_alias__)) loose_word {
	u64 value;
};

/* The text in words, and their sum on the way: what is in front of it in the log_message is there
 * to be read. */
static void fill_record(struct log_record *rec, const char *text, size_t len)
{
	const char *end = text + len;
	u64 sum = log_record_sum(ring.seed, rec);
	log_word *to = (log_word *)rec->text;

	for (; end - text >= 8; text += 8) {
		*to = ((const struct loose_word *)text)->value;
		sum = logblock_sum(sum, *to++);
	}
	if (end > text) {
		*to = ((const struct loose_word *)(end - 8))->value >> (64 - 8 * (end - text));
		sum = logblock_sum(sum, *to);
	}
	rec->sum = log_record_fold(sum);
}

static void ring_append(int level, const char *text, size_t len)
{
	unsigned long size = log_record_size((u32)len), rest = bytes_to_end(ring.head);
	struct log_record *rec;

	ring.changing = true;
	barrier();
	if (rest < size) {
		make_room(rest);
		record_at(ring.head)->len = 0;
		ring.head += rest;
	}
	make_room(size);
	rec = record_at(ring.head);
	rec->pos = (u32)(ring.head / RECORD_ALIGN);
	rec->len = (u16)len & 0x1fff;
	rec->level = (u16)level & 7;
	fill_record(rec, text, len);
	if (logblock_clean)
		logblock_clean(rec, (const char *)rec + size);
	ring.head += size;
	barrier();
	ring.changing = false;
}

bool printk_shows(void)
{
	return console_depth < 2;
}

/* A fault in write() is reported through here again; the third time the ring must do. */
static void console_write(const char *text, size_t len)
{
	struct console *con = console;

	if (!con || !printk_shows())
		return;
	console_depth++;
	con->write(con, text, len);
	console_depth--;
}

static void console_printf(const char *fmt, ...) __printf(1, 2);
static void console_printf(const char *fmt, ...)
{
	char text[96];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	console_write(text, min((size_t)n, sizeof(text) - 1));
}

/*
 * Each record counts as shown before it is written: a nested call goes on with the next one. What
 * nested calls add is theirs to show, so a write() that complains each time it is used comes to an
 * end.
 */
static void show_new_records(void)
{
	unsigned long unseen = ring.unseen, end = ring.head;
	struct log_record *rec;

	if (!console || !printk_shows())
		return;
	if (unseen) {
		ring.unseen = 0;
		console_printf(
			"** %lu lines lost: the log was full before a console could show them\n",
			unseen);
	}
	while (console && ring.shown < end) {
		rec = next_record(&ring.shown);
		if (rec && rec->level < console_loglevel)
			console_write(rec->text, rec->len);
	}
}

/* One line, or a part of a very long one. */
static void put_line(int level, const char *text, size_t len)
{
	unsigned long cookie = lock();

	if (ring.changing) {
		console_write(text, len);
	} else {
		ring_append(level, text, len);
		show_new_records();
	}
	unlock(cookie);
}

/* Writes "[    0.000123] " so that it ends at end, at most LOG_HEADROOM bytes; returns its start.
 */
static char *put_stamp(char *end, u64 ns)
{
	u64 us = ns / 1000, seconds = us / 1000000;
	unsigned int fraction = (unsigned int)(us % 1000000), width = 0;
	char *p = end;

	*--p = ' ';
	*--p = ']';
	for (unsigned int i = 0; i < 6; i++, fraction /= 10)
		*--p = (char)('0' + fraction % 10);
	*--p = '.';
	do {
		*--p = (char)('0' + seconds % 10);
		seconds /= 10;
		width++;
	} while (seconds);
	for (; width < 5; width++)
		*--p = ' ';
	*--p = '[';
	return p;
}

/* Hand out the whole lines in the buffer; returns where the rest starts. */
static char *put_lines(struct log_message *msg)
{
	char *text = msg->buf + LOG_HEADROOM, *start, *newline;

	while ((newline = memchr(text, '\n', (size_t)(msg->sink.pos - text))) != NULL) {
		/* What is in front of the text is headroom or a line that is out already. */
		start = msg->mid_line ? text : put_stamp(text, msg->time);
		put_line(msg->level, start, (size_t)(newline + 1 - start));
		msg->mid_line = false;
		msg->need_line = false;
		text = newline + 1;
	}
	return text;
}

static void log_full(struct printf_sink *sink)
{
	struct log_message *msg = container_of(sink, struct log_message, sink);
	char *text = put_lines(msg), *first = msg->buf + LOG_HEADROOM, *start;
	size_t rest = (size_t)(sink->pos - text);

	if (text == first) {
		start = msg->mid_line ? text : put_stamp(text, msg->time);
		put_line(msg->level, start, (size_t)(sink->pos - start));
		msg->mid_line = true;
		rest = 0;
	}
	memmove(first, text, rest);
	sink->pos = first + rest;
}

void log_begin(struct log_message *msg, int level)
{
	msg->sink.pos = msg->buf + LOG_HEADROOM;
	msg->sink.end = msg->buf + LOG_BUFFER - 1;
	msg->sink.full = log_full;
	msg->time = printk_clock ? printk_clock() : 0;
	msg->level = level;
	msg->mid_line = false;
	msg->need_line = true;
}

void log_add(struct log_message *msg, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsinkf(&msg->sink, fmt, &ap);
	va_end(ap);
}

void log_end(struct log_message *msg)
{
	char *first = msg->buf + LOG_HEADROOM;

	if (msg->sink.pos > first ? msg->sink.pos[-1] != '\n' : msg->need_line)
		*msg->sink.pos++ = '\n';
	put_lines(msg);
}

void printk(int level, const char *fmt, ...)
{
	struct log_message msg;
	va_list ap;

	log_begin(&msg, level);
	va_start(ap, fmt);
	vsinkf(&msg.sink, fmt, &ap);
	va_end(ap);
	log_end(&msg);
}

struct console_sink {
	struct printf_sink sink;
	char buf[128];
};

static void console_full(struct printf_sink *sink)
{
	struct console_sink *s = container_of(sink, struct console_sink, sink);
	unsigned long cookie = lock();

	console_write(s->buf, (size_t)(sink->pos - s->buf));
	unlock(cookie);
	sink->pos = s->buf;
}

void cprintf(const char *fmt, ...)
{
	struct console_sink s;
	va_list ap;

	s.sink.pos = s.buf;
	s.sink.end = s.buf + sizeof(s.buf);
	s.sink.full = console_full;
	va_start(ap, fmt);
	vsinkf(&s.sink, fmt, &ap);
	va_end(ap);
	if (s.sink.pos > s.buf)
		console_full(&s.sink);
}

void register_console(struct console *con)
{
	unsigned long cookie = lock();

	console = con;
	show_new_records();
	unlock(cookie);
}

void unregister_console(struct console *con)
{
	unsigned long cookie = lock();

	if (console == con)
		console = NULL;
	unlock(cookie);
}

/* The lock is taken for each line, so that other CPUs get in between; what they overwrite is
 * skipped. */
void printk_dump(void)
{
	unsigned long pos = 0, end = ring.head, cookie;
	struct log_record *rec;

	if (ring.lost)
		cprintf("** %lu older lines are gone\n", ring.lost);
	do {
		cookie = lock();
		pos = max(pos, ring.tail);
		rec = pos < end ? next_record(&pos) : NULL;
		if (rec)
			console_write(rec->text, rec->len);
		unlock(cookie);
	} while (pos < end);
}

const char *printk_next(unsigned long *pos, size_t *len)
{
	*pos = max(*pos, ring.tail);
	while (*pos < ring.head) {
		const struct log_record *rec = next_record(pos);

		if (!rec || rec->level >= console_loglevel)
			continue;
		*len = rec->len;
		return rec->text;
	}
	return NULL;
}

const void *printk_area(size_t *size)
{
	*size = ring.size;
	return ring.data;
}

void printk_at(char *data)
{
	ring.data = data;
}

u64 __init printk_move(char *to, u64 seed, u64 *first)
{
	unsigned long cookie = lock(), pos, end;

	*first = ring.tail;
	for (pos = ring.tail; pos < ring.head; pos = end) {
		char *chunk = to + pos % LOG_RING_SIZE;

		end = min(pos + bytes_to_end(pos), ring.head);
		memcpy(chunk, record_at(pos), end - pos);
		logblock_clean(chunk, chunk + (end - pos));
	}
	ring.data = to;
	ring.size = LOG_RING_SIZE;
	ring.seed = seed;
	unlock(cookie);
	return ring.head;
}

static int __init set_loglevel(const char *val, size_t len)
{
	int level, err = parse_int(val, len, &level);

	if (err)
		return err;
	if (level < 0)
		return -ERANGE;
	/* 0 would hide a panic. */
	console_loglevel = max(level, 1);
	return 0;
}
EARLY_PARAM_FIRST("loglevel", set_loglevel,
		  "=<n> shows messages below level n, all of them with 8");

static int __init set_quiet(const char *val, size_t len)
{
	(void)len;
	if (val)
		return -EINVAL;
	console_loglevel = CONSOLE_LOGLEVEL_QUIET;
	return 0;
}
EARLY_PARAM_FIRST("quiet", set_quiet, " alone shows errors only");
