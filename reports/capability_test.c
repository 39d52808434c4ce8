// SPDX-License-Identifier: GPL-2.0-or-later
/* The journal of a capability run, good, cut off and hostile, and what is written from it. */
#include "base/text.h"
#include "reports/capability.h"
#include "base/expect.h"

#define START "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"model\":\"<b>M & \\u0007\",\"emulated\":true,\"cells\":[" \
	"{\"row\":\"vms-per-disk\",\"way\":\"passthrough\"},{\"row\":\"security\",\"way\":\"passthrough\"}," \
	"{\"row\":\"security\",\"way\":\"virtio-ns\"}]}\n"
#define VMS "{\"event\":\"cell\",\"row\":\"vms-per-disk\",\"way\":\"passthrough\",\"answer\":\"yes\",\"text\":\"4 at once\",\"numbers\":{\"vms\":4}}\n"
#define LEAK "{\"event\":\"cell\",\"row\":\"security\",\"way\":\"passthrough\",\"answer\":\"no\",\"text\":\"<script>x</script>\",\"leak\":true}\n"

static int parse(const char *text, struct nvsr_capability *ret, char *complaint)
{
	*complaint = '\0';
	return nvsr_capability_parse(text, strlen(text), "j", ret, complaint);
}

static char *written(void (*write)(FILE *f, const struct nvsr_capability *t), const struct nvsr_capability *t)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	write(f, t);
	fclose(f);
	return text;
}

static void a_run_is_read(void)
{
	struct nvsr_capability t;
	char complaint[512], evidence[160];
	_cleanup_free_ char *text = NULL, *html = NULL, *tsv = NULL;

	EXPECT(!parse(START VMS LEAK "{\"event\":\"end\",\"exit\":1}\n{\"event\":\"ce", &t, complaint), "%s", complaint);
	EXPECT(t.cells == 3 && t.ended && t.exit_code == 1 && t.emulated && !t.interrupted, "%u cells", t.cells);
	EXPECT(t.cell[0].answer == NVSR_CAPABILITY_YES && t.cell[0].numbers == 1 && t.cell[0].number[0].value == 4, "VMs");
	EXPECT(t.cell[1].leak && t.cell[1].answer == NVSR_CAPABILITY_NO && t.cell[2].answer == NVSR_CAPABILITY_MISSING, "answers");
	nvsr_capability_evidence(&t, evidence);
	EXPECT(!strcmp(evidence, "2 of 3 cells tried: 1 yes, 1 no; 0 not tested, 1 not reached"), "%s", evidence);
	text = written(nvsr_capability_text_write, &t);
	EXPECT(text && strstr(text, "not reached") && strstr(text, "passthrough, VMs per disk: yes: 4 at once") && strstr(text, "emulated device"),
	       "%s", text ? text : "-");
	html = written(nvsr_capability_html_write, &t);
	EXPECT(html && !strstr(html, "<script>") && strstr(html, "&lt;script&gt;") && strstr(html, "data leaked"), "%s", html ? html : "-");
	tsv = written(nvsr_capability_tsv_write, &t);
	EXPECT(tsv && !strncmp(tsv, "# emulated device", 17) && strstr(tsv, "\nrow\tway\tanswer\tbroken\tleak\tnumber\tvalue\ttext\n") &&
	       strstr(tsv, "\nvms-per-disk\tpassthrough\tyes\t0\t0\tvms\t4\t4 at once") && strstr(tsv, "\tno\t0\t1\t"), "%s", tsv ? tsv : "-");
	/* Each row has all columns: what was not reached too. */
	for (const char *at = tsv; at && *at; at = strchr(at, '\n') + 1) {
		unsigned tabs = 0;

		for (const char *c = at; *c != '\n'; c++)
			tabs += *c == '\t';
		EXPECT(*at == '#' || tabs == 7, "%.60s", at);
	}
	EXPECT(tsv && strstr(tsv, "\tNA\t0\t0\tNA\tNA\tNA\n"), "%s", tsv ? tsv : "-");
	nvsr_capability_free(&t);
}

