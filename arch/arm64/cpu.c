/* SPDX-License-Identifier: BSD-2-Clause */
#include <asm/boot.h>
#include <asm/brk.h>
#include <asm/cache.h>
#include <asm/cpu.h>
#include <asm/memory.h>
#include <asm/percpu.h>
#include <asm/ptrace.h>
#include <asm/spinlock.h>
#include <asm/sysreg.h>
#include <lib/bug.h>
#include <lib/kernel.h>
#include <lib/printk.h>

struct cpu boot_cpu;
unsigned int nr_cpu_ids __ro_after_init = 1;

/* What functions with arrays check on return. Random from seed_stack_guard() on; the low byte 0
 * stops string overruns. */
extern unsigned long __stack_chk_guard;
unsigned long __stack_chk_guard __ro_after_init = 0x595e9fbd94fda700;
void __stack_chk_fail(void) __noreturn;

/* Nanoseconds a tick in 2^-32 units, so that a stamp costs two multiplications and no division. */
static u64 ns_per_tick __ro_after_init;

u64 clock_ticks(void)
{
	isb();
	return read_sysreg(cntvct_el0);
}

u64 ticks_to_ns(u64 ticks)
{
	return (ticks >> 32) * ns_per_tick + (((ticks & 0xffffffff) * ns_per_tick) >> 32);
}

u64 clock_ns(void)
{
	return ticks_to_ns(clock_ticks() - handover.time);
}

static void __init clock_init(void)
{
	u64 hz = read_sysreg(cntfrq_el0);

	if (!hz) {
		pr_warn("preflight: CNTFRQ_EL0 is 0, firmware must program it: time stamps stay 0\n");
		return;
	}
	ns_per_tick = ((u64)1000000000 << 32) / hz;
	printk_clock = clock_ns;
}

void __noreturn __stack_chk_fail(void)
{
	panic("a function overran an array on its stack; it returns to 0x%016lx",
	      (unsigned long)__builtin_return_address(0));
}

unsigned int cpu_pa_bits(void)
{
	static const u8 bits[] = {32, 36, 40, 42, 44, 48};

	return bits[min(id_field(read_sysreg(id_aa64mmfr0_el1), 0), 5U)];
}

static void report_dropped(const char *when, u64 esr)
{
	if (esr)
		pr_warn("SError pending %s: dropped, ESR 0x%lx\n", when, esr);
}

void unmask_serror(void)
{
	report_dropped("before the console", take_serror());
}

/* What head.S found and did on the way down, and what it had to do without. */
static void __init report_handover(void)
{
	u64 parked;

	/* CPUs wrote there past the caches; a line from before that may still be in them. */
	dcache_clean_inval_poc(&boot_status, (void *)((unsigned long)&boot_status + SZ_2K));
	parked = READ_ONCE(boot_status.parked);
	pr_debug(
		"preflight: entered at EL%lu%s, x0 = 0x%lx, image at 0x%lx, SCTLR 0x%lx, HCR_EL2 0x%lx, DAIF 0x%lx\n",
		handover.el, handover.el > 1 ? ", dropped to EL1" : "", handover.args[0],
		handover.image, handover.sctlr, handover.hcr, handover.daif);
	/* A debugger's breakpoints are damage too, and one would go on. */
	image_checked = true;
	if (!image_intact())
		pr_err("preflight: " IMAGE_DAMAGED "\n");
	report_dropped("at entry", boot_status.serror ?: handover_serror);
	if (handover.sctlr & (SCTLR_M | SCTLR_C))
		pr_warn("preflight: entered with the %s on (U-Boot: use booti, not go): switched off\n",
			handover.sctlr & SCTLR_M ? "MMU" : "D-cache");
	/* U-Boot leaves SErrors open, for all it is told. */
	if (~handover.daif & (DAIF_ALL & ~DAIF_SERROR))
		pr_warn("preflight: entered with interrupts unmasked (DAIF 0x%lx); the loader must mask them\n",
			handover.daif);
	if (handover.tree != handover.args[0]) {
		brk_keep(boot_status.rescued);
		pr_warn("preflight: the device tree at 0x%lx %s: copied to 0x%lx\n",
			handover.args[0],
			handover.args[0] & 7
				? "is not 8-byte aligned (U-Boot: unset fdt_high)"
				: "lies where the kernel has its BSS (U-Boot: fdt_addr_r must be beyond image_size)",
			handover.tree);
	}
	if (handover.args[1] | handover.args[2] | handover.args[3])
		pr_warn("preflight: x1-x3 nonzero in violation of the boot protocol: 0x%lx 0x%lx 0x%lx\n",
			handover.args[1], handover.args[2], handover.args[3]);
	if (parked)
		pr_notice(
			"preflight: other CPUs entered together with this one (0x%lx was the last): parked; one must enter\n",
			parked & ~BIT(63));
}

void __stage boot_cpu_init(void)
{
	boot_cpu.mpidr = read_sysreg(mpidr_el1) & (GENMASK(39, 32) | GENMASK(23, 0));
	clock_init();
	pr_info("Booting firstlight on physical CPU 0x%010lx [0x%08lx]\n", boot_cpu.mpidr,
		read_sysreg(midr_el1));
	report_handover();
}

/*
 * The log's lock, which its holder may take again: an exception inside printk() is reported by
 * printk(). The cookie holds what to go back to: the interrupt mask, and whether this was the
 * outermost hold.
 */
static spinlock_t log_lock = SPIN_LOCK_UNLOCKED;
static struct cpu *log_owner;

#define COOKIE_NESTED BIT(63)

/* An SError between lock and owner would be reported to a lock that is taken by nobody. Once the
 * owner is known they may come: a console's own is taken while it is written to. */
unsigned long console_lock(void)
{
	unsigned long flags = local_serror_save(), nested = COOKIE_NESTED;

	/* Who reports an exception waits for nobody. */
	if (!fatal_regs && __atomic_load_n(&log_owner, __ATOMIC_RELAXED) != this_cpu()) {
		spin_lock(&log_lock);
		__atomic_store_n(&log_owner, this_cpu(), __ATOMIC_RELAXED);
		nested = 0;
	}
	local_irq_restore(flags | DAIF_IRQ_FIQ);
	return flags | nested;
}

void console_unlock(unsigned long cookie)
{
	if (!(cookie & COOKIE_NESTED)) {
		local_serror_save();
		__atomic_store_n(&log_owner, NULL, __ATOMIC_RELAXED);
		spin_unlock(&log_lock);
	}
	local_irq_restore(cookie & ~COOKIE_NESTED);
}
