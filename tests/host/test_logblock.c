/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lib/logblock.c: each boot is a process of its own, the block is memory they share, and the model
 * of it keeps only the cache lines that were written back. What a boot finds of the one before is
 * compared with what that has said; whatever was lost, torn or forged, no more than that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "capture.h"
#include "kernel_string.h"
#include "random.h"

#include <lib/logblock.h>

enum { LINE = 64, BLOCK = sizeof(struct logblock), TEXT = 1 << 20 };

static struct logblock *block; /* through the caches; pages without access on both sides */

/* What the processes tell each other. */
static struct shared {
	char memory[BLOCK];         /* what a reset leaves */
	long stop_after;            /* lines written back, then power fails; -1: never */
	long written;               /* lines written back */
	char said[TEXT];            /* what the boot's log holds in the end */
	char found[TEXT];           /* what it printed for dmesg -p; "none" */
	char report[4 * LOG_CHUNK]; /* how the one before ended */
} * shared;

/* In a boot cmocka is not there. */
#define check(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #x);            \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static u64 now;

static u64 test_clock(void)
{
	return now += 1000;
}

/* Lines reach memory in any order. */
static void write_back(const void *start, const void *end)
{
	const char *first = (const char *)((uintptr_t)start & -(uintptr_t)LINE);
	long lines = ((const char *)end - first + LINE - 1) / LINE;
	unsigned int from = random_below((u32)lines);

	check(first >= (char *)block && (const char *)end <= (char *)block + BLOCK && lines > 0);
	for (long i = 0; i < lines; i++) {
		const char *line = first + ((long)from + i) % lines * LINE;

		if (shared->written == shared->stop_after)
			return;
		shared->written++;
		memcpy(shared->memory + (line - (char *)block), line, LINE);
	}
}

static unsigned long unusable_from = BLOCK; /* offset in the block of what cannot be read */

static bool test_usable(void *start, size_t size)
{
	size_t offset = (size_t)((char *)start - (char *)block);

	check(offset < BLOCK && size <= BLOCK - offset);
	if (offset + size <= unusable_from)
		return true;
	memset(start, 0, size);
	return false;
}

static void take_log(char *to, bool previous)
{
	console_loglevel = 0;
	register_console(&capture_console);
	capture_clear();
	if (!previous)
		printk_dump();
	if (!previous || logblock_dump())
		strcpy(to, captured());
	unregister_console(&capture_console);
}

static const struct stage_name stages[] = {{"first"}, {"second"}, {"a_very_long_stage_name"}};

/* A boot up to where it has said how the previous one ended; at rest in stages[2]. */
static void start_boot(void)
{
	memcpy(block, shared->memory, BLOCK);
	printk_clock = test_clock;
	logblock_clean = write_back;
	logblock_adopt(block, random_u64(), test_usable);
	strcpy(shared->found, "none");
	take_log(shared->found, true);
	register_console(&capture_console);
	capture_clear();
	console_loglevel = LOGLEVEL_NOTICE + 1;
	printk_clock = NULL;
	logblock_report(stages[2].text);
	printk_clock = test_clock;
	check(strlen(captured()) < sizeof(shared->report));
	strcpy(shared->report, captured());
	unregister_console(&capture_console);
}

static void begin(void)
{
	logblock_stage(&stages[0]);
	printk(LOGLEVEL_INFO, "before the block");
}

static void boot_says(int lines, int early)
{
	begin();
	for (int i = 0; i < early; i++)
		printk(LOGLEVEL_INFO, "early line %d", i);
	start_boot();
	logblock_stage(&stages[1]);
	for (int i = 0; i < lines; i++)
		printk(i % 8 ? LOGLEVEL_DEBUG : LOGLEVEL_WARNING, "line %d of %d%.*s", i, lines,
		       (int)random_below(300),
		       "....................................................................................................................................................................................................................................................................................................");
	logblock_stage(&stages[2]);
	take_log(shared->said, false);
}

/* A boot that only looks; from there on the block cannot be read. */
static void boot_looks(unsigned long from)
{
	unusable_from = from;
	begin();
	start_boot();
}

