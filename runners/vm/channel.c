// SPDX-License-Identifier: GPL-2.0-or-later
/* The host's end of a guest's job channel. */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/text.h"
#include "base/time.h"
#include "runners/vm/channel.h"

#define LINE_BYTES 128
#define PIECE 65536u

int nvsr_channel_open(const char *path, struct nvsr_channel *ret)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd;

	if (strlen(path) >= sizeof(a.sun_path))
		return -ENAMETOOLONG;
	memcpy(a.sun_path, path, strlen(path));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&a, sizeof(a))) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	*ret = (struct nvsr_channel){ .fd = fd };
	return 0;
}

void nvsr_channel_close(struct nvsr_channel *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->in);
	*c = (struct nvsr_channel){ .fd = -1 };
}

static int put(struct nvsr_channel *c, const char *s, size_t n, uint64_t until)
{
	while (n) {
		struct pollfd fd = { .fd = c->fd, .events = POLLOUT };
		ssize_t done = send(c->fd, s, n, MSG_NOSIGNAL);

		if (done > 0) {
			s += done;
			n -= (size_t)done;
		} else if (done < 0 && errno != EAGAIN && errno != EINTR) {
			return -errno;
		} else if (nvsr_now_ns() >= until) {
			return -ETIMEDOUT;
		} else {
			poll(&fd, 1, 20);
		}
	}
	return 0;
}

int nvsr_channel_send(struct nvsr_channel *c, const char *script, unsigned limit_ms)
{
	uint64_t until = nvsr_now_ns() + limit_ms * NVSR_MS;
	char line[32];
	int rc;

	snprintf(line, sizeof(line), "RUN %zu\n", strlen(script));
	rc = put(c, line, strlen(line), until);
	return rc ? rc : put(c, script, strlen(script), until);
}

int nvsr_channel_tell(struct nvsr_channel *c, unsigned limit_ms)
{
	return put(c, "TELL\n", 5, nvsr_now_ns() + limit_ms * NVSR_MS);
}

/* What is there now, until there are @want bytes: a guest that talks without end is not read to it.  0; -EPIPE at the end, -ENOMEM. */
static int take(struct nvsr_channel *c, size_t want)
{
	while (c->len < want) {
		ssize_t n;

		if (c->room - c->len < PIECE) {
			size_t room = c->room ? c->room * 2 : 2 * PIECE;
			char *in = realloc(c->in, room);

			if (!in)
				return -ENOMEM;
			c->in = in;
			c->room = room;
		}
		n = recv(c->fd, c->in + c->len, PIECE, 0);
		if (n > 0)
			c->len += (size_t)n;
		else if (n < 0 && errno == EINTR)
			continue;
		else if (n < 0 && errno == EAGAIN)
			return 0;
		else
			return -EPIPE;
	}
	return 0;
}

static void use_up(struct nvsr_channel *c, size_t n)
{
	c->len -= n;
	memmove(c->in, c->in + n, c->len);
}

int nvsr_channel_move(struct nvsr_channel *to, struct nvsr_channel *from)
{
	int fd = to->fd, rc = take(from, LINE_BYTES + (size_t)NVSR_CHANNEL_OUTPUT_MAX);

	if (rc && rc != -EPIPE)
		return rc;
	close(from->fd);
	free(to->in);
	*to = *from;
	to->fd = fd;
	*from = (struct nvsr_channel){ .fd = -1 };
	return 0;
}

/* "DONE <code> <n>" */
static bool parse_done(const char *line, int *ret_code, size_t *ret_n)
{
	unsigned code;
	unsigned long n;
	int end = 0;

	if (sscanf(line, "DONE %3u %9lu%n", &code, &n, &end) != 2 || line[end] || code > 255 || n > NVSR_CHANNEL_OUTPUT_MAX)
		return false;
	*ret_code = (int)code;
	*ret_n = n;
	return true;
}

/* One line, when it is there: enum nvsr_said_what or negative errno. */
static int take_line(struct nvsr_channel *c)
{
	char *end = c->len ? memchr(c->in, '\n', NVSR_MIN(c->len, (size_t)LINE_BYTES)) : NULL;
	int what = -EPROTO;

	if (!end)
		return c->len >= LINE_BYTES ? -EPROTO : NVSR_CHANNEL_NOTHING;
	*end = '\0';
	if (!strcmp(c->in, "READY 1"))
		what = NVSR_CHANNEL_READY;
	else if (!strcmp(c->in, "BEAT"))
		what = NVSR_CHANNEL_BEAT;
	else if (parse_done(c->in, &c->code, &c->output))
		what = NVSR_CHANNEL_DONE;
	use_up(c, (size_t)(end - c->in) + 1);
	return what;
}

int nvsr_channel_next(struct nvsr_channel *c, int *ret_code, char **ret_text, size_t *ret_len)
{
	int gone, what;

	if (!c->done) {
		gone = take(c, LINE_BYTES);
		if (gone == -ENOMEM)
			return gone;
		what = take_line(c);
		if (what != NVSR_CHANNEL_DONE)
			return what == NVSR_CHANNEL_NOTHING ? gone : what;
		c->done = true;
	}
	gone = take(c, c->output);
	if (c->len < c->output)
		return gone;
	*ret_text = malloc(c->output + 1);
	if (!*ret_text)
		return -ENOMEM;
	memcpy(*ret_text, c->in, c->output);
	(*ret_text)[c->output] = '\0';
	*ret_len = c->output;
	*ret_code = c->code;
	use_up(c, c->output);
	c->done = false;
	return NVSR_CHANNEL_DONE;
}
