/*
 * The launcher that people write first: new pid and mount namespaces, a child in them, its own /proc, bash.
 * Run it where the mounts of the host are private, or the new /proc covers the host's as well.
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

static void fail(const char *step)
{
	perror(step);
	_exit(125);
}

int main(void)
{
	/* The caller stays in its pid namespace; what it forks from here on is in the new one. */
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0)
		fail("unshare");

	pid_t child = fork();
	if (child < 0)
		fail("fork");
	if (child == 0) {
		if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, NULL) != 0)
			fail("mount");
		execl("/bin/bash", "/bin/bash", (char *)NULL);
		fail("exec");
	}

	int status;
	if (waitpid(child, &status, 0) != child)
		fail("wait");
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