/* Run one boot, to its end or the reset. */
#define BOOT(stmt)                                                                                 \
	do {                                                                                       \
		int status;                                                                        \
		pid_t pid;                                                                         \
		fflush(NULL);                                                                      \
		random_u64();                                                                      \
		pid = fork();                                                                      \
		if (pid == 0) {                                                                    \
			stmt;                                                                      \
			_exit(0);                                                                  \
		}                                                                                  \
		assert_int_equal(waitpid(pid, &status, 0), pid);                                   \
		assert_int_equal(status, 0);                                                       \
	} while (0)

/* Memory holds anything. */
static void power_on(void)
{
	for (unsigned int i = 0; i < BLOCK; i += 8)
		*(u64 *)&shared->memory[i] = random_u64();
	shared->stop_after = -1;
	shared->written = 0;
	shared->said[0] = '\0';
}

static void test_first_boot(void **state)
{
	(void)state;
	power_on();
	BOOT(boot_says(3, 0));
	assert_string_equal(shared->found, "none");
	assert_string_equal(shared->report, "");
	memset(shared->memory, 0, BLOCK);
	BOOT(boot_says(3, 0));
	assert_string_equal(shared->found, "none");
	assert_string_equal(shared->report, "");
}

/* Each boot finds the one before, all of it and nothing else, whatever lay on its side earlier. */
static void test_boot_after_boot(void **state)
{
	static const int lines[] = {20, 5, 0, 60, 1, 30, 3, 3, 3};
	static char before[TEXT];

	(void)state;
	power_on();
	for (unsigned int i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		strcpy(before, shared->said);
		BOOT(boot_says(lines[i], lines[i] / 2));
		assert_string_equal(shared->found, i ? before : "none");
		assert_string_equal(shared->report, "");
	}
}

/* text ends as whole does, and begins with a line. */
static void assert_last_lines(const char *whole, const char *text, size_t at_least)
{
	size_t cut = strlen(whole) - strlen(text);

	assert_true(strlen(text) <= strlen(whole) && strlen(text) >= at_least);
	assert_string_equal(whole + cut, text);
	assert_true(cut == 0 || whole[cut - 1] == '\n');
}

/* More than fits: the last of it is kept. */
static void test_wrap(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		const char *kept;

		power_on();
		BOOT(boot_says(100 + (int)random_below(3000), (int)random_below(1500)));
		kept = shared->said;
		if (*kept == '*')
			kept = strchr(kept, '\n') + 1;
		kept = strdup(kept);
		BOOT(boot_says(0, 0));
		/* A chunk that begins amidst what was overwritten is lost, and each may have a gap.
		 */
		assert_last_lines(kept, shared->found, LOG_RING_SIZE / 2);
		free((void *)(uintptr_t)kept);
	}
}

/* More before the block than the early log holds: what is gone of that is not made up for by the
 * boot before the last, which had the same side and lines at these positions. */
static void test_early_wrap(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		const char *kept;

		power_on();
		BOOT(boot_says(3, 20 + (int)random_below(400)));
		BOOT(boot_says(3, 0));
		BOOT(boot_says(3, 1000 + (int)random_below(1000)));
		kept = strchr(shared->said, '\n') + 1; /* "older lines are gone" */
		kept = strdup(kept);
		BOOT(boot_says(0, 0));
		assert_last_lines(kept, shared->found, LOG_CHUNK);
		free((void *)(uintptr_t)kept);
	}
}

static void say_last_words(int stage, int level, const char *text, u64 esr)
{
	begin();
	start_boot();
	logblock_stage(&stages[stage]);
	printk_clock = NULL;
	printk(LOGLEVEL_ERR, "nothing fatal yet");
	printk(level, "%s", text);
	if (esr)
		logblock_fault(esr, 2, 3);
	if (level == LOGLEVEL_EMERG)
		printk(LOGLEVEL_EMERG, "and what follows");
}

#define PREVIOUS "[    0.000000] previous boot ended in "
#define WHEN     "[    0.000000] "
#define HUNG     "it hung or was reset, see dmesg -p\n"

