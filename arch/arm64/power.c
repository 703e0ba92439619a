/* SPDX-License-Identifier: BSD-2-Clause */
/* How a boot ends: semihosting, which carries an exit status, or PSCI (Arm DEN 0022), or the
 * Raspberry Pi's watchdog, or nowhere. */
#include <asm/boot.h>
#include <asm/cache.h>
#include <asm/extable.h>
#include <asm/mmu.h>
#include <asm/power.h>
#include <asm/probe.h>
#include <asm/ptrace.h>
#include <asm/semihosting.h>
#include <asm/setup.h>
#include <lib/bug.h>
#include <lib/errno.h>
#include <lib/monitor.h>
#include <lib/printk.h>
#include <mm/vmalloc.h>

/* Function numbers of PSCI 0.2 and later (DEN 0022, 5.1). 0.1 has no call for either. */
#define PSCI_SYSTEM_OFF   0x84000008
#define PSCI_SYSTEM_RESET 0x84000009

bool smh_call(u64 op, u64 arg, u64 *result)
{
	register u64 x0 __asm__("x0") = op;
	register u64 x1 __asm__("x1") = arg;
	unsigned int ok;

	__asm__ volatile("mov %w2, #0\n"
			 "1: hlt #0xf000\n"
			 "mov %w2, #1\n"
			 "2:\n" EXTABLE("1b", "2b", "2b")
			 : "+r"(x0), "+r"(x1), "=&r"(ok)
			 :
			 : "memory");
	if (ok && result)
		*result = x0;
	return ok;
}

/* A call no one answers is undefined at EL1, so it goes through the exception table. Returns only
 * if it did not work. */
#define PSCI_CALL(insn, x0)                                                                        \
	__asm__ volatile("1: " insn " #0\n"                                                        \
			 "2:\n" EXTABLE("1b", "2b", "2b")                                          \
			 : "+r"(x0)                                                                \
			 :                                                                         \
			 : "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11",     \
			   "x12", "x13", "x14", "x15", "x16", "x17", "memory")

static void psci_call(u64 function)
{
	register u64 x0 __asm__("x0") = function;

	if (machine.psci == PSCI_SMC)
		PSCI_CALL("smc", x0);
	else if (machine.psci == PSCI_HVC && handover.el == 1)
		PSCI_CALL("hvc", x0);
}

static const char *why_no_psci(void)
{
	if (machine.psci == PSCI_NONE)
		return "the tree has no usable psci node";
	if (machine.psci_version < 2)
		return "PSCI 0.1 has no such call";
	if (machine.psci == PSCI_HVC && handover.el > 1)
		return "the tree says hvc, but nobody is left at EL2";
	return "the firmware did not act";
}

/*
 * Registers of the Pi's power management, which need a password. The firmware finds a partition to
 * boot from in bits 0, 2, 4... of RSTS, and takes number 63 for "stay off". WDOG counts down 65,536
 * times a second.
 */
#define PM_RSTC       0x1c
#define PM_RSTS       0x20
#define PM_WDOG       0x24
#define PM_PASSWORD   0x5a000000
#define RSTC_RESET    0x20
#define RSTS_HALT     0x555
#define WDOG_LAST     10
#define WATCHDOG_WAIT 200000 /* writes, of 25 ns and more */

static __noinline bool pm_write(volatile u8 *pm, u32 reg, u32 value)
{
	return probe_write_u32((volatile u32 *)(pm + reg), value | PM_PASSWORD);
}

/* Returns if it did not work, with the reason. */
static const char *end_by_watchdog(bool off)
{
	volatile u8 *pm;

	if (!machine.watchdog)
		return "there is no watchdog that is known";
	pm = ioremap_np(machine.watchdog, PM_WDOG + 4);
	if (pm) {
		if (off)
			pm_write(pm, PM_RSTS, RSTS_HALT);
		pm_write(pm, PM_WDOG, WDOG_LAST);
		/* The first starts it, the others take the time. */
		for (u32 i = 0; i < WATCHDOG_WAIT && pm_write(pm, PM_RSTC, RSTC_RESET); i++)
			;
		iounmap(pm);
	}
	return "the watchdog did not act";
}

static int end_machine(u64 function)
{
	if (machine.psci_version >= 2)
		psci_call(function);
	pr_err("this machine cannot be ended: PSCI: %s; %s\n", why_no_psci(),
	       end_by_watchdog(function == PSCI_SYSTEM_OFF));
	return -ENODEV;
}

int machine_poweroff(u64 status)
{
	u64 block[2] = {ADP_STOPPED_APPLICATION_EXIT, status};

	smh_call(SYS_EXIT, (u64)block, NULL);
	return end_machine(PSCI_SYSTEM_OFF);
}

int machine_reboot(void)
{
	return end_machine(PSCI_SYSTEM_RESET);
}

void leave_log(void)
{
	size_t size;
	const char *log = printk_area(&size);

	dcache_clean_inval_poc(log, log + size);
}

void __noreturn machine_halt(void)
{
	dead_end(BOOT_PANIC, fatal_regs);
}

static int poweroff_command(int argc, char **argv)
{
	u64 status = 0;

	/* More is not what an exit status can be. */
	if (argc > 2 || (argc == 2 && (!parse_u64(argv[1], &status) || status > 255)))
		return -EINVAL;
	return machine_poweroff(status);
}
MONITOR_COMMAND(poweroff, "[status]", "end the machine; an emulator exits with status",
		poweroff_command);

static int reboot_command(int argc, char **argv)
{
	(void)argv;
	return argc == 1 ? machine_reboot() : -EINVAL;
}
MONITOR_COMMAND(reboot, "", "reset the machine", reboot_command);
