/* SPDX-License-Identifier: BSD-2-Clause */
/* Exceptions in words (Arm ARM D19.2.40, ESR_EL1). */
#include <asm/boot.h>
#include <asm/earlycon.h>
#include <asm/extable.h>
#include <asm/fixmap.h>
#include <asm/memory.h>
#include <asm/mmu.h>
#include <asm/percpu.h>
#include <asm/power.h>
#include <asm/ptdump.h>
#include <asm/ptrace.h>
#include <asm/sections.h>
#include <asm/stacktrace.h>
#include <asm/sysreg.h>
#include <lib/bug.h>
#include <lib/kernel.h>
#include <lib/logblock.h>
#include <lib/printk.h>
#include <lib/string.h>
#include <mm/memmap.h>

_Static_assert(offsetof(struct pt_regs, x[30]) == REGS_X30, "vectors.S stores it there");
_Static_assert(offsetof(struct pt_regs, pc) == REGS_PC, "vectors.S stores it there");
_Static_assert(offsetof(struct pt_regs, esr) == REGS_ESR, "vectors.S stores it there");
_Static_assert(offsetof(struct pt_regs, vector) == REGS_VECTOR, "vectors.S stores it there");
_Static_assert(sizeof(struct pt_regs) == REGS_SIZE, "vectors.S reserves so much");

#define EC_IABT 0x21
#define EC_DABT 0x25

#define SERROR 3 /* in bits 1:0 of a vector's number */

#define ESR_EC(esr) (unsigned int)((esr) >> 26 & 0x3f)
#define ESR_WNR     BIT(6)
#define ESR_FNV     BIT(10)

/* Lists of words by number: a byte (octal), its text; \377 ends the list. */

/* Exception classes. */
static const char classes[] = "\000undefined instruction\0"
			      "\007FP or SIMD instruction\0"
			      "\016illegal execution state\0"
			      "\026HVC\0"
			      "\027SMC\0"
			      "\030trapped system register access\0"
			      "\041instruction abort\0"
			      "\042misaligned PC\0"
			      "\045data abort\0"
			      "\046misaligned SP\0"
			      "\057SError\0"
			      "\074breakpoint instruction\0"
			      "\377";

/* Fault status codes without a level in bits 1:0; those with one are 4..15 and 0x14..0x1f. */
static const char faults[] = "\020synchronous external abort\0"
			     "\021synchronous tag check fault\0"
			     "\030synchronous parity or ECC error\0"
			     "\041alignment fault\0"
			     "\060TLB conflict\0"
			     "\061unsupported atomic update\0"
			     "\064lockdown fault\0"
			     "\065unsupported exclusive access\0"
			     "\377";

static const char *look_up(const char *words, unsigned int number)
{
	for (; (u8)*words != 0xff; words += strlen(words + 1) + 2)
		if ((u8)*words == number)
			return words + 1;
	return NULL;
}

/* Those with a level, by bits 5:2. */
static const char kinds[] = "\000address size fault\0"
			    "\001translation fault\0"
			    "\002access flag fault\0"
			    "\003permission fault\0"
			    "\377";

void describe_fault_status(unsigned int fsc, char *buf, size_t size)
{
	const char *text = look_up(faults, fsc), *kind = look_up(kinds, fsc >> 2), *where = "";

	if ((fsc & 0x34) == 0x14) {
		kind = look_up(faults, fsc & 0x18);
		where = " on a table walk";
	}
	if (text)
		scnprintf(buf, size, "%s", text);
	else if (kind)
		scnprintf(buf, size, "%s%s, level %u", kind, where, fsc & 3);
	else
		scnprintf(buf, size, "fault status 0x%x", fsc);
}

void describe_esr(u64 esr, char *buf, size_t size)
{
	unsigned int ec = ESR_EC(esr);
	const char *class = look_up(classes, ec);
	char status[48];

	if (ec == EC_DABT || ec == EC_IABT) {
		describe_fault_status(esr & 0x3f, status, sizeof(status));
		scnprintf(buf, size, "%s on %s: %s", class,
			  ec == EC_IABT   ? "a fetch"
			  : esr & ESR_WNR ? "a write"
					  : "a read",
			  status);
	} else if (class) {
		scnprintf(buf, size, "%s", class);
	} else {
		scnprintf(buf, size, "exception class 0x%02x", ec);
	}
}

