// SPDX-License-Identifier: GPL-2.0
/*
 * Another elfkit module that is in, and taking over from it in one stop.
 *
 * Modules find each other in the kernel's list: each has a module parameter of a fixed name, in
 * no directory, whose argument is its struct elfkit_peer.  A reference to the module holds its code
 * and its table while they are looked at; its control mutex holds its state.  Two that are switched
 * at the same moment do not wait for each other: one is refused.
 *
 * Refused: more than one that has functions of ours, one without a way back, and hooks, pools or
 * updated objects on either side: what is in A's pools and objects is not what the kernel's own code
 * left, which B begins with, nor does A's state end where the kernel's goes on.  One of another ABI is
 * left alone; where it has functions of ours, these are not those of vmlinux, and that is refused.
 */
#include <linux/errno.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/printk.h>
#include <linux/rculist.h>
#include <linux/rcupdate.h>
#include <linux/string.h>

#include "loader.h"

static int refuse_parameter(const char *value, const struct kernel_param *parameter)
{
	return -EINVAL;
}

static const struct kernel_param_ops peer_ops = { .set = refuse_parameter };

module_param_cb(elfkit_peer, &peer_ops, &elfkit_self, 0);

/* The peer that a module is, or NULL.  While the module cannot go. */
static struct elfkit_peer *peer_of(const struct module *module)
{
	unsigned int i;

	for (i = 0; i < module->num_kp; i++) {
		struct elfkit_peer *peer = module->kp[i].arg;

		if (strcmp(module->kp[i].name, "elfkit_peer"))
			continue;
		return peer->magic == ELFKIT_PEER_MAGIC && peer->abi == ELFKIT_ABI ? peer : NULL;
	}
	return NULL;
}

/* Whether a site of @table is one of ours, or in a function that we replace. */
static bool overlaps(const struct elfkit_table *table)
{
	const struct elfkit_site *site = elfkit_ptr(const struct elfkit_site, table->sites);
	const struct elfkit_range *range = elfkit_ptr(const struct elfkit_range, elfkit_table.ranges);
	u64 i = 0, k = 0;

	while (i < table->nr_sites && k < elfkit_table.nr_ranges) {
		if (site[i].addr + ELFKIT_JUMP_SIZE <= range[k].start)
			i++;
		else if (site[i].addr >= range[k].end)
			k++;
		else
			return true;
	}
	return false;
}

/* Puts its module's reference where it is one that is in our way. */
static struct elfkit_peer *get_peer(struct module *module)
{
	struct elfkit_peer *peer = NULL;

	/* Of one that is being made nothing is there yet; one that is going is not enabled. */
	if (module->state == MODULE_STATE_UNFORMED || !try_module_get(module))
		return NULL;
	peer = peer_of(module);
	if (peer && peer->enabled() && overlaps(peer->table))
		return peer;
	module_put(module);
	return NULL;
}

/* The elfkit module that is in and has functions of ours, with a reference, or NULL; -EBUSY more than one. */
int elfkit_peer_find(struct elfkit_peer **ret)
{
	struct list_head *head = elfkit_ptr(struct list_head, elfkit_table.modules);
	struct elfkit_peer *found = NULL, *second = NULL;
	struct module *module;

	*ret = NULL;
	/* Modules leave the list for readers that are preempt-disabled. */
	preempt_disable();
	list_for_each_entry_rcu(module, head, list, true) {
		struct elfkit_peer *peer = module == THIS_MODULE ? NULL : get_peer(module);

		if (peer && found) {
			second = peer;
			break;
		}
		found = peer ?: found;
	}
	preempt_enable();
	if (second) {
		pr_err("refused: %s and %s both have functions of it; disable one\n",
		       found->module->name, second->module->name);
		elfkit_peer_put(found);
		elfkit_peer_put(second);
		return -EBUSY;
	}
	*ret = found;
	return 0;
}

void elfkit_peer_put(struct elfkit_peer *peer)
{
	if (peer)
		module_put(peer->module);
}

static bool has_state(const struct elfkit_table *table)
{
	return table->nr_hooks || table->nr_pools || table->nr_updates;
}

/* -EBUSY with a message if there is no way from @peer to us. */
static int check_fit(const struct elfkit_peer *peer)
{
	const char *name = peer->module->name;

	if (peer->pinned()) {
		pr_err("refused: %s cannot be replaced: the kernel may hold the address of %s, which is only in that module\n",
		       name, peer->pinned());
		return -EBUSY;
	}
	if (has_state(peer->table) || has_state(&elfkit_table)) {
		pr_err("refused: %s cannot be replaced: %s has hooks, pools or updated objects, which begin and end with the kernel's own; disable %s first\n",
		       name, has_state(peer->table) ? name : KBUILD_MODNAME, name);
		return -EBUSY;
	}
	return 0;
}

/* The same with its control held, and fit to be taken over from. */
int elfkit_peer_lock(struct elfkit_peer **ret)
{
	struct elfkit_peer *peer;
	int err = elfkit_peer_find(&peer);

	*ret = NULL;
	if (err || !peer)
		return err;
	if (!mutex_trylock(peer->control))
		goto busy;
	if (!peer->enabled()) {
		mutex_unlock(peer->control);
		goto busy;
	}
	err = check_fit(peer);
	if (err)
		elfkit_peer_unlock(peer);
	else
		*ret = peer;
	return err;
busy:
	pr_err("refused: %s is being switched at this moment; try again\n", peer->module->name);
	elfkit_peer_put(peer);
	return -EAGAIN;
}

void elfkit_peer_unlock(struct elfkit_peer *peer)
{
	if (!peer)
		return;
	mutex_unlock(peer->control);
	elfkit_peer_put(peer);
}

/* It is out, and its state says so.  Its control is free, the reference that it has to itself is the caller's. */
void elfkit_peer_leave(struct elfkit_peer *peer)
{
	peer->taken_over();
	mutex_unlock(peer->control);
}

/*
 * Once no task can be in it, both references to it go.  With no lock held: that may take long, or for ever where the
 * new scheduler lets a task starve, and then there must be a way back.
 */
void elfkit_peer_retire(struct elfkit_peer *peer)
{
	if (!peer)
		return;
	/* As in going back: a dying task is on no list, and it may have been preempted there. */
	synchronize_rcu_tasks();
	module_put(peer->module);
	elfkit_peer_put(peer);
}
