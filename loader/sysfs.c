// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/elfkit/MODULE/: "enabled" (1 or 0; write to switch) and "timing"
 * ("key value" lines, ns).
 *
 * The directory elfkit is shared by all elfkit modules: the first makes it, the
 * last one's reference takes it away.  Making, finding and dropping it happen
 * under text_mutex, the one lock that two such modules have in common.
 */
#include <linux/errno.h>
#include <linux/kernfs.h>
#include <linux/kobject.h>
#include <linux/kernel.h>
#include <linux/mutex.h>
#include <linux/printk.h>
#include <linux/sysfs.h>

#include "loader.h"

static struct kobject *shared;
static struct kobject *own;

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", elfkit_enabled());
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	bool on;
	int err;

	err = kstrtobool(buf, &on);
	if (!err)
		err = elfkit_set_enabled(on);
	return err ?: count;
}

static int show_times(char *buf, int at, const char *what, const struct elfkit_times *times)
{
	return sysfs_emit_at(buf, at,
			     "%s_prepare_ns %llu\n%s_check_ns %llu\n%s_handler_ns %llu\n%s_stopped_ns %llu\n%s_total_ns %llu\n%s_tries %u\n%s_cpus %u\n%s_threads %u\n",
			     what, times->prepare, what, times->check,
			     what, times->handler, what, times->stopped,
			     what, times->total, what, times->tries,
			     what, times->cpus, what, times->threads);
}

static ssize_t timing_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct elfkit_times load, unload;
	int at;

	elfkit_get_times(&load, &unload);
	at = show_times(buf, 0, "load", &load);
	return at + show_times(buf, at, "unload", &unload);
}

static struct kobj_attribute enabled_attr = __ATTR_RW(enabled);
static struct kobj_attribute timing_attr = __ATTR_RO(timing);

static const struct attribute *attrs[] = { &enabled_attr.attr, &timing_attr.attr, NULL };

/* A reference to /sys/kernel/elfkit, made if need be.  Under text_mutex. */
static struct kobject *get_shared(void)
{
	struct kernfs_node *node = kernfs_find_and_get(kernel_kobj->sd, "elfkit");
	struct kobject *kobj = NULL;

	if (!node)
		return kobject_create_and_add("elfkit", kernel_kobj);
	/* The private pointer of a sysfs directory's node is its kobject. */
	if (kernfs_type(node) == KERNFS_DIR)
		kobj = kobject_get_unless_zero(node->priv);
	kernfs_put(node);
	return kobj;
}

int elfkit_sysfs_add(void)
{
	struct mutex *lock = elfkit_ptr(struct mutex, elfkit_table.text_mutex);

	mutex_lock(lock);
	shared = get_shared();
	mutex_unlock(lock);
	if (!shared) {
		pr_err("refused: /sys/kernel/elfkit cannot be made or belongs to someone else\n");
		return -EEXIST;
	}

	own = kobject_create_and_add(KBUILD_MODNAME, shared);
	if (own && !sysfs_create_files(own, attrs))
		return 0;
	pr_err("refused: /sys/kernel/elfkit/" KBUILD_MODNAME " cannot be made\n");
	elfkit_sysfs_remove();
	return -ENOMEM;
}

/* Waits for those who are reading or writing. */
void elfkit_sysfs_remove(void)
{
	struct mutex *lock = elfkit_ptr(struct mutex, elfkit_table.text_mutex);

	if (own)
		sysfs_remove_files(own, attrs);
	kobject_put(own);
	mutex_lock(lock);
	kobject_put(shared);
	mutex_unlock(lock);
}