/* Part after part, each ends where the next one begins. */
static const char *image_section(unsigned long addr)
{
	static const char *const ends[] = {
		__inittext_begin, __inittext_end, __end_rodata,          __end_ro_after_init,
		_edata,           __bss_stop,     exception_stack_guard, exception_stack,
		init_stack_guard, init_stack,     init_stack_end,        __early_tables_start,
		__brk_start,      _end,
	};
	unsigned int n = 0;
	const char *name;

	while (n < ARRAY_SIZE(ends) && addr >= (unsigned long)ends[n])
		n++;
	name = nth_string("kernel text\0"
			  "kernel init text\0"
			  "kernel rodata\0"
			  "kernel data sealed after boot\0"
			  "kernel data\0"
			  "kernel bss\0"
			  "\0"
			  "guard page below the exception stack\0"
			  "exception stack\0"
			  "guard page below the kernel stack: stack overflow\0"
			  "kernel stack\0"
			  "\0"
			  "kernel early tables\0"
			  "kernel brk area\0",
			  n);
	return *name ? name : "kernel image window";
}

void describe_address(unsigned long addr, char *buf, size_t size)
{
	u64 word;

	if (addr < PAGE_SIZE)
		scnprintf(buf, size, "null pointer");
	else if (addr < PAGE_OFFSET)
		scnprintf(buf, size, "not a kernel address");
	else if (is_linear_address(addr))
		scnprintf(buf, size, "linear map of 0x%lx", virt_to_phys((void *)addr));
	else if (addr >= KIMAGE_VADDR && addr < KIMAGE_END)
		scnprintf(buf, size, "%s", image_section(addr));
	else if (addr >= VMALLOC_START && addr < VMALLOC_END)
		scnprintf(buf, size, "vmalloc area");
	else if (addr >= VMEMMAP_START && addr < VMEMMAP_START + VMEMMAP_SIZE)
		scnprintf(buf, size, "page descriptor of pfn 0x%lx%s",
			  (addr - VMEMMAP_START) / 8 + (memstart_addr >> PAGE_SHIFT),
			  page_probe((struct page *)(addr & ~7UL), &word)
				  ? ""
				  : ", whose section is not open");
	else if (addr >= SECTMAP_START && addr < SECTMAP_START + SECTMAP_SIZE)
		scnprintf(buf, size, "section descriptor");
	else if (addr >= FIXADDR_START && addr < FIXADDR_TOP)
		scnprintf(buf, size, "fixmap slot %lu", (FIXADDR_TOP - addr - 1) / PAGE_SIZE + 1);
	else
		scnprintf(buf, size, "hole in the kernel's address space");
}

static void show_registers(const struct pt_regs *regs)
{
	char symbol[80];

	format_symbol(regs->pc, symbol, sizeof(symbol));
	pr_emerg("pc : %s\n", symbol);
	format_symbol(regs->x[30], symbol, sizeof(symbol));
	pr_emerg("lr : %s\n", symbol);
	pr_emerg("sp : %016lx pstate: %08lx\n", regs->sp, regs->pstate);
	for (int i = 28; i >= 0; i -= 2)
		pr_emerg("x%-2d: %016lx  x%-2d: %016lx\n", i + 1, regs->x[i + 1], i, regs->x[i]);
}

static void print_line(const char *line)
{
	pr_emerg("  %s\n", line);
}

static void show_abort(const struct pt_regs *regs)
{
	char where[80];

	if (regs->esr & ESR_FNV) {
		pr_emerg("  FAR is not valid for this abort\n");
		return;
	}
	describe_address(regs->far, where, sizeof(where));
	pr_emerg("  FAR = 0x%016lx: %s\n", regs->far, where);
	pt_show_walk(regs->far, print_line);
}

const struct pt_regs *fatal_regs;

void dead_end(u64 reason, const struct pt_regs *regs)
{
	u64 esr = regs ? regs->esr : 0, pc = regs ? regs->pc : 0, far = regs ? regs->far : 0;

	if (bss_is_clear) {
		pr_emerg("stopped, reason %lu\n", reason);
		leave_log();
	}
	if (!bss_is_clear || (!init_memory_freed && !(earlycon_works() && printk_shows())))
		leave_kernel(reason, esr, pc, far, bss_is_clear);
	boot_dead_end(reason, esr, pc, far);
}

/* An exception while one is being reported: no walk, no registers, nothing that was not needed
 * already. What is left behind is the first one. */
