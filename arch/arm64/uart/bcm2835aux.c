/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The "mini UART" of the Raspberry Pi's SoCs (BCM2835 ARM Peripherals 2.2): like a 16550 to look
 * at, with a divisor of its own whose clock follows the GPU's. Firmware has switched it on and set
 * its rate, or it cannot be used; neither is touched here.
 */
#include <asm/earlycon.h>

#define AUX_MU_IO      0
#define AUX_MU_LSR     5
#define AUX_MU_SCRATCH 7

#define LSR_RECEIVED (1 << 0)
#define LSR_ROOM     (1 << 5)

static const struct earlycon_status room = {AUX_MU_LSR, LSR_ROOM, LSR_ROOM},
				    there = {AUX_MU_LSR, LSR_RECEIVED, LSR_RECEIVED};

static const char *__init aux_setup(struct earlycon_device *dev)
{
	earlycon_read_reg(dev, AUX_MU_LSR);
	earlycon_write_reg(dev, AUX_MU_SCRATCH, 0);
	return NULL;
}

static void aux_write(struct earlycon_device *dev, const char *text, size_t len)
{
	earlycon_send(dev, text, len, &room, AUX_MU_IO);
}

static int aux_getc(struct earlycon_device *dev)
{
	return earlycon_receive(dev, &there, AUX_MU_IO);
}

EARLYCON_DRIVER(bcm2835aux) = {
	.names = "bcm2835aux\0",
	.shown = "bcm2835aux0",
	.compatible = "brcm,bcm2835-aux-uart\0",
	.window = 8,
	.numbered = true,
	.shift = 2,
	.width = 4,
	.setup = aux_setup,
	.write = aux_write,
	.getc = aux_getc,
};
