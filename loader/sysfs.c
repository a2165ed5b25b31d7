// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/elfkit/MODULE/:
 *
 *	enabled			1 or 0; write to switch
 *	build_id		of the kernel, in hex
 *	timing			"key value" lines, ns
 *	blockers		who was in the way when switching failed last: "PID COMM FUNCTION" lines
 *	confirm			0 while on probation; write 1 to stay
 *	pools			how full each pool is: "NAME N of M used, F not to be had" lines
 *	functions/NAME,SYMPOS	one for each entry that is replaced; 1 while it is
 *
 * The directory elfkit is shared by all elfkit modules: the first makes it, the
 * last one's reference takes it away.  Making, finding and dropping it happen
 * under text_mutex, the one lock that two such modules have in common.
 */
#include <linux/err.h>
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

/* The directory functions: one attribute a site. */
static struct kobject *functions;
static struct kobj_attribute *function_attrs;

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
	const struct {
		const char *name;
		u64 value;
	} lines[] = {
		{ "prepare_ns", times->prepare },
		{ "check_ns", times->check },
		{ "clear_ns", times->clear },
		{ "write_ns", times->write },
		{ "rebuild_ns", times->rebuild },
		{ "handler_ns", times->handler },
		{ "stopped_ns", times->stopped },
		{ "total_ns", times->total },
		{ "tries", times->tries },
		{ "cpus", times->cpus },
		{ "threads", times->threads },
		{ "unwound", times->unwound },
	};
	int i, begin = at;

	for (i = 0; i < ARRAY_SIZE(lines); i++)
		at += sysfs_emit_at(buf, at, "%s_%s %llu\n", what, lines[i].name,
				    lines[i].value);
	return at - begin;
}

static ssize_t timing_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct elfkit_times load, unload;
	int at = elfkit_get_times(&load, &unload);

	if (at)
		return at;
	at = show_times(buf, 0, "load", &load);
	return at + show_times(buf, at, "unload", &unload);
}

static ssize_t build_id_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%*phN\n", (int)elfkit_table.build_id_len, elfkit_table.build_id);
}

static ssize_t blockers_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	struct elfkit_blockers blockers;
	unsigned int i;
	int at = elfkit_get_blockers(&blockers);

	if (at)
		return at;
	for (i = 0; i < blockers.nr; i++) {
		const struct elfkit_blocker *blocker = &blockers.v[i];

		at += sysfs_emit_at(buf, at, "%d %s %s\n", blocker->pid, blocker->comm,
				    blocker->where[0] ? blocker->where : "(no reliable stack)");
	}
	return at;
}

static ssize_t confirm_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%d\n", elfkit_confirmed());
}

static ssize_t confirm_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	bool on;
	int err;

	err = kstrtobool(buf, &on);
	if (!err)
		err = on ? elfkit_confirm() : -EINVAL;
	return err ?: count;
}

static ssize_t pools_show(struct kobject *kobj, struct kobj_attribute *attr, char *buf)
{
	return elfkit_get_pools(buf);
}

static struct kobj_attribute enabled_attr = __ATTR_RW(enabled);
static struct kobj_attribute build_id_attr = __ATTR_RO(build_id);
static struct kobj_attribute timing_attr = __ATTR_RO(timing);
static struct kobj_attribute blockers_attr = __ATTR_RO(blockers);
static struct kobj_attribute confirm_attr = __ATTR_RW(confirm);
static struct kobj_attribute pools_attr = __ATTR_RO(pools);

static const struct attribute *attrs[] = {
	&enabled_attr.attr, &build_id_attr.attr, &timing_attr.attr, &blockers_attr.attr,
	&confirm_attr.attr, &pools_attr.attr, NULL
};

/* A directory, or NULL. */
static struct kobject *make(const char *name, struct kobject *parent)
{
	return elfkit_memory_fails() ? NULL : kobject_create_and_add(name, parent);
}

static void remove_functions(void)
{
	u64 i;

	kobject_del(functions);		/* waits for readers */
	kobject_put(functions);
	functions = NULL;
	for (i = 0; function_attrs && i < elfkit_table.nr_sites; i++)
		elfkit_free(function_attrs[i].attr.name);
	elfkit_free(function_attrs);
	function_attrs = NULL;
}

static int add_functions(void)
{
	const struct elfkit_site *site = elfkit_sites();
	u64 i;
	int err = 0;

	functions = make("functions", own);
	function_attrs = elfkit_alloc(elfkit_table.nr_sites, sizeof(*function_attrs));
	if (!functions || !function_attrs)
		return -ENOMEM;
	for (i = 0; !err && i < elfkit_table.nr_sites; i++, site++) {
		struct kobj_attribute *attr = &function_attrs[i];

		sysfs_attr_init(&attr->attr);
		attr->attr.name = elfkit_asprintf("%s,%u", elfkit_name(site->name), site->sympos);
		attr->attr.mode = 0444;
		attr->show = enabled_show;
		err = attr->attr.name ? sysfs_create_file(functions, &attr->attr) : -ENOMEM;
	}
	return err;
}

/* A reference to /sys/kernel/elfkit, made if need be, or an error.  Under text_mutex. */
static struct kobject *get_shared(void)
{
	struct kernfs_node *node = kernfs_find_and_get(kernel_kobj->sd, "elfkit");
	struct kobject *kobj = NULL;

	if (!node)
		return make("elfkit", kernel_kobj) ?: ERR_PTR(elfkit_short());
	/* The private pointer of a sysfs directory's node is its kobject. */
	if (kernfs_type(node) == KERNFS_DIR)
		kobj = kobject_get_unless_zero(node->priv);
	kernfs_put(node);
	if (kobj)
		return kobj;
	pr_err("refused: /sys/kernel/elfkit belongs to someone else, or is just going\n");
	return ERR_PTR(-EEXIST);
}

int elfkit_sysfs_add(void)
{
	struct mutex *lock = elfkit_ptr(struct mutex, elfkit_table.text_mutex);

	mutex_lock(lock);
	shared = get_shared();
	mutex_unlock(lock);
	if (IS_ERR(shared))
		return PTR_ERR(shared);

	own = make(KBUILD_MODNAME, shared);
	if (own && !elfkit_memory_fails() && !sysfs_create_files(own, attrs) && !add_functions())
		return 0;
	pr_err("refused: /sys/kernel/elfkit/" KBUILD_MODNAME " cannot be made\n");
	elfkit_sysfs_remove();
	return -ENOMEM;
}

/* Waits for those who are reading or writing. */
void elfkit_sysfs_remove(void)
{
	struct mutex *lock = elfkit_ptr(struct mutex, elfkit_table.text_mutex);

	remove_functions();
	if (own)
		sysfs_remove_files(own, attrs);
	kobject_del(own);		/* the name is free, whoever still holds it */
	kobject_put(own);
	mutex_lock(lock);
	kobject_put(shared);
	mutex_unlock(lock);
}
