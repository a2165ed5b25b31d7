// SPDX-License-Identifier: GPL-2.0
/*
 * The tree of files, and the tools that make a package of it.  What a package may differ by from run to run is
 * given: times, owners, modes, the name of the host.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "elfkit/pack.h"
#include "elfkit/pack_text.h"
#include "relink/module.h"

#define MAX_KEYS 32

struct making {
	const struct pack *pack;
	const char *workdir;
	const char *output;
	char *tree;		/* what is installed */
	struct pack_key keys[MAX_KEYS];
	size_t nr_keys;
	char *owned[MAX_KEYS];
	size_t nr_owned;
};

static void key(struct making *m, const char *name, const char *value)
{
	m->keys[m->nr_keys++] = (struct pack_key){ name, value };
}

static void owned_key(struct making *m, const char *name, char *value)
{
	m->owned[m->nr_owned++] = value;
	key(m, name, value);
}

static char *date(const char *format, time_t time)
{
	char text[64];
	struct tm tm;

	/* names of days and months are English: no program of ours calls setlocale() */
	strftime(text, sizeof(text), format, gmtime_r(&time, &tm));
	return xstrdup(text);
}

static void fill_keys(struct making *m)
{
	const struct pack *p = m->pack;

	key(m, "PACKAGE", p->package);
	key(m, "VERSION", p->version);
	key(m, "SCHEDULER", p->scheduler);
	key(m, "MODULE", p->module.name);
	key(m, "MODULES", p->modules);
	key(m, "RELEASE", p->module.release);
	key(m, "BUILD_ID", p->module.kernel_id);
	key(m, "FUNCTIONS", p->module.functions);
	key(m, "UNIT", p->unit);
	key(m, "FILE", p->file);
	key(m, "LINUX_IMAGE", p->image);
	key(m, "DEB_ARCH", "amd64");
	key(m, "ELFKIT", ELFKIT_VERSION);
	key(m, "MAINTAINER", p->maintainer);
	key(m, "DESCRIPTION", p->description);
	key(m, "TREE", m->tree);
	owned_key(m, "SPEC_MAINTAINER", pack_quote_spec(p->maintainer));
	owned_key(m, "SPEC_DESCRIPTION", pack_capital(pack_quote_spec(p->description)));
	owned_key(m, "HEALTH", pack_quote_unit(p->health));
	owned_key(m, "PROBATION", xasprintf("%u", p->probation));
	owned_key(m, "DATE", date("%a, %d %b %Y %H:%M:%S +0000", p->time));
	owned_key(m, "YEAR", date("%Y", p->time));
	owned_key(m, "RPM_DATE", date("%a %b %d %Y", p->time));
}

static struct err *stamp(const struct making *m, const char *path, mode_t mode)
{
	const struct timespec times[2] = { { .tv_sec = m->pack->time }, { .tv_sec = m->pack->time } };

	if (chmod(path, mode) || utimensat(AT_FDCWD, path, times, 0))
		return err_new("%s: %s", path, strerror(errno));
	return NULL;
}

/* Makes the folders on the way to @path below @top. */
static struct err *make_folders(const char *top, char *path)
{
	for (char *s = path + strlen(top) + 1; (s = strchr(s, '/')); s++) {
		*s = '\0';
		if (mkdir(path, 0777) && errno != EEXIST)
			return err_new("%s: %s", path, strerror(errno));
		if (chmod(path, 0755))
			return err_new("%s: %s", path, strerror(errno));
		*s = '/';
	}
	return NULL;
}

/* A file below @top from a template. */
static struct err *put(const struct making *m, const char *top, const char *name, enum pack_text which, mode_t mode)
{
	AUTO_FREE char *path = xasprintf("%s%s", top, name);
	AUTO_FREE char *text = pack_text(which, m->keys, m->nr_keys);
	struct err *err = make_folders(m->workdir, path);
	FILE *file;

	if (err)
		return err;
	file = fopen(path, "we");
	if (!file)
		return err_new("%s: %s", path, strerror(errno));
	if (fputs(text, file) < 0)
		err = err_new("%s: %s", path, strerror(errno));
	if (fclose(file) && !err)
		err = err_new("%s: %s", path, strerror(errno));
	return err ?: stamp(m, path, mode);
}

/* What both formats install. */
static struct err *fill_tree(struct making *m, const char *module)
{
	AUTO_FREE char *ko = xasprintf("%s%s", m->tree, m->pack->file);
	AUTO_FREE char *unit = xasprintf("/usr/lib/systemd/system/%s", m->pack->unit);
	struct err *err = make_folders(m->workdir, ko);

	err = err ?: module_install(module, ko);
	err = err ?: stamp(m, ko, 0644);
	return err ?: put(m, m->tree, unit, PACK_UNIT, 0644);
}

static struct err *run(const struct making *m, const char *const argv[], const char *log)
{
	AUTO_FREE char *path = xasprintf("%s/%s", m->workdir, log);

	return module_run(argv, path);
}

/* Kilobytes as dpkg counts them: each file rounded up, and one for each folder (deb-substvars(5)). */
static unsigned long installed_size(const struct making *m)
{
	AUTO_FREE char *ko = xasprintf("%s%s", m->tree, m->pack->file);
	struct stat st = { 0 };

	stat(ko, &st);
	return (st.st_size + 1023) / 1024 + 15;
}

