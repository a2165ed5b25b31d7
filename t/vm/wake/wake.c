// SPDX-License-Identifier: GPL-2.0
/*
 * Lets an interrupt wake the machine from suspend-to-idle.  The clock's does not, where ACPI has an event for it,
 * since QEMU raises that event only for a machine that is switched off.
 */
#include <linux/interrupt.h>
#include <linux/module.h>

static int irq;
module_param(irq, int, 0444);

static int __init begin(void)
{
	return irq_set_irq_wake(irq, 1);
}

static void __exit end(void)
{
	irq_set_irq_wake(irq, 0);
}

module_init(begin);
module_exit(end);
MODULE_LICENSE("GPL");
