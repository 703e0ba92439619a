/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The log's block: memory that keeps what it holds over a reset, with the log's ring and the stage
 * the boot is in. It has two sides; a boot writes one and reads on the other what the boot before
 * left. README shows it to who reads it without the kernel, so what changes here changes `version`.
 *
 * A reset may come at any time and RAM may have lost bits. So head, stage and each line have a sum,
 * which depends on the boot too: what an earlier one wrote at the same place does not count. What a
 * sum does not vouch for is not there. Boot CPU, unless said otherwise.
 */
#ifndef LIB_LOGBLOCK_H
#define LIB_LOGBLOCK_H

#include <lib/kernel.h>
#include <lib/types.h>

/* A line lies within one chunk of the ring, and at each chunk's start there is one. */
#define LOG_CHUNK     (4 * SZ_1K)
#define LOG_RING_SIZE (7 * LOG_CHUNK)

#define LOGBLOCK_MAGIC   0x4b4c42474f4c4c46 /* "FLLOGBLK" in memory */
#define LOGBLOCK_VERSION 1

struct logblock_head {
	u64 magic;
	u32 version;
	u32 ring_size; /* bytes */
	u64 boot;      /* counts boots; the higher one is the last */
	u64 seed;      /* of the sums */
	u64 unsummed; /* lines at positions below were written before seed was known: theirs is 0 */
	u64 first;    /* position of the oldest line then */
	u64 unused;
	u64 sum;
};

/* A stage's name, to be copied in words. */
struct stage_name {
	char text[24];
} __aligned(8);

struct logblock_stage {
	u64 time;         /* ns since entry, when this was written */
	u64 esr, pc, far; /* of the exception that ended it; else 0 */
	struct stage_name name;
	u64 sum;
};

struct logblock {
	struct logblock_side {
		struct logblock_head head;
		u64 unused[8]; /* cache lines of up to 128 bytes hold only one of the two */
		struct logblock_stage stage;
		char unused2[LOG_CHUNK - 192];
		char ring[LOG_RING_SIZE];
	} side[2];
};

/* A line in the ring: text as the console gets it, padded with zeros to whole words. */
struct __attribute__((__may_alias__)) log_record {
	u32 pos; /* counts on; modulo the ring's size where the record lies */
	u16 sum;
	u16 len : 13; /* of text; 0: no record, the next one is at the next chunk's start */
	u16 level : 3;
	char text[];
};

static inline u32 log_record_size(u32 len)
{
	return ALIGN((u32)offsetof(struct log_record, text) + len, 8);
}

/* Sums are a polynomial in words. */
typedef u64 __attribute__((__may_alias__)) log_word;

static inline u64 logblock_sum(u64 sum, u64 word)
{
	return sum * 0x9e3779b97f4a7c15 + word;
}

/* That of a record, its text still to come. */
static inline u64 log_record_sum(u64 seed, const struct log_record *rec)
{
	return logblock_sum(logblock_sum(seed, rec->pos), (u64)rec->len << 3 | rec->level);
}

/* Of a whole one, what it keeps: bits that all words' bits go into. */
static inline u16 log_record_fold(u64 sum)
{
	return (u16)(logblock_sum(sum, 0) >> 48);
}

/* Write [start, end) to where it outlives a reset. NULL as long as the log is nowhere like that. */
extern void (*logblock_clean)(const void *start, const void *end);

/*
 * Move the log into the block, and the stage with it. time makes the sums this boot's own where no
 * earlier one is known. usable: whether memory can be read; what cannot is clear then.
 */
void logblock_adopt(struct logblock *block, u64 time, bool (*usable)(void *start, size_t size));

/* A stage begins. Before the block is there, too. */
void logblock_stage(const struct stage_name *name);

/* An exception that will not be returned from. Any context. */
void logblock_fault(u64 esr, u64 pc, u64 far);

/* Say how the previous boot ended, if there was one and it did not rest in this stage. */
void logblock_report(const char *resting);

/* Print the previous boot's log to the console; false when there is none. */
bool logblock_dump(void);

#endif
