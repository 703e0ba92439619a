/* SPDX-License-Identifier: BSD-2-Clause */
#include <asm/probe.h>
#include <asm/sections.h>
#include <asm/stacktrace.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>

/* Made by scripts/kallsyms: functions in ascending order, offsets from _text in instructions; names in the same order. */
extern const u32 kallsyms_count;
extern const u16 kallsyms_offsets[];
extern const char kallsyms_names[];

/* More frames than this is a loop in the chain, or a stack overflow whose beginning says enough. */
#define FRAMES_MAX 24

int format_symbol(unsigned long addr, char *buf, size_t size)
{
	unsigned long offset = addr - (unsigned long)_text;
	const char *name = kallsyms_names;
	u32 i;

	if (addr < (unsigned long)_text || addr >= (unsigned long)__inittext_end)
		return scnprintf(buf, size, "0x%016lx", addr);
	for (i = 0; i + 1 < kallsyms_count && kallsyms_offsets[i + 1] <= offset / 4; i++)
		name += strlen(name) + 1;
	if (!kallsyms_count || kallsyms_offsets[0] > offset / 4)
		return scnprintf(buf, size, "_text+0x%lx", offset);
	return scnprintf(buf, size, "%s+0x%lx", name, offset - kallsyms_offsets[i] * 4UL);
}

/* A frame record is {caller's x29, return address} (AAPCS64 6.4.6). Every read is guarded: the
 * chain may be what is broken. */
void show_backtrace(unsigned long pc, unsigned long fp)
{
	char symbol[80];

	pr_emerg("Call trace:\n");
	for (unsigned int i = 0; i < FRAMES_MAX; i++) {
		u64 next, lr;

		format_symbol(pc, symbol, sizeof(symbol));
		pr_emerg(" %s\n", symbol);
		if (!fp || !IS_ALIGNED(fp, 16) || !probe_read_u64((u64 *)fp, &next) ||
		    !probe_read_u64((u64 *)fp + 1, &lr))
			return;
		if (!lr)
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
	u64 next = 0, lr = 0;

	if (probe_read_u64((u64 *)fp, &next) && probe_read_u64((u64 *)fp + 1, &lr))
		show_backtrace(lr - 4, next);
}