static void __noreturn report_nested(u64 reason, const char *how, const struct pt_regs *regs,
				     const struct pt_regs *first)
{
	static unsigned int times;
	char what[80];

	/* Each time less. */
	switch (times++) {
	case 0:
		describe_esr(regs->esr, what, sizeof(what));
		pr_emerg("%s: %s, ESR 0x%lx, FAR 0x%016lx, pc %pS\n", how, what, regs->esr,
			 regs->far, (void *)regs->pc);
		dead_end(reason, first);
	case 1:
		dead_end(reason, first);
	case 2:
		if (!init_memory_freed)
			leave_kernel(reason, first->esr, first->pc, first->far, false);
	}
	boot_dead_end(reason, first->esr, first->pc, first->far);
}

void exception_stack_overflow(u64 reason, u64 esr, u64 pc, u64 far)
{
	struct pt_regs regs;

	/* What the first one left is overwritten from here on. Of its registers these are known. */
	regs.esr = esr;
	regs.pc = pc;
	regs.far = far;
	if (!bss_is_clear)
		dead_end(reason, &regs);
	fatal_regs = &regs;
	report_nested(reason, "Exception stack overflow", &regs, &regs);
}

static void __noreturn die(const struct pt_regs *regs)
{
	unsigned int ec = ESR_EC(regs->esr);
	char what[80];

	describe_esr(regs->esr, what, sizeof(what));
	pr_emerg("Unhandled exception: %s (%s from %s)\n", what,
		 nth_string("synchronous\0IRQ\0FIQ\0SError", regs->vector & 3),
		 nth_string("EL1\0EL1 exception stack\0EL0\0EL0 (AArch32)", regs->vector >> 2 & 3));
	pr_emerg("  ESR = 0x%016lx\n", regs->esr);
	if (ec == EC_DABT || ec == EC_IABT)
		show_abort(regs);
	show_registers(regs);
	show_backtrace(LOGLEVEL_EMERG, regs->pc, regs->x[29]);
	panic("%s", what);
}

unsigned long extable_fixup(unsigned long pc, bool serror)
{
	struct entry {
		s32 start; /* from here */
		u16 size;  /* bit 0: SErrors too */
		s16 fixup; /* from start */
	};
	extern const struct entry __start___ex_table[], __stop___ex_table[];

	for (const struct entry *e = __start___ex_table; e < __stop___ex_table; e++) {
		unsigned long start = (unsigned long)e + (unsigned long)(long)e->start;

		if (pc - start < (e->size & ~3U) && (!serror || e->size & 1))
			return start + (unsigned long)(long)e->fixup;
	}
	return 0;
}

/* Times in a row that one address is tried again: within a millisecond of each other. */
#define SPURIOUS_MAX 16

/*
 * A translation fault of what the MMU does translate. Without FEAT_ETS2 a walk may miss an entry
 * that another CPU wrote before (Arm ARM D8.2.6); the access need only be tried again.
 */
static bool is_spurious(const struct pt_regs *regs)
{
	struct cpu *cpu = this_cpu();
	u64 now;

	if ((ESR_EC(regs->esr) | (EC_DABT ^ EC_IABT)) != EC_DABT || (regs->esr & 0x3c) != 4)
		return false;
	dsb(ish);
	isb();
	if (translate(regs->far, false) & 1)
		return false;
	now = read_sysreg(cntvct_el0);
	if (cpu->spurious_at != regs->far ||
	    now - cpu->spurious_time > (read_sysreg(cntfrq_el0) / 1000 ?: ~UL(0)))
		cpu->spurious = 0;
	cpu->spurious_at = regs->far;
	cpu->spurious_time = now;
	return cpu->spurious++ < SPURIOUS_MAX;
}

void handle_exception(struct pt_regs *regs)
{
	unsigned int origin = regs->vector & 3;
	unsigned long fixup;

	/* Before a fix-up: what a probe asks for may be there. */
	if (bss_is_clear && origin == 0 && is_spurious(regs))
		return;
	/* Synchronous exceptions, and SErrors that a probe waits for. */
	fixup = origin == 0 || origin == SERROR ? extable_fixup(regs->pc, origin == SERROR) : 0;
	if (fixup) {
		regs->pc = fixup;
		return;
	}
	if (!bss_is_clear)
		dead_end(BOOT_EXCEPTION, regs);
	if (origin == SERROR && earlycon_serror(regs->esr))
		return;
	if (fatal_regs)
		report_nested(BOOT_EXCEPTION, "Exception inside an exception", regs, fatal_regs);
	fatal_regs = regs;
	logblock_fault(regs->esr, regs->pc, regs->far);
	die(regs);
}
