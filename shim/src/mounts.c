#include "mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/securebits.h>

#include "util.h"

/* Room for one cgroup's path and its file, wherever the container's parent is. */
#define HIDING "size=64k,nr_inodes=256,mode=0755"

static int clone_binds(const struct job *job, int *trees);
static int private_namespace(const struct job *job);
static int place_binds(const struct job *job, const int *trees, int userns);
static int make_root(const struct job *job, int userns);
static int make_overlay(const struct job *job, int userns);

int mounts_make(const struct job *job, int userns)
{
	int trees[MAX_BINDS];
	/* Before the namespace is private, or a shared bind would be cut off from its peers on the host. */
	if (clone_binds(job, trees) != 0 || private_namespace(job) != 0)
		return -1;
	if (chdir(job->bundle) != 0)
		return fail(errno, "%s", job->bundle);
	return make_root(job, userns) == 0 && place_binds(job, trees, userns) == 0 ? 0 : -1;
}

void mounts_drop(const struct job *job)
{
	(void)!umount2(job->rootfs, MNT_DETACH | UMOUNT_NOFOLLOW);
}

static int clone_tree(const char *source, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0);
	int tree = open_tree(AT_FDCWD, source, flags);
	return tree < 0 ? fail(errno, "mount %s", source) : tree;
}

static int clone_binds(const struct job *job, int *trees)
{
	for (size_t i = 0; i < job->bind_count; i++)
		if ((trees[i] = clone_tree(job->binds[i].source, job->binds[i].recursive)) < 0)
			return -1;
	return 0;
}

/*
 * crun gives its standard streams to the container's root (fchown), /dev/null too where a stream is that: the host's
 * node would be the container's then, to change its mode. Under a read-only mount the fchown fails, which crun takes
 * for granted; writing to the device works as ever.
 */
static int guard_null(void)
{
	const unsigned long flags = MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NOEXEC;
	if (mount("/dev/null", "/dev/null", NULL, MS_BIND, NULL) != 0 || mount(NULL, "/dev/null", NULL, flags, NULL) != 0)
		return fail(errno, "making /dev/null read-only");
	return 0;
}

static int private_namespace(const struct job *job)
{
	if (unshare(CLONE_NEWNS) != 0)
		return fail(errno, "new mount namespace");
	/* Slave: unmounting on the host still reaches us, nothing of ours reaches the host. */
	if (mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) != 0)
		return fail(errno, "making the mounts private");
	/* Not detached: the runtime makes directories there all the same, and what lies below is the host's. */
	for (size_t i = 0; i < job->hides.count; i++)
		if (mount("tmpfs", job->hides.items[i], "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, HIDING) != 0 &&
		    errno != ENOENT)
			return fail(errno, "hiding %s", job->hides.items[i]);
	return guard_null();
}

/* Gives the tree the container's ids. The commonest failure is a file system without support for it. */
static int map_tree(int tree, const char *source, bool recursive, int userns)
{
	struct mount_attr attributes = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);
	if (mount_setattr(tree, "", flags, &attributes, sizeof attributes) == 0)
		return 0;
	return fail(errno,
		    "the file system of %s can't be mapped to the container's user namespace (use --userns=host to run "
		    "without one)",
		    source);
}

