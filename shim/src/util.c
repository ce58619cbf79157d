#include "util.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static char last_error[1024];

int fail(int error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(last_error, sizeof last_error, format, arguments);
	va_end(arguments);
	if (error != 0 && length >= 0 && (size_t)length < sizeof last_error)
		snprintf(last_error + length, sizeof last_error - (size_t)length, ": %s", strerror(error));
	return -1;
}

const char *error_text(void)
{
	return last_error[0] == '\0' ? "unknown error" : last_error;
}

int write_all(int fd, const void *data, size_t length)
{
	const uint8_t *at = data;
	while (length > 0) {
		ssize_t written = write(fd, at, length);
		if (written < 0) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		at += written;
		length -= (size_t)written;
	}
	return 0;
}

int write_whole(const char *path, const char *text, size_t length, bool lasting)
{
	char beside[4300];
	snprintf(beside, sizeof beside, "%s.tmp", path);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -1;
	bool written = write_all(fd, text, length) == 0 && (!lasting || fsync(fd) == 0);
	int result = written && rename(beside, path) == 0 ? 0 : -1;
	close(fd);
	if (result != 0)
		unlink(beside);
	return result;
}

char *read_file(const char *path, size_t limit, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return NULL;
	/* Files of /proc and cgroups say size 0: those are read in one page. */
	struct stat status;
	size_t room = fstat(fd, &status) == 0 && status.st_size > 0 ? (size_t)status.st_size : 4096;
	char *data = room > limit ? NULL : malloc(room + 1);
	if (data == NULL)
		errno = room > limit ? EFBIG : ENOMEM;
	size_t have = 0;
	while (data != NULL && have < room) {
		ssize_t got = read(fd, data + have, room - have);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			free(data);
			data = NULL;
		}
		if (got <= 0)
			break;
		have += (size_t)got;
	}
	int error = errno;
	close(fd);
	errno = error;
	if (data != NULL) {
		data[have] = '\0';
		*length = have;
	}
	return data;
}

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec time;
	clock_gettime(clock, &time);
	return (uint64_t)time.tv_sec * NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* Writes `digits` decimal digits, zero padded. */
static void put_digits(char *at, uint64_t value, int digits)
{
	for (int i = digits - 1; i >= 0; i--) {
		at[i] = (char)('0' + value % 10);
		value /= 10;
	}
}

/* Days since 1970 to a date of the Gregorian calendar; gmtime_r would load the time zone's files.
 * Method: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", civil_from_days. */
static void civil_date(uint64_t days, uint64_t *year, uint64_t *month, uint64_t *day)
{
	uint64_t shifted = days + 719468;
	uint64_t era = shifted / 146097;
	uint64_t day_of_era = shifted % 146097;
	uint64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	uint64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	uint64_t from_march = (5 * day_of_year + 2) / 153;
	*day = day_of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = year_of_era + era * 400 + (*month <= 2);
}

size_t format_time(uint64_t ns, char text[TIME_TEXT])
{
	uint64_t seconds = ns / NS_PER_S;
	uint64_t fraction = ns % NS_PER_S;
	uint64_t year, month, day;
	civil_date(seconds / 86400, &year, &month, &day);
	memcpy(text, "0000-00-00T00:00:00", 19);
	put_digits(text, year, 4);
	put_digits(text + 5, month, 2);
	put_digits(text + 8, day, 2);
	put_digits(text + 11, seconds / 3600 % 24, 2);
	put_digits(text + 14, seconds / 60 % 60, 2);
	put_digits(text + 17, seconds % 60, 2);
	size_t length = 19;
	if (fraction != 0) {
		text[length] = '.';
		put_digits(text + length + 1, fraction, 9);
		length += 10;
		while (text[length - 1] == '0')
			length--;
	}
	text[length++] = 'Z';
	text[length] = '\0';
	return length;
}

void be_alone(int keep)
{
	if (keep >= 0 && keep != ALONE_FD)
		dup2(keep, ALONE_FD);
	close_range(keep >= 0 ? ALONE_FD + 1 : ALONE_FD, ~0U, 0);
	int null = open("/dev/null", O_RDWR);
	for (int i = 0; i < 3 && null >= 0; i++)
		dup2(null, i);
	if (null > 2)
		close(null);
}

uint16_t get_u16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

void put_u16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

void put_u32(uint8_t *at, uint32_t value)
{
	put_u16(at, (uint16_t)value);
	put_u16(at + 2, (uint16_t)(value >> 16));
}

void put_u64(uint8_t *at, uint64_t value)
{
	put_u32(at, (uint32_t)value);
	put_u32(at + 4, (uint32_t)(value >> 32));
}