static void anything_else_is_refused(void)
{
	static const struct { const char *text, *says; } cases[] = {
		{ "", "j:0: expected the event start" }, { "\n", "j:1: expected a JSON object" }, { "[]\n", "j:1: expected a JSON object" },
		{ "{}\n", "j:1: expected an event" }, { VMS, "j:1: expected the event start first" }, { START START, "j:2: expected one start" },
		{ "{\"event\":\"start\",\"version\":2,\"kind\":\"capability\",\"cells\":[]}\n", "j:1: expected one start" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"perf\",\"cells\":[]}\n", "j:1: expected one start" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\"}\n", "j:1: expected a list" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"cells\":[7]}\n", "j:1: expected row and way" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"cells\":[{\"row\":\"<b>\",\"way\":\"a\"}]}\n", "j:1: expected row and way" },
		{ "{\"event\":\"start\",\"version\":1,\"kind\":\"capability\",\"cells\":[{\"row\":\"0123456789012345678901234567890123456789\",\"way\":\"a\"}]}\n",
		  "j:1: expected row and way" },
		{ START "{\"event\":\"cell\",\"row\":\"cpu\",\"way\":\"passthrough\",\"answer\":\"yes\"}\n", "j:2: expected a cell of the plan" },
		{ START "{\"event\":\"cell\",\"row\":\"security\",\"way\":\"virtio-ns\",\"answer\":\"maybe\"}\n", "j:2: expected an answer" },
		{ START "{\"event\":\"cell\",\"row\":\"security\",\"way\":\"virtio-ns\"}\n", "j:2: expected an answer" },
		{ START "{\"event\":\"cell\",\"row\":\"security\",\"way\":\"virtio-ns\",\"answer\":\"no\",\"numbers\":[1]}\n", "j:2: expected numbers" },
		{ START "{\"event\":\"cell\",\"row\":\"security\",\"way\":\"virtio-ns\",\"answer\":\"no\",\"numbers\":{\"<\":1}}\n", "j:2: expected numbers" },
		{ START "{\"event\":\"cell\",\"row\":\"security\",\"way\":\"virtio-ns\",\"answer\":\"no\",\"numbers\":{\"a\":\"1\"}}\n", "j:2: expected numbers" },
		{ START "{\"event\":\"cell\",\"row\":\"security\",\"way\":\"virtio-ns\",\"answer\":\"no\",\"numbers\":"
		  "{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1,\"g\":1,\"h\":1,\"i\":1}}\n", "j:2: expected up to 8 numbers" },
	};

	for (unsigned i = 0; i < NVSR_ARRAY_SIZE(cases); i++) {
		struct nvsr_capability t = { 0 };
		char complaint[512];
		int rc = parse(cases[i].text, &t, complaint);

		EXPECT(rc == -EINVAL && !strncmp(complaint, cases[i].says, strlen(cases[i].says)), "%u: %d %s", i, rc, complaint);
		if (!rc)
			nvsr_capability_free(&t);
	}
}

/* Every beginning of a run, and every byte of it changed, is read or refused. */
static void damage_is_survived(void)
{
	static const char whole[] = START VMS LEAK "{\"event\":\"end\",\"exit\":-7,\"interrupted\":true}\n";
	struct nvsr_capability t;
	char complaint[512], copy[sizeof(whole)];
	unsigned read = 0;

	for (size_t n = 0; n < sizeof(whole); n++) {
		memcpy(copy, whole, sizeof(whole));
		copy[n] = (char)(copy[n] ^ 0x11);
		for (unsigned k = 0; k < 2; k++) {
			if (nvsr_capability_parse(k ? copy : whole, k ? sizeof(whole) - 1 : n, "j", &t, complaint))
				continue;
			free(written(nvsr_capability_text_write, &t));
			free(written(nvsr_capability_html_write, &t));
			free(written(nvsr_capability_tsv_write, &t));
			nvsr_capability_free(&t);
			read++;
		}
	}
	EXPECT(read, "none was read");
}

int main(void)
{
	a_run_is_read();
	anything_else_is_refused();
	damage_is_survived();
	if (!failed)
		puts("ok - the capability table: read, refused, written");
	return failed != 0;
}
