// SPDX-License-Identifier: GPL-2.0
/*
 * What a running kernel says: the files of /sys/kernel/elfkit, its build-id and records of its log, in this order with
 * a zero byte between two. What `status` writes of it is JSON, and text that no terminal acts on.
 */
#include <jansson.h>
#include <sys/stat.h>

#include "elfkit/kmsg.h"
#include "elfkit/loaded_write.h"
#include "elfkit/running.h"
#include "t/fuzz/fuzz.h"

static const char *const dirs[] = {
	"", "/sys", "/sys/kernel", "/sys/kernel/elfkit", "/sys/kernel/elfkit/m", "/sys/kernel/elfkit/m/functions", "/boot",
};
static const char *const files[] = {
	"/sys/kernel/elfkit/m/enabled", "/sys/kernel/elfkit/m/confirm", "/sys/kernel/elfkit/m/build_id",
	"/sys/kernel/elfkit/m/timing", "/sys/kernel/elfkit/m/blockers", "/sys/kernel/notes",
};

enum { NR_DIRS = sizeof(dirs) / sizeof(dirs[0]), NR_FILES = sizeof(files) / sizeof(files[0]) };

static char root[64];

static void put(const char *name, const uint8_t *data, size_t size)
{
	AUTO_FREE char *path = xasprintf("%s%s", root, name);
	FILE *file = fopen(path, "we");

	promise(file && fwrite(data, 1, size, file) == size && !fclose(file));
}

static void remove_root(void)
{
	for (int i = 0; i < NR_FILES; i++) {
		AUTO_FREE char *path = xasprintf("%s%s", root, files[i]);

		unlink(path);
	}
	for (int i = NR_DIRS; i-- > 0;) {
		AUTO_FREE char *path = xasprintf("%s%s", root, dirs[i]);

		rmdir(path);
	}
}

static void make_root(void)
{
	if (*root)
		return;
	snprintf(root, sizeof(root), "/dev/shm/elfkit-fuzz.%d", getpid());
	for (int i = 0; i < NR_DIRS; i++) {
		AUTO_FREE char *path = xasprintf("%s%s", root, dirs[i]);

		promise(!mkdir(path, 0700));
	}
	atexit(remove_root);
}

static void check_text(const char *text)
{
	for (; *text; text++)
		promise((unsigned char)*text >= 0x20 ? *text != 0x7f : *text == '\n');
}

static void check_status(void)
{
	struct loaded_list list;
	AUTO_FREE char *text = NULL, *json = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);
	json_t *parsed;

	promise(file && well(loaded_read(root, &list)) && list.n == 1);
	promise(well(loaded_write_text(&list, file)));
	fclose(file);
	check_text(text);
	file = open_memstream(&json, &len);
	promise(file && well(loaded_write_json(&list, file)));
	fclose(file);
	parsed = json_loads(json, 0, NULL);
	promise(json_array_size(json_object_get(parsed, "modules")) == list.n);
	json_decref(parsed);
	loaded_release(&list);
}

/* Of a record at least its end goes: what is handed over is one line. */
static void check_record(const uint8_t *data, size_t size)
{
	AUTO_FREE char *record = strndup((const char *)data, size);
	const char *text = kmsg_parse(record, "m");

	promise(!text || !strchr(text, '\n'));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t left = size;
	char *path = NULL;

	make_root();
	for (int i = 0; i < NR_FILES; i++) {
		/* the build-id is binary: a byte says how long it is */
		bool counted = i == NR_FILES - 1;
		const uint8_t *zero = !counted && left ? memchr(data, 0, left) : NULL;
		size_t len = zero ? (size_t)(zero - data) : left, step;

		if (counted && left) {
			len = *data++;
			left--;
			if (len > left)
				len = left;
		}
		put(files[i], data, len);
		step = len + !!zero;
		data += step;
		left -= step;
	}
	memory_begin();
	check_status();
	check_record(data, left);
	memory_end(size);
	promise(!well(running_vmlinux(root, "r", &path)));
	return 0;
}
