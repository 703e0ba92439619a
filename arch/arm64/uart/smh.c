/* SPDX-License-Identifier: BSD-2-Clause */
/* The console of a debugger or emulator, by semihosting. No registers: works where nothing is known
 * about the board. */
#include <asm/earlycon.h>
#include <asm/semihosting.h>
#include <lib/kernel.h>

static bool put_string(const char *text)
{
	return smh_call(SYS_WRITE0, (unsigned long)text, NULL);
}

static const char *__init smh_setup(struct earlycon_device *dev)
{
	(void)dev;
	return put_string("") ? NULL
			      : "no debugger answers (QEMU needs -semihosting-config enable=on)";
}

/* A call takes a string with its NUL, so pieces are copied. */
static void smh_write(struct earlycon_device *dev, const char *text, size_t len)
{
	char piece[64];

	while (len > 0 && !dev->stuck) {
		size_t n = min(len, sizeof(piece) - 1);

		for (size_t i = 0; i < n; i++)
			piece[i] = text[i] ? text[i] : ' ';
		piece[n] = '\0';
		dev->stuck = !put_string(piece);
		text += n;
		len -= n;
	}
}

static int smh_getc(struct earlycon_device *dev)
{
	u64 c;

	(void)dev;
	return smh_call(SYS_READC, 0, &c) && c <= 0xff ? (int)c : -1;
}

EARLYCON_DRIVER(smh) = {
	.names = "smh\0",
	.shown = "smh",
	.compatible = "",
	.setup = smh_setup,
	.write = smh_write,
	.getc = smh_getc,
};
