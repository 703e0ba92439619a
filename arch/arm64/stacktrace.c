/* SPDX-License-Identifier: BSD-2-Clause */
#include <asm/probe.h>
#include <asm/ptrace.h>
#include <asm/sections.h>
#include <asm/stacktrace.h>
#include <lib/kernel.h>
#include <lib/printk.h>
#include <lib/string.h>

/* Made by scripts/link, which says how. */
extern const u32 kallsyms_count;
extern const u8 kallsyms_pairs[176][2], kallsyms[];

/* More frames than this is a loop in the chain, or a stack overflow whose beginning says enough. */
#define FRAMES_MAX 24

/* Unpack the name at packed and return what follows it. A byte that is no letter stands for two
 * others, which may do so too; a pair is made of older ones, so it ends. */
static const u8 *unpack_name(const u8 *packed, char *name, size_t size)
{
	u8 pending[176];
	size_t len = 0;

	for (;;) {
		unsigned int depth = 0;

		pending[depth++] = *packed++;
		while (depth && depth + 2 <= sizeof(pending)) { /* more is a damaged table */
			u8 byte = pending[--depth];

			if (!byte) {
				name[len] = 0;
				return packed;
			}
			if (byte < '0' || byte > 'z') {
				const u8 *pair = kallsyms_pairs[byte < '0' ? byte : byte - 80];

				pending[depth++] = pair[1];
				pending[depth++] = pair[0];
			} else if (len + 1 < size) {
				name[len++] = (char)byte;
			}
		}
	}
}

int format_symbol(unsigned long addr, char *buf, size_t size)
{
	unsigned long offset = addr - (unsigned long)_text, start = 0, end;
	const u8 *packed = kallsyms;
	char name[64] = "_text";

	if (addr < (unsigned long)_text || addr >= (unsigned long)__inittext_end)
		return scnprintf(buf, size, "0x%016lx", addr);
	for (u32 left = kallsyms_count;; left--) {
		unsigned long distance = *packed++;

		if (distance == 255) {
			distance = packed[0] | (unsigned long)packed[1] << 8;
			packed += 2;
		}
		end = left ? start + distance * 4 : (unsigned long)(__inittext_end - _text);
		if (!left || end > offset)
			break;
		start = end;
		packed = unpack_name(packed, name, sizeof(name));
	}
	return scnprintf(buf, size, "%s+0x%lx/0x%lx", name, offset - start, end - start);
}

/* A frame record is {caller's x29, return address} (AAPCS64 6.4.6). Every read is guarded: the
 * chain may be what is broken. */
static __noinline bool read_frame(unsigned long fp, u64 *next, u64 *lr)
{
	return fp && IS_ALIGNED(fp, 16) && probe_read_u64((u64 *)fp, next) &&
	       probe_read_u64((u64 *)fp + 1, lr) && *lr;
}

void show_backtrace(int level, unsigned long pc, unsigned long fp)
{
	printk(level, "Call trace:\n");
	for (unsigned int i = 0; i < FRAMES_MAX; i++) {
		u64 next, lr;

		printk(level, " %pS\n", (void *)pc);
		if (!read_frame(fp, &next, &lr))
			return;
		/* The call is the instruction before the return address. */
		pc = lr - 4;
		fp = next;
	}
	printk(level, " ...\n");
}

void __noinline dump_stack(int level)
{
	unsigned long fp = (unsigned long)__builtin_frame_address(0);
	u64 next, lr;

	/* That of the exception is there. */
	if (!fatal_regs && read_frame(fp, &next, &lr))
		show_backtrace(level, lr - 4, next);
}
