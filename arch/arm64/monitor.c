/* SPDX-License-Identifier: BSD-2-Clause */
/* Monitor commands that look at the machine: memory, device tree; and faults on purpose, to see
 * that they are caught. */
#include <asm/page.h>
#include <asm/sections.h>
#include <asm/setup.h>
#include <asm/mmu.h>
#include <lib/errno.h>
#include <lib/kernel.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/memblock.h>

/* --- memory --------------------------------------------------------------------------------------
 */

static int memblock_command(int argc, char **argv)
{
	(void)argv;
	if (argc != 1)
		return -EINVAL;
	memblock_show(cprintf);
	return 0;
}
MONITOR_COMMAND(memblock, "", "memory and reserved ranges as the boot left them", memblock_command);

/* --- device tree ---------------------------------------------------------------------------------
 */

static bool is_text(const struct dt_prop *prop)
{
	const char *s = prop->data;

	if (!prop->len || s[prop->len - 1] || !s[0])
		return false;
	for (u32 i = 0; i < prop->len; i++)
		if (s[i] ? s[i] < ' ' || s[i] > '~' : i && !s[i - 1])
			return false;
	return true;
}

/* As dts has it: what would end the string, or begin something else, behind a backslash. */
static void print_text(const char *s)
{
	for (; *s; s++)
		cprintf(*s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
}

static void print_value(const struct dt_prop *prop)
{
	const char *s = prop->data;
	const u8 *byte = prop->data;

	if (is_text(prop)) {
		for (u32 i = 0; i < prop->len; i += (u32)strlen(s + i) + 1) {
			cprintf("%s\"", i ? ", " : " = ");
			print_text(s + i);
			cprintf("\"");
		}
	} else if (prop->len && prop->len % 4 == 0) {
		for (u32 i = 0; i < prop->len; i += 4)
			cprintf("%s0x%lx", i ? " " : " = <", dt_number(byte + i, 1));
		cprintf(">");
	} else if (prop->len) {
		for (u32 i = 0; i < prop->len; i++)
			cprintf("%s%02x", i ? " " : " = [", byte[i]);
		cprintf("]");
	}
	cprintf(";\n");
}

static int fdt_command(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "/";
	struct dt_iter it;
	struct dt_prop prop;
	char full[256];
	int depth;

	if (argc > 2 || !path[0])
		return -EINVAL;
	if (!dt_find_path(&it, &machine.dt, path, strlen(path))) {
		cprintf("fdt: no node %s\n", path);
		return -ENOENT;
	}
	depth = it.depth;
	dt_path(&it, full, sizeof(full));
	cprintf("%s {\n", full);
	while (dt_next_prop(&it, &prop)) {
		cprintf("\t%s", prop.name);
		print_value(&prop);
	}
	while (dt_next_node(&it) && it.depth > depth)
		if (it.depth == depth + 1)
			cprintf("\t%s { /* ... */ };\n", it.name);
	cprintf("};\n");
	return 0;
}
MONITOR_COMMAND(fdt, "[path]", "a node of the tree: properties and children", fdt_command);

/* --- faults on purpose ---------------------------------------------------------------------------
 */

static void fault_null(void)
{
	*(volatile int *)NULL = 0;
}

static void fault_rodata(void)
{
	*(volatile char *)__start_rodata = 0;
}

/* Deeper than any stack, and no loop the compiler could make of it. */
static __noinline u8 fault_stack(volatile u8 *caller, unsigned long depth)
{
	volatile u8 frame[512];

	frame[0] = *caller;
	return depth ? (u8)(fault_stack(frame, depth - 1) + frame[0]) : 0;
}

static void fault_exec(void)
{
	static u32 code[] = {0xd65f03c0}; /* ret */

	((void (*)(void))(unsigned long)code)();
}

static int fault_command(int argc, char **argv)
{
	volatile u8 start = 0;
	u64 address;

	if (argc != 2)
		return -EINVAL;
	if (!strcmp(argv[1], "null"))
		fault_null();
	else if (!strcmp(argv[1], "rodata"))
		fault_rodata();
	else if (!strcmp(argv[1], "stack"))
		fault_stack(&start, SZ_1M);
	else if (!strcmp(argv[1], "exec"))
		fault_exec();
	else if (parse_u64(argv[1], &address))
		cprintf("0x%02x\n", *(volatile u8 *)address);
	else
		return -EINVAL;
	cprintf("fault: nothing happened\n");
	return -EFAULT;
}
MONITOR_COMMAND(fault, "null|rodata|stack|exec|<address>",
		"do what must not be done, and see it named", fault_command);