static void test_report(void **state)
{
	(void)state;
	power_on();
	BOOT(say_last_words(0, LOGLEVEL_EMERG, "panic: why not\nsecond line", 0));
	BOOT(say_last_words(1, LOGLEVEL_EMERG, "", 0));
	assert_string_equal(shared->report, PREVIOUS "first: " WHEN "panic: why not\n");
	BOOT(say_last_words(2, LOGLEVEL_EMERG, "panic", 0x9600));
	assert_string_equal(shared->report, PREVIOUS "second: " WHEN "\n");
	BOOT(say_last_words(1, LOGLEVEL_ALERT, "no end", 0));
	assert_string_equal(shared->report,
			    PREVIOUS "a_very_long_stage_name: " WHEN "panic\n"
				     "[    0.000000]   ESR 0x9600, pc 0x2, FAR 0x3\n");
	BOOT(say_last_words(2, LOGLEVEL_ALERT, "no words", 0x9600));
	assert_string_equal(shared->report, PREVIOUS "second: " HUNG);
	BOOT(say_last_words(2, LOGLEVEL_ALERT, "complete", 0));
	assert_non_null(strstr(shared->report, "_name: " HUNG));
	assert_non_null(strstr(shared->report, "ESR 0x9600, "));
	BOOT(boot_looks(BLOCK));
	assert_string_equal(shared->report, "");
}

/* The reset comes after any line written back. */
static void test_torn(void **state)
{
	static char before[TEXT], memory[BLOCK];
	long lines;

	(void)state;
	power_on();
	BOOT(boot_says(10, 3));
	BOOT(boot_says(10, 3));
	strcpy(before, shared->said);
	memcpy(memory, shared->memory, BLOCK);
	shared->written = 0;
	BOOT(boot_says(20, 5));
	lines = shared->written;
	assert_true(lines > 50);
	for (long stop = 0; stop <= lines; stop++) {
		const char *whole = shared->said;

		memcpy(shared->memory, memory, BLOCK);
		shared->written = 0;
		shared->stop_after = stop;
		BOOT(boot_says(20, 5));
		shared->stop_after = -1;
		whole = strdup(shared->said);
		BOOT(boot_says(0, 0));
		/* Either the boot's head was not there yet, or what there is is its log's start. */
		if (strcmp(shared->found, before)) {
			assert_true(strlen(shared->found) <= strlen(whole));
			assert_memory_equal(shared->found, whole, strlen(shared->found));
			assert_true(!shared->report[0] ||
				    strstr(shared->report, " first: it hung") ||
				    strstr(shared->report, " second: it hung") ||
				    strstr(shared->report, " an unknown stage: it hung"));
		}
		if (stop == lines)
			assert_string_equal(shared->found, whole);
		free((void *)(uintptr_t)whole);
	}
}

/* Each line of text is one of whole. */
static void assert_lines_of(const char *whole, const char *text)
{
	while (*text) {
		size_t len = strcspn(text, "\n") + 1;
		const char *at = whole;

		while (*at && strncmp(at, text, len))
			at += strcspn(at, "\n") + 1;
		assert_true(*at);
		text += len;
	}
}

/* RAM loses bits: what is shown was said by that boot, or by the one before where the head is gone.
 */
static void test_decay(void **state)
{
	static char before[TEXT], whole[TEXT], memory[BLOCK];
	unsigned int gone = 0, older = 0;

	(void)state;
	power_on();
	BOOT(boot_says(40, 3));
	strcpy(before, shared->said);
	BOOT(boot_says(50, 3));
	strcpy(whole, shared->said);
	memcpy(memory, shared->memory, BLOCK);
	for (unsigned int bit = 0; bit < 8 * 512 + 1000; bit++) {
		bool all = bit < 8 * 64 || (bit >= 8 * 128 && bit < 8 * 192);
		u64 offset;

		/* All bits of head and stage, and some of the ring's; the side is the second one's.
		 */
		if (!all && bit < 8 * 512)
			continue;
		offset = BLOCK / 2 + (bit < 8 * 512 ? bit / 8 : LOG_CHUNK + random_below(6000));
		memcpy(shared->memory, memory, BLOCK);
		shared->memory[offset] ^= (char)(1 << bit % 8);
		BOOT(boot_looks(BLOCK));
		if (offset < BLOCK / 2 + sizeof(struct logblock_head)) {
			assert_string_equal(shared->found, before);
			older++;
		} else {
			assert_lines_of(whole, shared->found);
			gone += strcmp(shared->found, whole) != 0;
			if (offset < BLOCK / 2 + LOG_CHUNK) {
				assert_non_null(strstr(shared->report, "an unknown stage"));
				assert_string_equal(shared->found, whole);
			}
		}
	}
	assert_true(older == 8 * 64 && gone > 500);
}

