/* SPDX-License-Identifier: BSD-2-Clause */
#include <asm/probe.h>
#include <asm/sections.h>
#include <asm/stacktrace.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>

/* Made by scripts/link: functions in ascending order, offsets from _text in instructions; names in
 * the same order, packed. */
extern const u32 kallsyms_count;
extern const u16 kallsyms_offsets[];
extern const u8 kallsyms_pairs[128][2], kallsyms_names[];

/* More frames than this is a loop in the chain, or a stack overflow whose beginning says enough. */
#define FRAMES_MAX 24

/* The name at packed; a byte from 128 on stands for two others, which may do so too. A pair is made
 * of older ones, so it ends. */
static void unpack_name(const u8 *packed, char *name, size_t size)
{
	u8 pending[128];
	size_t len = 0;

	for (; *packed && len + 1 < size; packed++) {
		unsigned int depth = 0;

		pending[depth++] = *packed;
		while (depth && len + 1 < size) {
			u8 byte = pending[--depth];

			if (byte < 128) {
				name[len++] = (char)byte;
				continue;
			}
			pending[depth++] = kallsyms_pairs[byte - 128][1];
			pending[depth++] = kallsyms_pairs[byte - 128][0];
		}
	}
	name[len] = 0;
}

int format_symbol(unsigned long addr, char *buf, size_t size)
{
	unsigned long offset = addr - (unsigned long)_text;
	const u8 *packed = kallsyms_names;
	char name[64];
	u32 i, next;

	if (addr < (unsigned long)_text || addr >= (unsigned long)__inittext_end)
		return scnprintf(buf, size, "0x%016lx", addr);
	if (!kallsyms_count || kallsyms_offsets[0] > offset / 4)
		return scnprintf(buf, size, "_text+0x%lx", offset);
	for (i = 0; i + 1 < kallsyms_count && kallsyms_offsets[i + 1] <= offset / 4; i++)
		packed += strlen((const char *)packed) + 1;
	unpack_name(packed, name, sizeof(name));
	next = i + 1 < kallsyms_count ? kallsyms_offsets[i + 1] * 4U
				      : (u32)(__inittext_end - _text);
	return scnprintf(buf, size, "%s+0x%lx/0x%x", name, offset - kallsyms_offsets[i] * 4UL,
			 next - kallsyms_offsets[i] * 4U);
}

/* A frame record is {caller's x29, return address} (AAPCS64 6.4.6). Every read is guarded: the
 * chain may be what is broken. */
static __noinline bool read_frame(unsigned long fp, u64 *next, u64 *lr)
{
	return fp && IS_ALIGNED(fp, 16) && probe_read_u64((u64 *)fp, next) &&
	       probe_read_u64((u64 *)fp + 1, lr) && *lr;
}

void show_backtrace(unsigned long pc, unsigned long fp)
{
	char symbol[80];

	pr_emerg("Call trace:\n");
	for (unsigned int i = 0; i < FRAMES_MAX; i++) {
		u64 next, lr;

		format_symbol(pc, symbol, sizeof(symbol));
		pr_emerg(" %s\n", symbol);
		if (!read_frame(fp, &next, &lr))
			return;
		/* The call is the instruction before the return address. */
		pc = lr - 4;
		fp = next;
	}
	pr_emerg(" ...\n");
}

void __noinline dump_stack(void)
{
	unsigned long fp = (unsigned long)__builtin_frame_address(0);
	u64 next, lr;

	if (read_frame(fp, &next, &lr))
		show_backtrace(lr - 4, next);
}