static int attach_tree(int tree, const char *target)
{
	int result = move_mount(tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
	if (result != 0)
		fail(errno, "mount on %s", target);
	close(tree);
	return result;
}

/* The mount point for a bind: a file for anything that is not a directory. */
static int make_target(int tree, const char *target)
{
	struct stat status;
	if (fstat(tree, &status) != 0)
		return fail(errno, "%s", target);
	if (S_ISDIR(status.st_mode))
		return mkdir(target, 0711) == 0 || errno == EEXIST ? 0 : fail(errno, "mkdir %s", target);
	int fd = open(target, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(errno, "create %s", target);
	close(fd);
	return 0;
}

static int place_binds(const struct job *job, const int *trees, int userns)
{
	for (size_t i = 0; i < job->bind_count; i++) {
		const struct bind *bind = &job->binds[i];
		if (bind->idmap && map_tree(trees[i], bind->source, bind->recursive, userns) != 0)
			return -1;
		if (make_target(trees[i], bind->target) != 0 || attach_tree(trees[i], bind->target) != 0)
			return -1;
	}
	return 0;
}

/* Puts a directory at the short name, mapped when there is a mapping. */
static int place_directory(const char *source, const char *name, int userns)
{
	if (userns < 0) {
		unlink(name); /* of a start that was killed */
		return symlink(source, name) == 0 ? 0 : fail(errno, "symlink %s", name);
	}
	int tree = clone_tree(source, false);
	if (tree < 0 || map_tree(tree, source, false, userns) != 0)
		return -1;
	if (mkdir(name, 0711) != 0 && errno != EEXIST)
		return fail(errno, "mkdir %s", name);
	return attach_tree(tree, name);
}

static int make_root(const struct job *job, int userns)
{
	if (mkdir(job->rootfs, 0711) != 0 && errno != EEXIST)
		return fail(errno, "mkdir %s", job->rootfs);
	if (job->lowers.count > 0)
		return make_overlay(job, userns);
	int tree = clone_tree(job->upper, false);
	if (tree < 0 || (userns >= 0 && map_tree(tree, job->upper, false, userns) != 0))
		return -1;
	return attach_tree(tree, job->rootfs);
}

/* Length of the path of the directory that both lie in: overlay wants upper and work on one mount. */
static size_t common_parent(const char *one, const char *other)
{
	size_t parent = 0;
	for (size_t i = 0; one[i] != '\0' && one[i] == other[i]; i++)
		if (one[i] == '/')
			parent = i;
	return parent;
}

/* Overlay's options; -1 when a part of upper's path would be read as an option or the page is full. */
static int overlay_options(const struct job *job, size_t parent, char *text, size_t room)
{
	const char *upper = job->upper + parent + 1;
	const char *work = job->work + parent + 1;
	if (strpbrk(upper, ",:\\") != NULL || strpbrk(work, ",:\\") != NULL)
		return fail(0, "upper and work can't have any of ,:\\ in their names");
	size_t length = (size_t)snprintf(text, room, "lowerdir=");
	for (size_t i = 0; i < job->lowers.count && length < room; i++)
		length += (size_t)snprintf(text + length, room - length, i == 0 ? "%zu" : ":%zu", i);
	if (length < room)
		length += (size_t)snprintf(text + length, room - length, ",upperdir=u/%s,workdir=u/%s", upper, work);
	return length < room ? 0 : fail(0, "overlay: options are longer than a page");
}

/* Overlay writes with the capabilities of the thread that mounted it, whoever writes: with CAP_SYS_RESOURCE, containers
 * would go past project quotas (ext4) and into the blocks kept for root. Returns true when this changed something. */
static bool set_resource_capability(bool on)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3, .pid = 0 };
	struct __user_cap_data_struct data[2];
	const unsigned int bit = 1U << CAP_SYS_RESOURCE;
	if (syscall(SYS_capget, &header, data) != 0 || (data[0].permitted & bit) == 0)
		return false;
	data[0].effective = on ? data[0].effective | bit : data[0].effective & ~bit;
	return syscall(SYS_capset, &header, data) == 0;
}

/* Overlay makes its work directory as the mounting thread's file system user, which an idmapped upper must know
 * (else EOVERFLOW, and the overlay is read-only). Keeping the capabilities over the change needs the securebit. */
static int mount_as_mapped_root(const struct job *job, const char *options)
{
	bool mapped = job->uids.count > 0;
	int bits = prctl(PR_GET_SECUREBITS);
	if (mapped) {
		if (bits < 0 || prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) != 0)
			return fail(errno, "securebits");
		setfsgid(id_map_root(&job->gids));
		setfsuid(id_map_root(&job->uids));
	}
	bool had = set_resource_capability(false);
	int result = mount("overlay", job->rootfs, "overlay", 0, options);
	int error = errno;
	if (had)
		set_resource_capability(true);
	if (mapped) {
		setfsuid(0);
		setfsgid(0);
		if (prctl(PR_SET_SECUREBITS, bits) != 0)
			return fail(errno, "securebits");
	}
	return result == 0 ? 0 : fail(error, "mount overlay (%zu layers)", job->lowers.count);
}

static int make_overlay(const struct job *job, int userns)
{
	if ((mkdir("m", 0711) != 0 && errno != EEXIST) || chdir("m") != 0)
		return fail(errno, "%s/m", job->bundle);
	char name[24];
	for (size_t i = 0; i < job->lowers.count; i++) {
		snprintf(name, sizeof name, "%zu", i);
		if (place_directory(job->lowers.items[i], name, userns) != 0)
			return -1;
	}
	size_t parent = common_parent(job->upper, job->work);
	char directory[4096];
	snprintf(directory, sizeof directory, "%.*s", parent == 0 ? 1 : (int)parent, job->upper);
	if (place_directory(directory, "u", userns) != 0)
		return -1;
	char options[4096];
	if (overlay_options(job, parent, options, sizeof options) != 0 || mount_as_mapped_root(job, options) != 0)
		return -1;
	return chdir(job->bundle) == 0 ? 0 : fail(errno, "%s", job->bundle);
}