static struct err *put_md5sums(const struct making *m)
{
	AUTO_FREE char *sums = xasprintf("%s/DEBIAN/md5sums", m->tree);
	/* sorted by name, as seen from the top; paths have no special characters */
	AUTO_FREE char *script = xasprintf("cd '%s' && find usr -type f | LC_ALL=C sort | xargs md5sum", m->tree);
	const char *const argv[] = { "sh", "-c", script, NULL };
	struct err *err = module_run(argv, sums);

	return err ?: stamp(m, sums, 0644);
}

static struct err *make_deb(struct making *m, char **path)
{
	AUTO_FREE char *doc = xasprintf("/usr/share/doc/%s/", m->pack->package);
	AUTO_FREE char *copyright = xasprintf("%scopyright", doc), *changelog = xasprintf("%schangelog", doc);
	AUTO_FREE char *full = xasprintf("%s%s", m->tree, changelog), *packed = xasprintf("%s.gz", full);
	const char *const gzip[] = { "gzip", "-9n", full, NULL };
	const char *const build[] = { "dpkg-deb", "--root-owner-group", "-Zxz", "--build", m->tree, *path, NULL };
	struct err *err;

	owned_key(m, "SIZE", xasprintf("%lu", installed_size(m)));
	err = put(m, m->tree, copyright, PACK_COPYRIGHT, 0644);
	err = err ?: put(m, m->tree, changelog, PACK_CHANGELOG, 0644);
	err = err ?: run(m, gzip, "gzip.log");
	err = err ?: stamp(m, packed, 0644);
	err = err ?: put(m, m->tree, "/DEBIAN/control", PACK_CONTROL, 0644);
	err = err ?: put(m, m->tree, "/DEBIAN/postinst", PACK_POSTINST, 0755);
	err = err ?: put(m, m->tree, "/DEBIAN/prerm", PACK_PRERM, 0755);
	err = err ?: put(m, m->tree, "/DEBIAN/postrm", PACK_POSTRM, 0755);
	err = err ?: put_md5sums(m);
	return err ?: run(m, build, "dpkg-deb.log");
}

static struct err *make_rpm(struct making *m, char **path)
{
	AUTO_FREE char *preset = xasprintf("/usr/lib/systemd/system-preset/85-%s.preset", m->pack->package);
	AUTO_FREE char *spec = xasprintf("%s/elfkit.spec", m->workdir);
	AUTO_FREE char *topdir = xasprintf("_topdir %s/rpmbuild", m->workdir);
	AUTO_FREE char *rpmdir = xasprintf("_rpmdir %s", m->workdir);
	AUTO_FREE char *file = xasprintf("_build_name_fmt %s", strrchr(*path, '/') + 1);
	const char *const argv[] = {
		"rpmbuild", "-bb", "--quiet", "--target", "x86_64", "--define", topdir, "--define", rpmdir,
		"--define", file, "--define", "_buildhost elfkit",
		/* names of old and new versions of rpm */
		"--define", "use_source_date_epoch_as_buildtime 1", "--define", "clamp_mtime_to_source_date_epoch 1",
		"--define", "build_mtime_policy clamp_to_source_date_epoch", spec, NULL,
	};
	struct err *err;

	err = put(m, m->tree, preset, PACK_PRESET, 0644);
	err = err ?: put(m, m->workdir, "/elfkit.spec", PACK_SPEC, 0644);
	return err ?: run(m, argv, "rpmbuild.log");
}

/* One format, in a folder of its own below @top. */
static struct err *make_one(const struct pack_options *o, const struct pack *pack, const char *top, bool deb,
			    char **path)
{
	AUTO_FREE char *workdir = xasprintf("%s/%s", top, deb ? "deb" : "rpm");
	AUTO_FREE char *name = deb ? xasprintf("%s_%s_amd64.deb", pack->package, pack->version) :
				     xasprintf("%s-%s-1.x86_64.rpm", pack->package, pack->version);
	AUTO_FREE char *made = xasprintf("%s/%s", workdir, name);
	struct making m = { .pack = pack, .workdir = workdir, .output = o->output, .tree = xasprintf("%s/tree", workdir) };
	struct err *err = NULL;

	fill_keys(&m);
	if (mkdir(workdir, 0777))
		err = err_new("%s: %s", workdir, strerror(errno));
	err = err ?: fill_tree(&m, o->module);
	err = err ?: deb ? make_deb(&m, &made) : make_rpm(&m, &made);
	*path = xasprintf("%s/%s", o->output, name);
	err = err ?: module_install(made, *path);
	for (size_t i = 0; i < m.nr_owned; i++)
		free(m.owned[i]);
	free(m.tree);
	return err;
}

struct err *pack_make(const struct pack_options *o, const struct pack *pack, void (*progress)(const char *path))
{
	AUTO_FREE char *epoch = xasprintf("%lld", (long long)pack->time);
	char *top = NULL;
	struct err *err = workdir_make(&top);

	/* what dpkg-deb and rpmbuild take the time from */
	setenv("SOURCE_DATE_EPOCH", epoch, 1);
	for (int deb = 1; !err && deb >= 0; deb--) {
		AUTO_FREE char *path = NULL;

		if (deb ? !o->deb : !o->rpm)
			continue;
		err = make_one(o, pack, top, deb, &path);
		if (!err)
			progress(path);
	}
	workdir_remove(top);
	return err;
}
