/* SPDX-License-Identifier: BSD-2-Clause */
/* Ending the machine. */
#ifndef ASM_POWER_H
#define ASM_POWER_H

#include <lib/compiler.h>
#include <lib/types.h>

/* Semihosting with the status, else PSCI SYSTEM_OFF, else the Pi's watchdog, with the firmware told
 * to stay off. Returns -ENODEV, with the reason printed, when the machine goes on. Once vmalloc is
 * up.
 */
int machine_poweroff(u64 status);

/* PSCI SYSTEM_RESET, else the Pi's watchdog. Returns as above. */
int machine_reboot(void);

/* Write the log from the caches to memory, where a debugger finds it, or U-Boot after a reset. */
void leave_log(void);

/* Stop this CPU with BOOT_PANIC as the reason, and the exception that is reported as its values. */
void machine_halt(void) __noreturn;

#endif