/* What cannot be read is as if it were not there. */
static void test_unusable(void **state)
{
	static char memory[BLOCK];

	(void)state;
	power_on();
	BOOT(boot_says(5, 0));
	BOOT(boot_says(5, 0));
	memcpy(memory, shared->memory, BLOCK);
	BOOT(boot_looks(BLOCK / 2 + LOG_CHUNK));
	assert_string_equal(shared->found, "");
	memcpy(shared->memory, memory, BLOCK);
	BOOT(boot_looks(BLOCK / 2));
	assert_memory_equal(shared->found, "[    0.000", 10);
	memcpy(shared->memory, memory, BLOCK);
	BOOT(boot_looks(0));
	assert_string_equal(shared->found, "none");
	assert_string_equal(shared->report, "");
}

/* --- forged, with the right sums ----------------------------------------------------------------
 */

static u64 forge_sum(const void *line, u64 sum)
{
	for (unsigned int i = 0; i < 7; i++)
		sum = logblock_sum(sum, ((const u64 *)line)[i]);
	return sum;
}

static void forge_record(struct logblock_side *side, unsigned int offset)
{
	static const u16 lens[] = {0, 1, 7, 8, 9, 400, 480, 4080, 4088, 4089, 4096, 8190, 8191};
	struct log_record *rec = (struct log_record *)&side->ring[offset];
	u64 pos = offset + LOG_RING_SIZE * (u64)random_below(random_below(2) ? 3 : 100000), sum;

	if (random_below(8) == 0)
		pos = random_u64() & ~7UL;
	rec->pos = (u32)(pos / 8);
	rec->len = lens[random_below(sizeof(lens) / sizeof(lens[0]))] & 0x1fff;
	rec->level = random_below(3) & 7;
	sum = log_record_sum(pos < side->head.unsummed ? 0 : side->head.seed, rec);
	for (unsigned int i = 0; i < rec->len && offset + 8 + i + 8 <= LOG_RING_SIZE; i += 8)
		sum = logblock_sum(sum, *(const u64 *)&rec->text[i]);
	rec->sum = log_record_fold(sum);
}

static void test_hostile(void **state)
{
	unsigned int shown = 0;

	(void)state;
	for (int round = 0; round < 1500; round++) {
		power_on();
		for (unsigned int i = 0; i < 2; i++) {
			struct logblock_side *side = &((struct logblock *)shared->memory)->side[i];

			side->head.magic = LOGBLOCK_MAGIC;
			side->head.version = LOGBLOCK_VERSION;
			side->head.ring_size = random_below(8) ? LOG_RING_SIZE : (u32)random_u64();
			side->head.unsummed = random_below(2) ? random_below(40000) : random_u64();
			side->head.first = random_below(4) ? 0 : random_u64();
			side->head.sum = forge_sum(&side->head, 0);
			side->stage.sum = forge_sum(&side->stage, side->head.seed);
			for (unsigned int n = random_below(40); n > 0; n--)
				forge_record(side, random_below(LOG_RING_SIZE / 8) * 8);
			for (unsigned int at = 0; at < LOG_RING_SIZE; at += LOG_CHUNK)
				forge_record(side, at);
		}
		BOOT(boot_looks(BLOCK));
		shown += shared->found[0] && strcmp(shared->found, "none");
	}
	assert_true(shown > 200);
}

static int setup(void **state)
{
	char *area = mmap(NULL, BLOCK + 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	block = (struct logblock *)(area + 4096);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	return area == MAP_FAILED || shared == MAP_FAILED ||
	       mprotect(block, BLOCK, PROT_READ | PROT_WRITE) || random_setup(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_boot), cmocka_unit_test(test_boot_after_boot),
		cmocka_unit_test(test_wrap),       cmocka_unit_test(test_early_wrap),
		cmocka_unit_test(test_report),     cmocka_unit_test(test_torn),
		cmocka_unit_test(test_decay),      cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_hostile),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
