/* SPDX-License-Identifier: BSD-2-Clause */
#include <lib/logblock.h>

#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>

_Static_assert(sizeof(struct logblock) == 64 * SZ_1K &&
		       offsetof(struct logblock_side, stage) == 128 &&
		       offsetof(struct logblock_side, ring) == LOG_CHUNK,
	       "README says where it all lies");

void (*logblock_clean)(const void *start, const void *end) __ro_after_init;

static struct logblock_side *ours __ro_after_init; /* what this boot writes; NULL: no block */
static struct logblock_side *last __ro_after_init;
static const struct stage_name *stage_name;

/* Of all words but the last, which is where the sum is. */
static u64 sum_of(const void *line, u64 seed)
{
	const log_word *word = line;

#pragma GCC unroll 7
	for (unsigned int i = 0; i < 7; i++)
		seed = logblock_sum(seed, word[i]);
	return seed;
}

static bool head_valid(const struct logblock_head *head)
{
	return head->magic == LOGBLOCK_MAGIC && head->version == LOGBLOCK_VERSION &&
	       head->ring_size == LOG_RING_SIZE && head->sum == sum_of(head, 0);
}

static void put_stage(u64 esr, u64 pc, u64 far)
{
	struct logblock_stage *stage = &ours->stage;

	stage->time = printk_clock ? printk_clock() : 0;
	stage->esr = esr;
	stage->pc = pc;
	stage->far = far;
	stage->name = *stage_name;
	stage->sum = sum_of(stage, ours->head.seed);
	logblock_clean(stage, stage + 1);
}

void logblock_stage(const struct stage_name *name)
{
	stage_name = name;
	if (ours)
		put_stage(0, 0, 0);
}

void logblock_fault(u64 esr, u64 pc, u64 far)
{
	if (ours)
		put_stage(esr, pc, far);
}

void __init logblock_adopt(struct logblock *block, u64 time,
			   bool (*usable)(void *start, size_t size))
{
	struct logblock_side *mine;
	struct logblock_head *head;

	for (struct logblock_side *side = block->side; side < &block->side[2]; side++)
		if (usable(side, offsetof(struct logblock_side, unused2)) &&
		    head_valid(&side->head) && (!last || side->head.boot > last->head.boot))
			last = side;
	if (last)
		usable(last->ring, LOG_RING_SIZE);
	mine = &block->side[last == block->side];
	head = &mine->head;
	head->magic = LOGBLOCK_MAGIC;
	head->version = LOGBLOCK_VERSION;
	head->ring_size = LOG_RING_SIZE;
	head->boot = (last ? last->head.boot : 0) + 1;
	head->seed = logblock_sum(time, head->boot);
	head->unsummed = printk_move(mine->ring, head->seed, &head->first);
	head->sum = sum_of(head, 0);
	logblock_clean(head, head + 1);
	ours = mine;
	put_stage(0, 0, 0);
}

/* --- the previous boot ------------------------------------------------------------------------ */

static const struct log_record *record_in_place(u64 pos)
{
	return (const void *)&last->ring[pos % LOG_RING_SIZE];
}

/* The record that should be at pos; NULL: there is none. */
static const struct log_record *record_at(u64 pos)
{
	const struct log_record *rec = record_in_place(pos);
	u32 len = rec->len;
	u64 sum = log_record_sum(pos < last->head.unsummed ? 0 : last->head.seed, rec);

	if (pos < last->head.first || rec->pos != (u32)(pos / 8) || len == 0 ||
	    log_record_size(len) > LOG_CHUNK - pos % LOG_CHUNK)
		return NULL;
	for (u32 i = 0; i < len; i += 8)
		sum = logblock_sum(sum, *(const log_word *)&rec->text[i]);
	return rec->sum == log_record_fold(sum) ? rec : NULL;
}

/* Where the oldest chunk begins that begins with a record. */
static u64 first_chunk(void)
{
	u64 first = UINT64_MAX;

	for (u64 place = 0; place < LOG_RING_SIZE; place += LOG_CHUNK) {
		u64 pos = (u64)record_in_place(place)->pos * 8;

		if (pos % LOG_RING_SIZE == place && record_at(pos))
			first = min(first, pos);
	}
	return first;
}

/* Print the records, or return the first one that says that nothing goes on; NULL: there is none.
 * What is not a record is skipped, to the next chunk. */
static const struct log_record *walk(bool print)
{
	u64 pos = first_chunk(), end = pos + LOG_RING_SIZE;

	while (pos < end) {
		const struct log_record *rec = record_at(pos);

		if (!rec) {
			pos = (pos | (LOG_CHUNK - 1)) + 1;
			continue;
		}
		if (print)
			cprintf("%.*s", (int)rec->len, rec->text);
		else if (rec->level == LOGLEVEL_EMERG)
			return rec;
		pos += log_record_size(rec->len);
	}
	return NULL;
}

bool logblock_dump(void)
{
	if (last)
		walk(true);
	return last != NULL;
}

void __init logblock_report(const char *resting)
{
	const char *name = "an unknown stage", *text = "it hung or was reset, see dmesg -p";
	const struct log_record *rec;
	unsigned int len = 40;
	u64 esr = 0;

	if (!last)
		return;
	if (last->stage.sum == sum_of(&last->stage, last->head.seed)) {
		name = last->stage.name.text;
		esr = last->stage.esr;
	}
	rec = walk(false);
	if (rec) {
		text = rec->text;
		len = rec->len;
	} else if (!esr && !strncmp(name, resting, sizeof(struct stage_name))) {
		return;
	}
	pr_notice("previous boot ended in %.24s: %.*s", name, (int)len, text);
	if (esr)
		pr_notice("  ESR 0x%lx, pc 0x%lx, FAR 0x%lx\n", esr, last->stage.pc,
			  last->stage.far);
}
