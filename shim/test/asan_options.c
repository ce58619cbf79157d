/* Linked into the sanitizers' build of the shim only: its standard error is /dev/null once a container runs, so that
 * reports go to files, one a process, for the tests to look for. */

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "log_path=/tmp/hoy-shim-asan";
}
